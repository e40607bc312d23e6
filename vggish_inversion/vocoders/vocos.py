"""A vocoder at the rate of frames: ConvNeXt blocks, then an inverse short-time Fourier transform.

Source: Siuzdak, "Vocos: Closing the gap between time-domain and Fourier-based neural vocoders for
high-quality audio synthesis" (ICLR 2024); Liu et al., "A ConvNet for the 2020s" (CVPR 2022).

Two things are ours. The magnitudes start from what the mel says of them, each band's strength
spread over its bins, and the network only corrects them: silence is silent and levels are kept
before any training. And phases are counted from the middle of a frame, where those of a pulse are
all alike, not from its beginning.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.files import keras_files

keras_files.set_keras_defaults()

ops: Any = keras.ops  # Keras ships no types, and what pyright infers of these is wrong

_WIDTH = 192
_NUM_BLOCKS = 8
_EXPANSION = 3
_KERNEL_FRAMES = 7

_MIN_MAGNITUDE = 1e-3  # what a bin starts from where the mel says nothing; 60 dB below a whisper
_MIN_WINDOW_SUM = 1e-2  # of squared windows: below it, at the very edges, the waveform fades


def overlap_add(frames, hop_samples: int) -> Any:
    """Adds up frames, each a hop after the one before.

    Args:
        frames: `[batch, frames, samples]`, any float dtype.
        hop_samples: between two frames.

    Returns:
        `[batch, hop * (frames - 1) + samples rounded up to a multiple of the hop]`.
    """
    num_samples = frames.shape[-1]
    num_hops = -(-num_samples // hop_samples)
    frames = ops.pad(frames, ((0, 0), (0, 0), (0, num_hops * hop_samples - num_samples)))
    total = sum(
        ops.pad(
            frames[..., index * hop_samples : (index + 1) * hop_samples],
            ((0, 0), (index, num_hops - 1 - index), (0, 0)),
        )
        for index in range(num_hops)
    )
    return ops.reshape(total, (-1, ops.shape(total)[1] * hop_samples))


def inverse_stft(real, imaginary, hop_samples: int) -> Any:
    """The waveform whose centred frames have the given spectra: least squares, as Griffin and Lim.

    Args:
        real: `[batch, frames, bins]` float32, with phases counted from the middle of the frame.
        imaginary: the same.
        hop_samples: between two frames.

    Returns:
        `[batch, frames * hop]` float32; the middle of frame `i` is at `i * hop + hop / 2`.
    """
    fft_length = 2 * (real.shape[-1] - 1)
    # To the middle of the frame: half a period later, each other bin changes its sign.
    signs = (-1.0) ** np.arange(real.shape[-1], dtype=np.float32)
    frames = ops.irfft((real * signs, imaginary * signs), fft_length)
    window = features.periodic_hann(fft_length)
    # A window's own squares, once per frame: the length is known only when the network runs.
    squares = ops.ones_like(frames[:1, :, :1]) * window**2
    waveform = overlap_add(frames * window, hop_samples)
    envelope = ops.maximum(overlap_add(squares, hop_samples), _MIN_WINDOW_SUM)
    before = (fft_length - hop_samples) // 2
    num_samples = ops.shape(real)[1] * hop_samples
    return (waveform / envelope)[:, before : before + num_samples]


def mel_to_bins(params: features.LogMelParams) -> np.ndarray:
    """Spreads a mel evenly: `[bands, bins]` float32; bins beyond the bands take the nearest one's.

    `mel @ mel_to_bins` is a linear magnitude; of a flat spectrum, that spectrum.
    """
    filters = features.mel_matrix(params)
    reached = np.flatnonzero(filters.sum(axis=1))
    nearest = reached[np.abs(np.arange(len(filters))[:, np.newaxis] - reached).argmin(axis=1)]
    shares = filters[nearest] / filters[nearest].sum(axis=1, keepdims=True)
    # Of a band that no bin falls into, nothing is spread.
    return (shares / np.maximum(filters.sum(axis=0), _MIN_MAGNITUDE)).T.astype(np.float32)


@keras.saving.register_keras_serializable("vggish_inversion")
class SpectrumHead(keras.layers.Layer):
    """Log-mel and a correction of each bin -> waveform, in float32.

    Inputs: `[batch, frames, bands]` log-mel in nats, and `[batch, frames, 2 * bins]`: what is added
    to the log-magnitudes, then the phases. Output: `[batch, frames * hop]`.
    """

    def __init__(self, params: features.LogMelParams | dict, **kwargs):
        """Takes the front end (as a dict where it was read from a file); kwargs are Keras' own."""
        super().__init__(**{**kwargs, "dtype": "float32"})
        self._params = features.LogMelParams(**params) if isinstance(params, dict) else params
        self._spread = mel_to_bins(self._params)
        self._loudest = float(np.log(self._params.window_samples))

    def call(self, log_mel, correction):
        """Puts magnitudes and phases together."""
        mel = ops.exp(log_mel) - self._params.log_offset
        mel = ops.maximum(mel, 0.0)
        magnitude = ops.maximum(ops.matmul(mel, self._spread), _MIN_MAGNITUDE)
        added, phase = ops.split(correction, 2, axis=-1)
        log_magnitude = ops.minimum(ops.log(magnitude) + added, self._loudest)
        magnitude = ops.exp(log_magnitude)
        return inverse_stft(
            magnitude * ops.cos(phase),
            magnitude * ops.sin(phase),
            self._params.hop_samples,
        )

    def compute_output_shape(self, log_mel_shape, correction_shape):
        """A hop of samples for each frame."""
        frames = log_mel_shape[1]
        return (log_mel_shape[0], None if frames is None else frames * self._params.hop_samples)

    def get_config(self):
        """What `from_config` needs."""
        return {**super().get_config(), "params": dataclasses.asdict(self._params)}


