"""Measures where the time of an evaluation goes."""

import collections
import contextlib
import time
from collections.abc import Iterator


class Stopwatch:
    """Adds up the wall-clock seconds of stages; a stage inside another stops the outer one's clock.

    No second counts twice, so the stages and "other" are the total. One thread uses a watch.

    >>> watch = Stopwatch()
    >>> with watch("reading"):
    ...     pass
    >>> list(watch.seconds())
    ['reading', 'other', 'total']
    """

    def __init__(self) -> None:
        """Starts the clock of the total."""
        self._started = self._turned = time.perf_counter()
        self._stages: collections.Counter[str] = collections.Counter()
        self._open: list[str] = []

    def __repr__(self) -> str:
        """What it is."""
        return f"<Stopwatch: {self.seconds()}>"

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Counts what happens inside as `stage`, if it fails too; a stage may come many times."""
        self._turn()
        self._open.append(stage)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def _turn(self) -> None:
        """Gives the seconds since the last turn to the innermost stage that is open."""
        now = time.perf_counter()
        if self._open:
            self._stages[self._open[-1]] += now - self._turned
        self._turned = now

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, then what was in none, then the total since the start.

        Returns:
            Rounded to milliseconds; stages in the order in which they first had any.
        """
        total = time.perf_counter() - self._started
        other = total - sum(self._stages.values())
        return {
            name: round(value, 3)
            for name, value in {**self._stages, "other": other, "total": total}.items()
        }
