"""Compares the melody of two waveforms: fundamental frequency and voicing."""

import dataclasses

import numpy as np

_SAMPLE_RATE_HZ = 16000
_HOP_SAMPLES = 160
_WINDOW_SAMPLES = 1024  # two periods of the lowest pitch
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 500.0
# A fifth of a semitone is far below what is compared, and three times as fast as the default.
_RESOLUTION_SEMITONES = 0.2
_CENTS_PER_OCTAVE = 1200


@dataclasses.dataclass(frozen=True)
class PitchErrors:
    """How two pitch tracks differ.

    Attributes:
        f0_rmse_cents: root mean square difference where both are voiced, in hundredths of a
            semitone; nan if nowhere.
        voicing_error: share of frames that are voiced in one alone, 0 to 1; nan without frames.
    """

    f0_rmse_cents: float
    voicing_error: float


def track_pitch(waveform: np.ndarray) -> np.ndarray:
    """The fundamental frequency by pYIN (Mauch and Dixon 2014), a value each 10 ms.

    Args:
        waveform: `[samples]` float at 16 kHz.

    Returns:
        `[frames]` Hz between 65 and 500; nan where unvoiced.
    """
    import librosa  # with numba behind it

    if not len(waveform):
        return np.zeros(0)
    track, _, _ = librosa.pyin(
        np.asarray(waveform, np.float32),
        fmin=_LOWEST_HZ,
        fmax=_HIGHEST_HZ,
        sr=_SAMPLE_RATE_HZ,
        frame_length=_WINDOW_SAMPLES,
        hop_length=_HOP_SAMPLES,
        resolution=_RESOLUTION_SEMITONES,
    )
    return track


def pitch_errors(reference: np.ndarray, track: np.ndarray) -> PitchErrors:
    """Compares two tracks of `track_pitch`.

    >>> pitch_errors(np.array([100.0, 100.0, np.nan]), np.array([200.0, np.nan, np.nan]))
    PitchErrors(f0_rmse_cents=1200.0, voicing_error=0.3333333333333333)

    Raises:
        ValueError: if they are not of the same length.
    """
    if reference.shape != track.shape:
        raise ValueError(f"{len(reference)} and {len(track)} frames: expected as many")
    if not len(reference):
        return PitchErrors(float("nan"), float("nan"))
    voiced = np.isfinite(reference), np.isfinite(track)
    both = voiced[0] & voiced[1]
    cents = _CENTS_PER_OCTAVE * np.log2(track[both] / reference[both])
    rmse = float(np.sqrt(np.mean(cents**2))) if both.any() else float("nan")
    return PitchErrors(rmse, float(np.mean(voiced[0] != voiced[1])))
