"""Runs readers in processes that can be killed: for time, for memory, or by their own crash."""

import collections
import contextlib
import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Callable, Iterator

# Of the processor, for the clock on the wall counts what others do on the machine; who waits for
# something that does not come uses none, so the clock has its own, larger limit.
MAX_SECONDS = 10.0
_MAX_WALL_SECONDS = 60.0
MAX_MEGABYTES = 2000.0

CLEAN, CLEAR = "clean", "clear error"
UNCLEAR, DIED, HUNG, BLOATED, ESCAPED = "unclear", "died", "hung", "bloated", "escaped"
OUTCOMES = (CLEAN, CLEAR, UNCLEAR, DIED, HUNG, BLOATED, ESCAPED)
FAULTS = OUTCOMES[2:]

_MAX_LINE = 2000
_POLL_SECONDS = 0.05
_WARM_UP_SECONDS = 120.0
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
    """Has every input read; a worker that dies or is killed is replaced.

    Raises:
        RuntimeError: if the reader refuses the valid input.
    """
    waiting = collections.deque(indices)
    verdicts: list[Verdict] = []
    workers = [_Worker(case, box / str(number)) for number in range(num_workers)]
    try:
        while len(verdicts) < len(indices):
            for worker in workers:
                worker.feed(waiting)
            busy = [worker.connection for worker in workers if worker.index is not None]
            multiprocessing.connection.wait(busy, _POLL_SECONDS)
            for worker in workers:
                verdicts += worker.poll()
    finally:
        for worker in workers:
            worker.kill()
    return sorted(verdicts, key=lambda verdict: verdict.index)


class _Worker:
    """A process that reads inputs one by one, and the parent's watch over it."""

    def __init__(self, case: Case, folder: pathlib.Path):
        self._case, self._folder = case, folder
        self._start()

    def _start(self) -> None:
        self.connection, theirs = _context.Pipe()
        self._process = _context.Process(
            target=_serve, args=(self._case, self._folder, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        self.index: int | None = None
        self._num_inputs, self._base, self._peak, self._used = 0, 0.0, 0.0, 0.0
        self._began: float | None = None
        self._fed = time.monotonic()

    def feed(self, waiting: collections.deque[int]) -> None:
        """Gives it the next input, if it has none."""
        if self.index is not None or not waiting:
            return
        if self._num_inputs == _INPUTS_PER_PROCESS:
            self.kill()
            self._start()
        self.index, self._began, self._fed = waiting.popleft(), None, time.monotonic()
        self._num_inputs += 1
        with contextlib.suppress(BrokenPipeError):  # it is dead, as `poll` will see
            self.connection.send(self.index)

    def poll(self) -> Iterator[Verdict]:
        """The verdict on its input, if there is one by now."""
        if self.index is None:
            return
        try:
            while self.connection.poll():
                kind, *values = self.connection.recv()
                if kind == "refused":
                    raise RuntimeError(f"the reader refuses the valid input: {values[0]}")
                if kind == "began":
                    self._began, self._base, self._peak = time.monotonic(), values[0], 0.0
                    self._used = self._seconds()
                else:
                    yield Verdict(self.index, *values)
                    self.index = None
                    return
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode or 0
            detail = signal.strsignal(-code) if code < 0 else f"exit code {code}"
            yield self._end(DIED, detail or str(code))
            return
        if self._began is None:
            if time.monotonic() - self._fed > _WARM_UP_SECONDS:
                raise RuntimeError("the reader takes too long over the valid input")
            return
        self._peak = max(self._peak, _memory(self._process.pid or 0)["VmRSS"] - self._base)
        if self._seconds() - self._used > MAX_SECONDS:
            yield self._end(HUNG, f"more than {MAX_SECONDS:g} s")
        elif time.monotonic() - self._began > _MAX_WALL_SECONDS:
            yield self._end(HUNG, f"more than {_MAX_WALL_SECONDS:g} s, waiting")
        elif self._peak > MAX_MEGABYTES:
            yield self._end(BLOATED, f"more than {MAX_MEGABYTES:g} MB")

    def _end(self, outcome: str, detail: str) -> Verdict:
        assert self.index is not None
        seconds = self._seconds() - self._used if outcome != DIED else 0.0
        verdict = Verdict(self.index, outcome, detail, seconds, self._peak)
        self.kill()
        self._start()
        return verdict

    def _seconds(self) -> float:
        """Of the processor, that the process has used."""
        with contextlib.suppress(OSError):
            stat = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2]
            return sum(map(int, stat.split()[11:13])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def kill(self) -> None:
        """Ends the process, and what it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.connection.close()


def _memory(pid: int) -> dict[str, float]:
    """Megabytes of a process, as the kernel names them."""
    found = {"VmRSS": 0.0, "VmHWM": 0.0}
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in found:
                found[name] = int(value.split()[0]) / 1000
    return found


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
    source, output = folder / "in", folder / "out"
    outcome, detail, *_ = _read(case, None, source, output, lambda base: None)
    if outcome in (CLEAR, UNCLEAR, ESCAPED):  # the first time, it may take long
        connection.send(("refused", detail))
        return
    while True:
        index = connection.recv()
        verdict = _read(case, index, source, output, lambda base: connection.send(("began", base)))
        connection.send(("ended", *verdict))


def _read(case: Case, index, source, output, announce) -> tuple[str, str, float, float]:
    """Outcome, detail, seconds and megabytes of one input."""
    for path in (source, output):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    case.write(index, source)
    before = sorted(path.name for path in source.parent.iterdir())
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    base = _memory(os.getpid())["VmRSS"]
    announce(base)
    began = sum(os.times()[:4])  # of processes that it started, too
    try:
        case.read(source, output)
        outcome, detail = CLEAN, ""
    except Exception as error:  # noqa: BLE001  (what it is, is the question)
        outcome = judge(error, source)
        whole = "".join(traceback.format_exception(error))
        detail = " ".join(str(error).split()) if outcome == CLEAR else whole
    seconds = sum(os.times()[:4]) - began
    megabytes = max(0.0, _memory(os.getpid())["VmHWM"] - base)
    if sorted(path.name for path in source.parent.iterdir()) != before:
        outcome, detail = ESCAPED, "wrote outside of the output folder"
    elif outcome in (CLEAN, CLEAR) and seconds > MAX_SECONDS:
        outcome = HUNG
    elif outcome in (CLEAN, CLEAR) and megabytes > MAX_MEGABYTES:
        outcome = BLOATED
    return outcome, detail, seconds, megabytes
