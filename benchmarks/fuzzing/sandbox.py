"""Runs readers in processes that the system ends: for time, for memory, or by their own crash."""

import collections
import contextlib
import dataclasses
import math
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import resource
import shutil
import signal
import traceback
from collections.abc import Callable
from typing import NoReturn

# Of the processor, for the clock on the wall counts what others do on the machine; what waits for
# something that does not come uses none, so the clock has its own, larger limit.
MAX_SECONDS = 10.0
_MAX_WALL_SECONDS = 60.0
MAX_MEGABYTES = 2000.0
_MEGABYTE = 2**20

CLEAN, CLEAR = "clean", "clear error"
UNCLEAR, DIED, HUNG, BLOATED, ESCAPED = "unclear", "died", "hung", "bloated", "escaped"
OUTCOMES = (CLEAN, CLEAR, UNCLEAR, DIED, HUNG, BLOATED, ESCAPED)
FAULTS = OUTCOMES[2:]

_REFUSED = "refused"
_MAX_LINE = 2000
_WARM_UP_SECONDS = 120
_INPUTS_PER_PROCESS = 400
_context = multiprocessing.get_context("fork")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of one input.

    Attributes:
        index: of the input.
        outcome: one of `OUTCOMES`.
        detail: the line that the user would see, or the traceback.
        seconds: of the processor, in all threads.
        megabytes: peak of resident memory, over what the process had before.
    """

    index: int
    outcome: str
    detail: str
    seconds: float
    megabytes: float


@dataclasses.dataclass(frozen=True)
class Case:
    """How one kind of input is made and read.

    Attributes:
        write: writes the input of an index into a folder; None as index: the whole, valid one.
        read: reads that folder and may write into another.
    """

    write: Callable[[int | None, pathlib.Path], None]
    read: Callable[[pathlib.Path, pathlib.Path], object]


def judge(error: BaseException, folder: pathlib.Path) -> str:
    """Whether an error is one line that a user can act on: scripts print it, it names the file."""
    text = " ".join(str(error).split())
    is_clear = isinstance(error, (ValueError, OSError)) and str(folder) in text
    return CLEAR if is_clear and len(text) <= _MAX_LINE else UNCLEAR


def run(case: Case, indices: list[int], box: pathlib.Path, *, num_workers: int) -> list[Verdict]:
    """Has every input read; a worker that dies or is ended is replaced.

    Raises:
        RuntimeError: if the reader refuses the valid input.
    """
    waiting = collections.deque(indices)
    verdicts: list[Verdict] = []
    workers = [_Worker(case, box / str(number)) for number in range(num_workers)]
    try:
        while len(verdicts) < len(indices):
            busy = {item.connection: item for item in workers if item.feed(waiting)}
            for connection in multiprocessing.connection.wait(list(busy)):
                verdicts.append(busy[connection].verdict())
    finally:
        for worker in workers:
            worker.kill()
    return sorted(verdicts, key=lambda verdict: verdict.index)


class _Worker:
    """A process that reads inputs one by one, and what its parent knows of it."""

    def __init__(self, case: Case, folder: pathlib.Path):
        self._case, self._folder = case, folder
        self._start()

    def _start(self) -> None:
        self.connection, theirs = _context.Pipe()
        arguments = (self._case, self._folder, theirs)
        self._process = _context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self._index: int | None = None
        self._num_inputs = 0

    def feed(self, waiting: collections.deque[int]) -> bool:
        """Gives it the next input, if it has none; whether it has one now."""
        if self._index is None and waiting:
            if self._num_inputs == _INPUTS_PER_PROCESS:
                self.kill()
                self._start()
            self._index = waiting.popleft()
            self._num_inputs += 1
            with contextlib.suppress(BrokenPipeError):  # it is dead, as its verdict will say
                self.connection.send(self._index)
        return self._index is not None

    def verdict(self) -> Verdict:
        """What became of its input, once the connection has something to say."""
        assert self._index is not None
        index, self._index = self._index, None
        try:
            outcome, *values = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode or 0
            self.kill()
            self._start()
            outcome = HUNG if -code in (signal.SIGXCPU, signal.SIGALRM) else DIED
            detail = signal.strsignal(-code) if code < 0 else f"exit code {code}"
            return Verdict(index, outcome, detail or str(code), 0.0, 0.0)
        if outcome == _REFUSED:
            raise RuntimeError(f"the reader refuses the valid input: {values[0]}")
        return Verdict(index, outcome, *values)

    def kill(self) -> None:
        """Ends the process, and what it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.connection.close()


def _serve(case: Case, folder: pathlib.Path, connection) -> None:
    """The life of a worker: the valid input first, then what it is given."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)

    def refuse(detail: str) -> NoReturn:
        connection.send((_REFUSED, detail))
        os._exit(1)

    signal.signal(signal.SIGALRM, lambda *_: refuse("it takes too long"))
    signal.alarm(_WARM_UP_SECONDS)
    outcome, detail, *_ = _read(case, None, folder)
    if outcome in (CLEAR, UNCLEAR, ESCAPED):  # the first time, it may take long
        refuse(detail)
    for name in (signal.SIGXCPU, signal.SIGALRM):
        signal.signal(name, signal.SIG_DFL)  # it ends the process, whatever that is doing
    while True:
        index = connection.recv()
        signal.setitimer(signal.ITIMER_REAL, _MAX_WALL_SECONDS)
        _limit(resource.RLIMIT_CPU, math.ceil(sum(os.times()[:2]) + MAX_SECONDS))
        # Twice, for a part of what is reserved is never used: what was is judged in the end.
        _limit(resource.RLIMIT_AS, round((_memory("VmSize") + 2 * MAX_MEGABYTES) * _MEGABYTE))
        verdict = _read(case, index, folder)
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            _limit(kind, resource.RLIM_INFINITY)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send(verdict)


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _memory(name: str) -> float:
    """Megabytes of this process, by the kernel's name for them."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def _read(case: Case, index: int | None, folder: pathlib.Path) -> tuple[str, str, float, float]:
    """Outcome, detail, seconds and megabytes of one input."""
    source, output = folder / "in", folder / "out"
    for path in (source, output):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    case.write(index, source)
    before = sorted(path.name for path in folder.iterdir())
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    base = _memory("VmRSS")
    began = sum(os.times()[:4])  # of processes that it started, too
    try:
        case.read(source, output)
        outcome, detail = CLEAN, ""
    except Exception as error:  # noqa: BLE001  (what it is, is the question)
        outcome = BLOATED if isinstance(error, MemoryError) else judge(error, source)
        whole = "".join(traceback.format_exception(error))
        detail = " ".join(str(error).split()) if outcome == CLEAR else whole
    seconds = sum(os.times()[:4]) - began
    megabytes = max(0.0, _memory("VmHWM") - base)
    if sorted(path.name for path in folder.iterdir()) != before:
        outcome, detail = ESCAPED, "wrote outside of the output folder"
    elif outcome in (CLEAN, CLEAR) and seconds > MAX_SECONDS:
        outcome = HUNG
    elif outcome in (CLEAN, CLEAR) and megabytes > MAX_MEGABYTES:
        outcome = BLOATED
    return outcome, detail, seconds, megabytes
