"""Compares waveforms: quality, and distances of spectra."""

import importlib

import numpy as np

_SAMPLE_RATE_HZ = 16000
# The frames of VGGish's front end.
_WINDOW_SAMPLES, _HOP_SAMPLES, _FFT_LENGTH = 400, 160, 512


def log_mel_l1(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two log-mel spectrograms, in nats.

    >>> log_mel_l1(np.zeros((2, 64)), np.full((2, 64), -0.5))
    0.5

    Args:
        a: `[frames, bands]` natural logarithms.
        b: of the same shape.

    Raises:
        ValueError: if the shapes differ, or there is nothing in them.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or not a.size:
        raise ValueError(f"shapes are {a.shape} and {b.shape}: expected [frames, bands] twice")
    return float(np.mean(np.abs(a - b)))


def spectral_convergence(reference: np.ndarray, waveform: np.ndarray) -> float:
    """Relative distance of magnitude spectrograms, in Frobenius norm (Sturmel and Daudet 2011).

    >>> noise = np.random.default_rng(0).standard_normal(16000)
    >>> round(spectral_convergence(noise, 0.5 * noise), 3)
    0.5

    Args:
        reference: `[samples]` float at 16 kHz.
        waveform: of the same shape.

    Returns:
        0 (equal) upwards, 1 for silence; nan if the reference is silent or shorter than a window.

    Raises:
        ValueError: if the shapes differ.
    """
    reference, waveform = _pair(reference, waveform)
    if len(reference) < _WINDOW_SAMPLES or not np.any(reference):
        return float("nan")
    expected, found = (_magnitudes(item) for item in (reference, waveform))
    return float(np.linalg.norm(expected - found) / np.linalg.norm(expected))


def pesq(reference: np.ndarray, waveform: np.ndarray) -> float:
    """Wide-band PESQ (ITU-T P.862.2), by the package of that name.

    Args:
        reference: `[samples]` float at 16 kHz, the clean speech.
        waveform: of the same shape.

    Returns:
        A listening quality of 1 (bad) to 4.64; nan where it is not defined, as for silence.

    Raises:
        ValueError: if the shapes differ, or the package is not installed.
    """
    pesq_package = import_pesq()
    reference, waveform = _pair(reference, waveform)
    if not np.any(reference) or not np.any(waveform):
        return float("nan")
    try:
        return float(pesq_package.pesq(_SAMPLE_RATE_HZ, reference, waveform, "wb"))
    except (pesq_package.PesqError, ZeroDivisionError):  # no utterances, or too short a buffer
        return float("nan")


def import_pesq():
    """The package `pesq`, which is optional; ValueError says how to install it."""
    try:
        return importlib.import_module("pesq")
    except ImportError as error:
        raise ValueError(
            "PESQ needs a package that is not installed: pip install 'vggish-inversion[pesq]'"
        ) from error


def _pair(reference: np.ndarray, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    reference, waveform = np.asarray(reference, np.float64), np.asarray(waveform, np.float64)
    if reference.ndim != 1 or reference.shape != waveform.shape:
        raise ValueError(
            f"shapes are {reference.shape} and {waveform.shape}: expected [samples] twice"
        )
    return reference, waveform


def _magnitudes(waveform: np.ndarray) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(waveform, _WINDOW_SAMPLES)[::_HOP_SAMPLES]
    window = np.hanning(_WINDOW_SAMPLES + 1)[:-1]
    return np.abs(np.fft.rfft(frames * window, _FFT_LENGTH))