def build_generator(
    params: features.LogMelParams,
    *,
    width: int = _WIDTH,
    num_blocks: int = _NUM_BLOCKS,
    seed: int = 0,
) -> keras.Model:
    """Builds the network.

    Args:
        params: the front end whose log-mel it turns into sound.
        width: channels.
        num_blocks: ConvNeXt blocks; each sees 3 frames more to either side.
        seed: of the initial weights.

    Returns:
        A model `[batch, frames, bands]` log-mel in nats -> `[batch, frames * hop]` float32,
        not limited to [-1, 1]; its sample 0 is sample `(window - hop) / 2` of what the log-mel
        describes.

    >>> build_generator(features.LogMelParams(), width=8, num_blocks=1)(np.zeros([1, 3, 64])).shape
    TensorShape([1, 480])
    """
    rng = np.random.default_rng(seed)

    def scaled(scale: float = 1.0):
        return keras.initializers.VarianceScaling(
            scale, "fan_in", "truncated_normal", int(rng.integers(2**31))
        )

    log_mel = keras.Input((None, params.num_bands), name="log_mel")
    # Speech lies between silence and about 8 nats above it.
    # Operations, for the layer Rescaling needs TensorFlow, always.
    x = keras.ops.multiply(0.5, keras.ops.subtract(log_mel, params.log_floor + 3.0))
    x = keras.layers.Conv1D(
        width, _KERNEL_FRAMES, padding="same", kernel_initializer=scaled(), name="embed"
    )(x)
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="embed_norm")(x)
    for index in range(num_blocks):
        y = keras.layers.DepthwiseConv1D(
            _KERNEL_FRAMES,
            padding="same",
            depthwise_initializer=scaled(),
            name=f"block_{index}_conv",
        )(x)
        y = keras.layers.LayerNormalization(epsilon=1e-6, name=f"block_{index}_norm")(y)
        y = keras.layers.Dense(
            _EXPANSION * width, kernel_initializer=scaled(), name=f"block_{index}_expand"
        )(y)
        y = keras.layers.Activation("gelu", name=f"block_{index}_gelu")(y)
        # Small at first, as ConvNeXt's layer scale makes it, so that many blocks start near one.
        y = keras.layers.Dense(
            width, kernel_initializer=scaled(1e-2), name=f"block_{index}_project"
        )(y)
        x = keras.layers.Add(name=f"block_{index}")([x, y])
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="last_norm")(x)
    correction = keras.layers.Dense(
        2 * params.num_bins, kernel_initializer=scaled(0.1), dtype="float32", name="correction"
    )(x)
    waveform = SpectrumHead(params, name="waveform")(log_mel, correction)
    return keras.Model(log_mel, waveform, name="vocos")
