"""Measures where the time of an evaluation goes."""

import collections
import contextlib
import time
from collections.abc import Iterator


class Stopwatch:
    """Adds up the wall-clock seconds of stages that do not overlap.

    >>> watch = Stopwatch()
    >>> with watch("reading"):
    ...     pass
    >>> list(watch.seconds())
    ['reading', 'other', 'total']
    """

    def __init__(self) -> None:
        """Starts the clock of the total."""
        self._started = time.perf_counter()
        self._stages: collections.Counter[str] = collections.Counter()

    def __repr__(self) -> str:
        """What it is."""
        return f"<Stopwatch: {self.seconds()}>"

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Counts what happens inside as `stage`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._stages[stage] += time.perf_counter() - started

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, then what was in none, then the total since the start."""
        total = time.perf_counter() - self._started
        other = total - sum(self._stages.values())
        return {
            name: round(value, 3)
            for name, value in {**self._stages, "other": other, "total": total}.items()
        }
