"""Waveform -> log-mel -> patches, and back: the front end of VGGish, in a TensorFlow graph.

Source: `vggish_params.py` and `mel_features.py` of tensorflow/models (research/audioset/vggish).
TensorFlow is imported where it is used, so that networks can name their `LogMelParams` on a
machine that trains them with another Keras backend.
"""

import dataclasses
import functools
import math

import numpy as np

# Log-mel divided by this lies in about [-0.5, 0.5], inside the range of the inverters' tanh
# (Comanducci et al. 2021 divide by the same number).
_NETWORK_SCALE = 10.0


@dataclasses.dataclass(frozen=True)
class LogMelParams:
    """The log-mel front end that a target was trained with; the defaults are VGGish's.

    >>> LogMelParams().window_samples, LogMelParams().hop_samples, LogMelParams().fft_length
    (400, 160, 512)
    """

    sample_rate_hz: int = 16000
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    num_bands: int = 64
    low_hz: float = 125.0
    high_hz: float = 7500.0
    log_offset: float = 0.01
    patch_frames: int = 96
    patch_hop_frames: int = 96

    @property
    def window_samples(self) -> int:
        """Length of the analysis window."""
        return round(self.window_seconds * self.sample_rate_hz)

    @property
    def hop_samples(self) -> int:
        """Distance between two frames."""
        return round(self.hop_seconds * self.sample_rate_hz)

    @property
    def fft_length(self) -> int:
        """The window's length rounded up to a power of two."""
        return 2 ** math.ceil(math.log2(self.window_samples))

    @property
    def num_bins(self) -> int:
        """Bins of the linear spectrogram."""
        return self.fft_length // 2 + 1

    @property
    def patch_samples(self) -> int:
        """The shortest waveform that fills one patch."""
        return self.window_samples + (self.patch_frames - 1) * self.hop_samples

    @property
    def log_floor(self) -> float:
        """The log-mel of digital silence."""
        return math.log(self.log_offset)

    def num_frames(self, num_samples: int) -> int:
        """Frames that fit into a waveform without padding.

        >>> LogMelParams().num_frames(16000)
        98
        """
        return max(0, 1 + (num_samples - self.window_samples) // self.hop_samples)


def periodic_hann(length: int) -> np.ndarray:
    """A Hann window of period `length`, as VGGish uses: `[length]` float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi / length * np.arange(length))).astype(np.float32)


def hertz_to_mel(hertz):
    """The HTK mel scale.

    >>> round(float(hertz_to_mel(1000.0)), 2)
    999.99
    """
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)


@functools.lru_cache(maxsize=8)
def mel_matrix(params: LogMelParams) -> np.ndarray:
    """Triangular filters, straight-sided on the mel axis, of unit height; the DC bin is left out.

    Returns:
        `[bins, bands]` float32; `magnitude @ mel_matrix` is the mel spectrogram.
    """
    bins = hertz_to_mel(np.linspace(0.0, params.sample_rate_hz / 2, params.num_bins))[:, np.newaxis]
    edges = np.linspace(
        hertz_to_mel(params.low_hz), hertz_to_mel(params.high_hz), params.num_bands + 2
    )
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - lower) / (centre - lower)
    falling = (upper - bins) / (upper - centre)
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    matrix[0] = 0.0
    matrix = matrix.astype(np.float32)
    matrix.setflags(write=False)  # the cache hands out this very array
    return matrix


def waveform_to_log_mel(waveform, params: LogMelParams = LogMelParams()):
    """The natural logarithm of the mel magnitude spectrogram.

    Args:
        waveform: `[..., samples]` float32 in [-1, 1], at `params.sample_rate_hz`.
        params: the target's front end.

    Returns:
        tf.Tensor `[..., frames, bands]` float32, in nats, at least `params.log_floor`; frame `i`
        sees samples `[i * hop, i * hop + window)`, and nothing is padded.
    """
    import tensorflow as tf  # not at the top: see the module's docstring

    frames = tf.signal.frame(
        tf.cast(waveform, tf.float32), params.window_samples, params.hop_samples
    )
    frames *= tf.constant(periodic_hann(params.window_samples))
    # Padded here, for tf.signal.rfft pads no empty tensor: a clip too short has no frames.
    padding = [[0, 0]] * (frames.shape.rank - 1)
    padding += [[0, params.fft_length - params.window_samples]]
    magnitude = tf.abs(tf.signal.rfft(tf.pad(frames, padding)))
    mel = tf.tensordot(magnitude, tf.constant(mel_matrix(params)), 1)
    return tf.math.log(mel + params.log_offset)


def patch_starts(
    num_frames: int, params: LogMelParams = LogMelParams(), *, hop_frames: int | None = None
) -> np.ndarray:
    """First frames of the patches of an utterance, as VGGish cuts them: what is left is dropped.

    Args:
        num_frames: frames of the utterance.
        params: the target's front end.
        hop_frames: distance between patches; `params.patch_hop_frames` if None.

    Returns:
        `[patches]` int64, empty where the utterance is shorter than a patch.

    >>> patch_starts(200).tolist()
    [0, 96]
    """
    last = num_frames - params.patch_frames
    return np.arange(0, last + 1, hop_frames or params.patch_hop_frames)


def covering_patch_starts(
    num_frames, params: LogMelParams = LogMelParams(), *, hop_frames: int | None = None
):
    """First frames of patches that leave out no frame: the last one ends with the utterance.

    Args:
        num_frames: frames of the utterance, an int or a tensor of one.
        params: the target's front end.
        hop_frames: distance between patches; `params.patch_hop_frames` if None.

    Returns:
        tf.Tensor `[patches]` int32, empty where the utterance is shorter than a patch.

    >>> covering_patch_starts(200).numpy().tolist()
    [0, 96, 104]
    """
    import tensorflow as tf

    hop = hop_frames or params.patch_hop_frames
    last = num_frames - params.patch_frames
    count = tf.where(last < 0, 0, 1 + (last + hop - 1) // hop)
    return tf.minimum(hop * tf.range(count), last)


def log_mel_to_patches(
    log_mel, starts, params: LogMelParams = LogMelParams(), *, context_frames: int = 0
):
    """Cuts patches, each with its context.

    Args:
        log_mel: `[frames, bands]`.
        starts: `[patches]` ints, their first frames.
        params: the target's front end.
        context_frames: frames before and after each patch; beyond the utterance its first and last
            frame go on.

    Returns:
        tf.Tensor `[patches, context_frames + patch_frames + context_frames, bands]`.
    """
    import tensorflow as tf

    window = tf.range(-context_frames, params.patch_frames + context_frames)
    frames = tf.cast(starts, tf.int32)[:, tf.newaxis] + window
    return tf.gather(log_mel, tf.clip_by_value(frames, 0, tf.shape(log_mel)[0] - 1))


def without_context(patches, params: LogMelParams = LogMelParams()):
    """The patches alone, of `[patches, context + patch_frames + context, bands]`."""
    before = (patches.shape[1] - params.patch_frames) // 2
    return patches[:, before : before + params.patch_frames]


def patches_to_log_mel(patches, starts, params: LogMelParams = LogMelParams()):
    """Joins patches, cross-fading where they overlap; inverse of `log_mel_to_patches`.

    Args:
        patches: `[patches, patch_frames, bands]` float32.
        starts: `[patches]` ints, ascending from 0 with no gap: those of `covering_patch_starts`.
        params: the target's front end.

    Returns:
        tf.Tensor `[starts[-1] + patch_frames, bands]` float32.
    """
    import tensorflow as tf

    starts = tf.cast(starts, tf.int32)
    frames = (starts[:, tf.newaxis] + tf.range(params.patch_frames))[:, :, tf.newaxis]
    ramp = np.arange(1, params.patch_frames + 1, dtype=np.float32)
    fade = tf.constant(np.minimum(ramp, ramp[::-1]))[tf.newaxis, :, tf.newaxis]
    weights = tf.broadcast_to(fade, [tf.shape(starts)[0], params.patch_frames, 1])
    num_frames = starts[-1] + params.patch_frames
    total = tf.scatter_nd(frames, weights * patches, [num_frames, params.num_bands])
    return total / tf.scatter_nd(frames, weights, [num_frames, 1])


def scale_log_mel(log_mel):
    """Maps natural-log mel magnitude, about [-5, 5] nats, to network range, about [-0.5, 0.5]."""
    return log_mel / _NETWORK_SCALE


def unscale_log_mel(scaled):
    """Maps network range back to natural-log mel magnitude; inverse of `scale_log_mel`."""
    return scaled * _NETWORK_SCALE
