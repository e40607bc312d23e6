"""The interface of recognisers: one waveform or many, each to a transcript or to a failure."""

import os
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from vggish_inversion import audio

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

    def __call__(self, waveform: audio.Sound) -> str:
        """Transcribes `[samples]` float in [-1, 1] at 16 kHz, or the audio file of a path.

        The words are lower-case; silence is "".

        Raises:
            ValueError: if the file cannot be read, or the samples are none; see
                `audio.to_waveform`.
            TranscriptionError: if the recogniser gives up.
        """
        ...

    def transcribe_all(self, waveforms: Iterable[np.ndarray]) -> Iterator[str | Exception]:
        """Transcribes many, taken from the iterable as it gets through them; yields in order.

        The exception that a waveform met takes the place of its transcript.
        """
        ...


def check_waveform(waveform: audio.Sound) -> np.ndarray:
    """Returns what a recogniser is given as `[samples]` float32.

    Raises:
        ValueError: if it is no sound that `audio.to_waveform` takes; no samples at all are.
    """
    if not isinstance(waveform, (str, os.PathLike)) and not np.size(waveform):
        return np.zeros(0, np.float32)  # a recogniser hears nothing
    return audio.to_waveform(waveform)
