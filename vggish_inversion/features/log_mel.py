"""Waveform -> log-mel: the front end of VGGish, in a TensorFlow graph.

Source: `vggish_params.py` and `mel_features.py` of tensorflow/models (research/audioset/vggish).
TensorFlow is imported where it is used, so that networks can name their `LogMelParams` on a
machine that trains them with another Keras backend.
"""

import functools

import numpy as np

from vggish_inversion.features.log_mel_params import LogMelParams

# Log-mel divided by this lies in about [-0.5, 0.5], inside the range of the inverters' tanh
# (Comanducci et al. 2021 divide by the same number).
_NETWORK_SCALE = 10.0


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
def mel_matrix(params: LogMelParams, fft_length: int | None = None) -> np.ndarray:
    """Triangular filters, straight-sided on the mel axis, of unit height; the DC bin is left out.

    Args:
        params: rate, bands and their edges.
        fft_length: of the Fourier transform, if not `params.fft_length`.

    Returns:
        `[bins, bands]` float32; `magnitude @ mel_matrix` is the mel spectrogram.
    """
    num_bins = (fft_length or params.fft_length) // 2 + 1
    bins = hertz_to_mel(np.linspace(0.0, params.sample_rate_hz / 2, num_bins))[:, np.newaxis]
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


def waveform_to_log_mel(waveform, params: LogMelParams):
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


def scale_log_mel(log_mel):
    """Maps natural-log mel magnitude, about [-5, 5] nats, to network range, about [-0.5, 0.5]."""
    return log_mel / _NETWORK_SCALE


def unscale_log_mel(scaled):
    """Maps network range back to natural-log mel magnitude; inverse of `scale_log_mel`."""
    return scaled * _NETWORK_SCALE
