"""What every recogniser is: one waveform or many, each to a transcript or to its own failure."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

SAMPLE_RATE_HZ = 16000


class TranscriptionError(RuntimeError):
    """A waveform that could not be transcribed; the message is one line."""


class GatedTranscript(str):
    """What is left of a transcript whose recogniser invented text: mostly nothing.

    Attributes:
        reason: why the rest is not believed, in one line.

    >>> gated = GatedTranscript("", "repeats itself")
    >>> gated == "", gated.reason
    (True, 'repeats itself')
    """

    reason: str

    def __new__(cls, text: str, reason: str) -> "GatedTranscript":
        """Makes one of the text that is kept."""
        made = super().__new__(cls, text)
        made.reason = reason
        return made


class Transcriber(Protocol):
    """A recogniser.

    Attributes:
        name: what results are filed under; tells the model where there are several.
        fingerprint: of the model's files; equal fingerprints give equal transcripts.
        rules: under which its transcripts and their references are compared, as
            `metrics.normalize_text` takes them.
    """

    name: str
    fingerprint: str
    rules: str

    def __call__(self, waveform: np.ndarray) -> str:
        """Transcribes `[samples]` float in [-1, 1] at 16 kHz into lower-case words; silence is "".

        Raises:
            ValueError: if the waveform is not one-dimensional or not finite.
            TranscriptionError: if the recogniser gives up.
        """
        ...

    def transcribe_all(self, waveforms: Iterable[np.ndarray]) -> Iterator[str | Exception]:
        """Transcribes many, taken from the iterable as it gets through them; yields in order.

        The exception that a waveform met takes the place of its transcript.
        """
        ...


def check_waveform(waveform: np.ndarray) -> np.ndarray:
    """Returns the waveform as float32.

    Raises:
        ValueError: if it is not `[samples]`, or not finite.
    """
    waveform = np.asarray(waveform, np.float32)
    if waveform.ndim != 1:
        raise ValueError(f"waveform has shape {waveform.shape}: expected [samples]")
    if not np.isfinite(waveform).all():
        raise ValueError("waveform has NaN or infinite samples: expected finite ones")
    return waveform
