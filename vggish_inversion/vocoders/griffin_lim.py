"""Fast Griffin-Lim on a mel spectrogram, in one TensorFlow graph.

Sources: Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE
TASSP 1984; Perraudin, Balazs and Søndergaard, "A fast Griffin-Lim algorithm", WASPAA 2013 (the
momentum); Lee and Seung, "Algorithms for non-negative matrix factorization", NIPS 2000 (the
multiplicative step).

A mel band says how strong its bins are together, not each. The usual road guesses a magnitude per
bin once and then looks for phases that agree with the guess. Here only the mel is held fixed: each
iteration moves the magnitudes that it finds in its own waveform to the given mel, so the bins
settle where a real signal can have them. On the 20 LJ050 clips (60 iterations, momentum 0.99) the
log-mel error falls from 0.043 to 0.023 nats and STOI rises from 0.988 to 0.990, for about a fifth
more time.

Long utterances are rendered a block at a time, so that memory does not grow with them. Where a
block overlaps the one before, it starts from how that one sounds, and what every iteration analyses
is their cross-fade: the block comes to fit what it is joined to. What is shorter than two blocks
is one.
"""

import numpy as np
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.vocoders import vocoder

_MIN_MAGNITUDE = 1e-6  # a bin that is exactly 0 would stay 0 under multiplicative steps
_MIN_WINDOW_SUM = 1e-2  # of squared windows: below it, in what is cropped, the edges fade out


