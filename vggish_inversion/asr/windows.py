"""What Whisper's encoder is given: windows of a clip, no longer than the clip needs."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from vggish_inversion.asr.transcriber import SAMPLE_RATE_HZ

WINDOW_SECONDS = 30.0  # what the encoder was trained on, and the longest that it takes
FRAMES_PER_SECOND = 100
WHOLE_FRAMES = int(WINDOW_SECONDS * FRAMES_PER_SECOND)

# The encoder's work grows with its window. Silence must follow the clip, or the decoder, which
# learnt from windows that end so, begins anew where it should stop.
_TAIL_SECONDS = 3.0
_STEP_SECONDS = 2.0  # windows of as many frames share a batch

DESCRIPTION = f"windows of clip and {_TAIL_SECONDS:g} s, by {_STEP_SECONDS:g} s"

_SEARCH_SECONDS = 5.0  # a longer clip is parted at the quietest moment of a window's end
_QUIET_SECONDS = 0.1

Features = Callable[[Sequence[np.ndarray], int], np.ndarray]


def split_at_quiet(waveform: np.ndarray) -> list[np.ndarray]:
    """Parts a waveform into windows of at most 30 s, each ended at a quiet moment.

    Args:
        waveform: `[samples]` float32 at 16 kHz.

    Returns:
        `[samples]` pieces whose concatenation is the waveform.
    """
    longest = int(WINDOW_SECONDS * SAMPLE_RATE_HZ)
    search, quiet = (int(s * SAMPLE_RATE_HZ) for s in (_SEARCH_SECONDS, _QUIET_SECONDS))
    pieces = []
    while len(waveform) > longest:
        end = waveform[longest - search : longest]
        energies = np.convolve(np.square(end, dtype=np.float64), np.ones(quiet), "valid")
        place = longest - search + int(np.argmin(energies)) + quiet // 2
        pieces.append(waveform[:place])
        waveform = waveform[place:]
    return [*pieces, waveform]


def window_frames(num_samples: int) -> int:
    """How many frames of 10 ms a clip of at most 30 s is heard in: it and 3 to 5 s of silence.

    >>> window_frames(16000), window_frames(16 * 16000), window_frames(29 * 16000)
    (400, 2000, 3000)
    """
    seconds = num_samples / SAMPLE_RATE_HZ + _TAIL_SECONDS
    steps = math.ceil(seconds / _STEP_SECONDS)
    return min(WHOLE_FRAMES, int(steps * _STEP_SECONDS * FRAMES_PER_SECOND))


def feature_extractor(num_bands: int) -> Features:
    """What makes of waveforms `[waveforms, bands, frames]` float32, as OpenAI's Whisper does.

    Frames are of 10 ms; those after a waveform's end are of silence.
    """
    from transformers.models.whisper import feature_extraction_whisper

    extractor = feature_extraction_whisper.WhisperFeatureExtractor(feature_size=num_bands)

    def extract(waveforms: Sequence[np.ndarray], num_frames: int) -> np.ndarray:
        made = extractor(
            list(waveforms),
            sampling_rate=SAMPLE_RATE_HZ,
            max_length=num_frames * extractor.hop_length,
            return_tensors="np",
        )
        return np.ascontiguousarray(made["input_features"], np.float32)

    return extract
