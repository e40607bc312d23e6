"""Samples -> spectrogram, in Keras' own operations: for any backend, and with gradients.

Sources of the conventions: librosa 0.11 (`feature.melspectrogram`, `power_to_db`), torchaudio
(`transforms.MelSpectrogram`, `AmplitudeToDB`) and `tf.signal`. Keras is imported where it is used,
for front ends are also named where nothing is computed.
"""

import functools
from typing import Any, Literal

import numpy as np

from vggish_inversion.features import log_mel
from vggish_inversion.features.log_mel_params import LogMelParams

Normalisation = Literal["clip", "band", "min_max"]

_LEAST_POWER = 1e-30  # below any sound: the root of zero has no gradient
_LEAST_DEVIATION = 1e-8
_AXES = {"clip": None, "min_max": None, "band": 1}


@functools.lru_cache(maxsize=8)
def window(name: str, num_samples: int) -> np.ndarray:
    """A periodic window, by its name in `scipy.signal.get_window`: `[num_samples]` float32.

    Raises:
        ValueError: if there is none of that name.
    """
    import scipy.signal

    return scipy.signal.get_window(name, num_samples).astype(np.float32)


def constant(value) -> np.ndarray:
    """A number, or one per band, as an array."""
    return np.asarray(value, np.float32)


def matmul(values, matrix: np.ndarray) -> Any:
    """`[..., n]` by a constant `[n, m]`."""
    from keras import ops

    return ops.matmul(values, ops.convert_to_tensor(matrix))


def spectrum(
    waveform, *, fft_length: int, window: np.ndarray, hop: int, padding: str | None, power: float
) -> Any:
    """The spectrogram of Fourier bins.

    Args:
        waveform: `[batch, samples]`.
        fft_length: of the transform.
        window: `[samples of a frame]`.
        hop: from one frame to the next.
        padding: "zeros" or "reflect", of half a transform on both sides, for centred frames; None
            for frames that begin with the waveform.
        power: of the magnitude.

    Returns:
        `[batch, frames, fft_length / 2 + 1]` float32.
    """
    from keras import ops

    if padding:
        half, before = fft_length // 2, (fft_length - len(window)) // 2
        mode = "constant" if padding == "zeros" else padding
        waveform = ops.pad(waveform, [[0, 0], [half, half]], mode=mode)
        window = np.pad(window, (before, fft_length - len(window) - before))
    frames = ops.extract_sequences(waveform, len(window), hop) * window
    real, imaginary = tuple(ops.rfft(frames, fft_length))  # pyright: ignore
    powers: Any = real * real + imaginary * imaginary
    if power == 2:
        return powers
    above: Any = ops.maximum(powers, _LEAST_POWER)
    return above ** (power / 2)


@functools.lru_cache(maxsize=8)
def mel_filters(
    sample_rate_hz: int,
    fft_length: int,
    num_bands: int,
    low_hz: float,
    high_hz: float,
    *,
    scale: str,
    norm: str | None,
    straight_in: str,
) -> np.ndarray:
    """`[bins, bands]` float32: librosa's, or those whose sides are straight over mel.

    Raises:
        ValueError: on Slaney's scale or norm for filters that are straight over mel.
    """
    if straight_in == "hertz":
        import librosa  # not at the top: it takes a second, and few networks need it

        return librosa.filters.mel(
            sr=sample_rate_hz,
            n_fft=fft_length,
            n_mels=num_bands,
            fmin=low_hz,
            fmax=high_hz,
            htk=scale == "htk",
            norm=norm,
        ).T.astype(np.float32)
    if scale != "htk" or norm:
        raise ValueError(
            f"filters that are straight over mel have mel_scale 'htk' and mel_norm None; got "
            f"{scale!r} and {norm!r}: state straight_in='hertz', as librosa makes them"
        )
    # Their matrix depends on no length of a window but the transform's.
    params = LogMelParams(
        sample_rate_hz=sample_rate_hz,
        window_seconds=fft_length / sample_rate_hz,
        num_bands=num_bands,
        low_hz=low_hz,
        high_hz=high_hz,
    )
    return log_mel.mel_matrix(params, fft_length)


def levels(
    bands,
    log: str | None,
    *,
    power: float,
    offset: float,
    minimum: float,
    reference: float | str,
    top_db: float | None,
) -> Any:
    """The logarithm of a spectrogram; see `log_spectrogram.LogSpectrogram` for the settings."""
    from keras import ops

    bands = ops.maximum(bands + offset, minimum)
    if log is None:
        return bands
    natural: Any = ops.log(bands)
    if log == "natural":
        return natural
    if log == "log10":
        return natural / np.log(10.0).astype(np.float32)
    to_db = np.float32(20.0 / power / np.log(10.0))
    if reference == "max":
        of_reference: Any = ops.max(natural, axis=(1, 2), keepdims=True)
    else:
        of_reference = np.float32(np.log(max(float(reference), minimum)))
    decibels = (natural - of_reference) * to_db
    if top_db is not None:
        peak: Any = ops.max(decibels, axis=(1, 2), keepdims=True)
        decibels = ops.maximum(decibels, peak - top_db)
    return decibels


def normalise(values, how: str | None) -> Any:
    """Each item of a batch `[batch, frames, bands]` or `[batch, samples]`, by its own statistics.

    Args:
        values: what is normalised.
        how: "clip", "band", "min_max" or None.
    """
    if how is None:
        return values
    from keras import ops

    axes = _AXES[how] or tuple(range(1, len(values.shape)))
    if how == "min_max":
        low: Any = ops.min(values, axis=axes, keepdims=True)
        span: Any = ops.max(values, axis=axes, keepdims=True) - low
        return (values - low) / ops.maximum(span, _LEAST_DEVIATION)
    mean: Any = ops.mean(values, axis=axes, keepdims=True)
    deviation = ops.std(values, axis=axes, keepdims=True)
    return (values - mean) / ops.maximum(deviation, _LEAST_DEVIATION)