class GriffinLim(vocoder.Vocoder):
    """Turns log-mel into a waveform of the same level.

    Every utterance starts from the same phases, those of a noise drawn from `seed`, so its waveform
    depends neither on its neighbours in the batch nor, but for its last frames, on padding by
    silence.

    Attributes:
        num_iterations: projections.
        momentum: 0 is the classical algorithm.
        block_frames: of a block; the last one takes what is left, and may be nearly twice as long.
        overlap_frames: of two blocks.
        fingerprint: of these settings; what it makes of a log-mel follows from them.

    >>> GriffinLim(features.LogMelParams(), num_iterations=2)(tf.fill([1, 3, 64], -4.6)).shape
    TensorShape([1, 480])
    """

    def __init__(
        self,
        params: features.LogMelParams,
        *,
        num_iterations: int = 60,
        momentum: float = 0.99,
        seed: int = 0,
        block_frames: int = 4096,
        overlap_frames: int = 64,
    ):
        """Prepares the constants.

        Raises:
            ValueError: if `num_iterations` or `momentum` is negative, or blocks overlap by nothing
                or by more than a third.
        """
        if num_iterations < 0 or momentum < 0:
            raise ValueError(
                "num_iterations and momentum must not be negative, "
                f"got {num_iterations} and {momentum}"
            )
        if not 1 <= overlap_frames <= block_frames // 3:
            raise ValueError(
                f"overlap_frames is {overlap_frames}: expected 1 to a third of {block_frames}"
            )
        self.num_iterations = num_iterations
        self.momentum = momentum
        self.block_frames = block_frames
        self.overlap_frames = overlap_frames
        self._seed = seed
        self.fingerprint = (
            f"{num_iterations} iterations, momentum {momentum:g}, seed {seed}, "
            f"blocks of {block_frames} - {overlap_frames} frames"
        )
        self._window = features.periodic_hann(params.window_samples)
        self._filters = features.mel_matrix(params)
        weights = self._filters.sum(axis=1, keepdims=True)
        self._spread = (self._filters / np.maximum(weights, _MIN_MAGNITUDE)).T
        # A band that no bin falls into is 0, whatever is asked of it.
        self._band_weights = np.maximum(self._filters.sum(axis=0), _MIN_MAGNITUDE)
        super().__init__(params, name="griffin_lim")

    def mel_to_magnitude(self, mel, *, num_steps: int = 20) -> tf.Tensor:
        """A linear magnitude spectrogram with the given mel, smooth within the bands.

        Args:
            mel: `[batch, frames, bands]` float32, linear, at least 0.
            num_steps: multiplicative steps.

        Returns:
            `[batch, frames, bins]` float32, at least 0; 0 where no filter reaches. What is given
            for a band without a bin, as many bands of a short window are, is left out.
        """
        flat = tf.matmul(mel / self._band_weights, tf.constant(self._spread))
        _, magnitude = tf.while_loop(
            lambda step, _: step < num_steps,
            lambda step, magnitude: (step + 1, self._match(magnitude, mel)),
            (0, flat),
        )
        return magnitude

    def _match(self, magnitude, mel):
        """One step of `magnitude` towards spectrograms with this mel (Kullback-Leibler)."""
        magnitude = tf.maximum(magnitude, _MIN_MAGNITUDE)
        ratio = tf.math.divide_no_nan(mel, tf.matmul(magnitude, tf.constant(self._filters)))
        return magnitude * tf.matmul(ratio, tf.constant(self._spread))

    def _analyse(self, waveform):
        """`[..., samples]` -> complex `[..., frames, bins]`."""
        params = self.params
        frames = tf.signal.frame(waveform, params.window_samples, params.hop_samples)
        return tf.signal.rfft(frames * self._window, [params.fft_length])

    def _to_waveform(self, spectrum, weights):
        """The waveform whose analysis is nearest to `spectrum`: least squares."""
        frames = tf.signal.irfft(spectrum, [self.params.fft_length])
        frames = frames[..., : self.params.window_samples] * self._window
        return tf.signal.overlap_and_add(frames, self.params.hop_samples) * weights

    def _sample_weights(self, num_frames):
        """What least squares scales each sample by: `[window + (frames - 1) * hop]`."""
        squares = tf.tile(self._window[np.newaxis] ** 2, [num_frames, 1])
        squares = tf.signal.overlap_and_add(squares, self.params.hop_samples)
        return 1.0 / tf.maximum(squares, _MIN_WINDOW_SUM)

    def _synthesise(self, log_mel):
        params, num_frames = self.params, tf.shape(log_mel)[1]
        # Half a window less half a hop at either end is what makes frames * hop samples.
        hop, before = params.hop_samples, (params.window_samples - params.hop_samples) // 2
        stride = self.block_frames - self.overlap_frames
        num_blocks = tf.maximum(1, (num_frames - self.overlap_frames) // stride)

        def add_block(index, tail, made):
            is_last = index == num_blocks - 1
            first = index * stride
            last = tf.where(is_last, num_frames, first + self.block_frames)
            block = self._render(log_mel[:, first:last], index, tail)
            begin = tf.where(index == 0, before, 0)
            end = tf.where(is_last, before + (num_frames - first) * hop, stride * hop)
            # Samples first, for that is the axis along which the pieces are joined.
            made = made.write(index, tf.transpose(block[:, begin:end]))
            return index + 1, block[:, stride * hop :], made

        batch = tf.shape(log_mel)[0]
        made = tf.TensorArray(tf.float32, num_blocks, element_shape=[None, None], infer_shape=False)
        *_, made = tf.while_loop(
            lambda index, *_: index < num_blocks,
            add_block,
            (0, tf.zeros([batch, 0]), made),
            shape_invariants=(
                tf.TensorShape([]),
                tf.TensorShape([None, None]),
                tf.TensorShape(None),
            ),
            parallel_iterations=1,
        )
        return tf.transpose(tf.ensure_shape(made.concat(), [None, None]))

    def _render(self, log_mel, index, begun):
        """One block.

        Args:
            log_mel: `[batch, frames, bands]`, nats.
            index: of the block, for its noise.
            begun: `[batch, samples]`, the end of the block before, which it cross-fades with.

        Returns:
            `[batch, window + (frames - 1) * hop]`, all samples that a frame sees.
        """
        params = self.params
        num_samples = params.window_samples + (tf.shape(log_mel)[1] - 1) * params.hop_samples
        mel = tf.maximum(tf.exp(log_mel) - params.log_offset, 0.0)
        batch, length = tf.unstack(tf.shape(begun))
        noise = tf.random.stateless_normal([1, num_samples - length], [self._seed, index])
        noisy = tf.concat([begun, tf.tile(noise, [batch, 1])], axis=1)
        start = _scale_to(self._analyse(noisy), self.mel_to_magnitude(mel))
        rise = (tf.range(length, dtype=tf.float32) + 1) / tf.cast(length + 1, tf.float32)
        weights = self._sample_weights(tf.shape(log_mel)[1])

        def synthesise(spectrum):
            waveform = self._to_waveform(spectrum, weights)
            faded = begun + rise * (waveform[:, :length] - begun)
            return tf.concat([faded, waveform[:, length:]], axis=1)

        def project(step, spectrum, previous):
            analysed = self._analyse(synthesise(spectrum))
            ahead = analysed + self.momentum * (analysed - previous)
            return step + 1, _scale_to(ahead, self._match(_magnitude(analysed), mel)), analysed

        _, spectrum, _ = tf.while_loop(
            lambda step, *_: step < self.num_iterations, project, (0, start, start)
        )
        return synthesise(spectrum)


def _magnitude(spectrum):
    """Absolute values; tf.abs, which takes complex numbers one by one, is slow."""
    return tf.sqrt(tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum)))


def _scale_to(spectrum, magnitude):
    """The phases of `spectrum` with another magnitude; 0 has no phase and stays 0."""
    scale = magnitude * tf.math.reciprocal_no_nan(_magnitude(spectrum))
    return spectrum * tf.cast(scale, tf.complex64)


def load(name: str, params: features.LogMelParams) -> GriffinLim:
    """Griffin-Lim for a front end; it has no weights, and its only name is "griffin_lim"."""
    del name
    return GriffinLim(params)
