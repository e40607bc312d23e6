"""Makes a waveform of a caller's path or samples, or refuses it in one line."""

import os
from typing import Any

import numpy as np

from vggish_inversion.audio import decoding

Sound = str | os.PathLike[str] | np.ndarray

# Floats above it are integers that were cast, not speech that overshoots.
_MAX_PEAK = 16.0
_INTEGERS = {"int8": "128", "int16": "32768", "int24": "8388608", "int32": "2147483648"}


def to_waveform(sound: Sound, *, sample_rate_hz: int = decoding.SAMPLE_RATE_HZ) -> np.ndarray:
    """Makes a waveform of what a caller has.

    >>> to_waveform([0.0, 0.5, -0.5])
    array([ 0. ,  0.5, -0.5], dtype=float32)
    >>> to_waveform(np.zeros((2, 16000), np.float32))
    Traceback (most recent call last):
    ValueError: waveform has the shape (2, 16000): expected [samples], mono; average its channels, \
waveform.mean(axis=0)

    Args:
        sound: the path of an audio file; or `[samples]` floats in [-1, 1] of mono sound, as an
            array, a list or a tensor.
        sample_rate_hz: at which a file is read, and samples are.

    Returns:
        `[samples]` float32, at least one of them, all finite.

    Raises:
        audio.AudioError: if a file cannot be read.
        ValueError: for samples of another type, shape or range; it says how to mend them.
    """
    if isinstance(sound, (str, os.PathLike)):
        return decoding.read_audio(sound, sample_rate_hz=sample_rate_hz)
    samples = _to_array(sound, sample_rate_hz)
    _check_type(samples)
    if samples.ndim != 1:
        raise ValueError(f"waveform has the shape {samples.shape}: {_advice(samples.shape)}")
    if not len(samples):
        raise ValueError("waveform has no samples: expected [samples], at least one")
    waveform = np.asarray(samples, np.float32)
    if not np.isfinite(waveform).all():
        raise ValueError("waveform has NaN or infinite samples: expected finite ones")
    peak = max(float(waveform.max()), -float(waveform.min()))
    if peak > _MAX_PEAK:
        raise ValueError(
            f"waveform reaches {peak:g}: expected floats in [-1, 1]; divide integers by "
            "their full scale, 32768 for 16 bits"
        )
    return waveform


def name_of(sound: Any) -> str:
    """What messages call it: a path by its name.

    >>> name_of("speech/a.wav"), name_of([0.0])
    ('speech/a.wav', 'waveform')
    """
    return os.fspath(sound) if isinstance(sound, (str, os.PathLike)) else "waveform"


def _to_array(sound: Any, rate_hz: int) -> np.ndarray:
    rate = f"{rate_hz / 1000:g} kHz"
    expected = f"expected the path of an audio file, or [samples] floats in [-1, 1] at {rate}"
    if isinstance(sound, (bytes, bytearray, memoryview)):
        raise ValueError(f"got bytes: {expected}; audio.decode_audio takes the bytes of a file")
    try:
        samples = np.asarray(sound)
        if samples.dtype.kind not in "USOMmV" or not samples.size:
            return samples
        kind = f" of {type(next(iter(samples.flat))).__name__.rstrip('_')}" if samples.ndim else ""
    except (ValueError, TypeError, RuntimeError) as error:
        # Numbers of several lengths, or a tensor that is on another device.
        kind = f" ({' '.join(str(error).split())[:80]} ...)"
    raise ValueError(f"got {type(sound).__name__}{kind}: {expected}; give several one by one")


def _check_type(samples: np.ndarray) -> None:
    kind = samples.dtype.name
    if samples.dtype.kind == "f" or not samples.size:
        return
    advice = "give floats"
    if samples.dtype.kind == "u":
        advice = "take half of full scale away and divide by it, (waveform - 128.0) / 128 for uint8"
    elif samples.dtype.kind == "i":
        advice = f"divide by full scale, waveform / {_INTEGERS.get(kind, '32768')}"
    raise ValueError(f"waveform holds {kind}: expected floats in [-1, 1]; {advice}")


def _advice(shape: tuple[int, ...]) -> str:
    expected = "expected [samples], mono"
    if len(shape) != 2:
        return expected
    channels = 0 if shape[0] <= shape[1] else 1
    if shape[channels] == 1:
        return f"{expected}; take {'waveform[0]' if channels == 0 else 'waveform[:, 0]'}"
    return f"{expected}; average its channels, waveform.mean(axis={channels})"
