"""Waveforms that Whisper hears together: their windows, in batches of one length."""

import collections
import concurrent.futures
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vggish_inversion.asr import windows
from vggish_inversion.asr.gates import Hypothesis
from vggish_inversion.asr.transcriber import TranscriptionError, check_waveform
from vggish_inversion.files import failures

_MOST_WINDOWS = 8

Submit = Callable[[Sequence[np.ndarray]], "concurrent.futures.Future[list[Hypothesis]]"]


class Batches:
    """Some waveforms on their way: parted into windows, sorted by length, handed in."""

    def __init__(self, waveforms: Sequence[np.ndarray], submit: Submit) -> None:
        """Hands in all windows, the longest first: it is short ones that are left to the end.

        Args:
            waveforms: each `[samples]` at 16 kHz; one that is no sound keeps its failure.
            submit: takes windows of one number of frames; its future gives a hypothesis for each.
        """
        self._failures: dict[int, Exception] = {}
        self._parts: list[list[int]] = [[] for _ in waveforms]  # places of its windows
        pieces: list[np.ndarray] = []
        for index, waveform in enumerate(waveforms):
            try:
                waveform = check_waveform(waveform)
            except (TypeError, ValueError) as error:
                self._failures[index] = error
                continue
            for piece in windows.split_at_quiet(waveform) if waveform.any() else ():
                self._parts[index].append(len(pieces))
                pieces.append(piece)
        by_length = collections.defaultdict(list)
        for place, piece in enumerate(pieces):
            by_length[windows.window_frames(len(piece))].append(place)
        self._submitted = []
        for _, places in sorted(by_length.items(), reverse=True):
            for first in range(0, len(places), _MOST_WINDOWS):
                some = places[first : first + _MOST_WINDOWS]
                self._submitted.append((some, submit([pieces[place] for place in some])))

    def __repr__(self) -> str:
        """What it is."""
        return f"<Batches: {len(self._submitted)} of {len(self._parts)} waveforms>"

    def results(self) -> Iterator[list[Hypothesis] | Exception]:
        """For each waveform, in order, what was heard in its windows, or its failure."""
        heard: dict[int, Hypothesis | Exception] = {}
        for places, future in self._submitted:
            try:
                heard |= zip(places, future.result(), strict=True)
            except RuntimeError as error:
                failure = TranscriptionError(f"Whisper gave up: {failures.root_cause(error)}")
                heard |= dict.fromkeys(places, failure)
        for index, places in enumerate(self._parts):
            parts = [heard[place] for place in places]
            broken = [part for part in parts if isinstance(part, Exception)]
            if index in self._failures:
                yield self._failures[index]
            elif broken:
                yield broken[0]
            else:
                yield [part for part in parts if isinstance(part, Hypothesis)]
