"""Recognises waveforms in processes that stay warm from one call to the next."""

import collections
import heapq
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from concurrent import futures

import numpy as np

from vggish_inversion.asr.transcriber import TranscriptionError

# Waveforms taken ahead for each process: a long one does not keep the others waiting for its turn,
# and memory stays bounded.
_READ_AHEAD = 8

# What a recogniser may raise, by the name that it has between processes.
_ERRORS = {kind.__name__: kind for kind in (TypeError, ValueError, TranscriptionError)}


class Processes:
    """Processes of one program, started when they are first needed and ended with this object."""

    def __init__(self, program: str):
        """Starts nothing yet.

        Args:
            program: Python that calls `serve`.
        """
        self._program = program
        self._idle: collections.deque[Worker] = collections.deque()
        weakref.finalize(self, _close_all, self._idle)  # at the interpreter's end at the latest

    def __repr__(self) -> str:
        """What it is."""
        return f"<Processes: {len(self._idle)} idle>"

    def map(self, waveforms: Iterable[np.ndarray], num_processes: int) -> Iterator[str | Exception]:
        """Yields results in order; of what was taken ahead, the longest is begun first.

        So it is short ones that are left to the end, when some processes have nothing to do.
        """
        waiting: list[tuple[int, int, np.ndarray, futures.Future]] = []
        lock = threading.Lock()
        pending: collections.deque[futures.Future] = collections.deque()
        pool = futures.ThreadPoolExecutor(num_processes)  # a thread stands for each process

        def recognise_longest() -> None:
            with lock:
                *_, waveform, result = heapq.heappop(waiting)
            try:
                worker = self._idle.pop()
            except IndexError:
                worker = Worker(self._program)
            try:
                result.set_result(worker(waveform))
            except BaseException as error:  # noqa: BLE001  (raised again where it is awaited)
                result.set_exception(error)
            finally:
                self._idle.append(worker)

        try:
            for number, waveform in enumerate(waveforms):
                pending.append(futures.Future())
                with lock:
                    heapq.heappush(waiting, (-np.size(waveform), number, waveform, pending[-1]))
                pool.submit(recognise_longest)
                while pending[0].done() or len(pending) >= _READ_AHEAD * num_processes:
                    yield pending.popleft().result()
                    if not pending:
                        break
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


class Worker:
    """A Python process with a recogniser, started by its first waveform, and again if it dies.

    Not one of multiprocessing's: those import the main script anew, and with it TensorFlow.
    """

    def __init__(self, program: str) -> None:
        """Starts nothing yet."""
        self._program = program
        self._process: subprocess.Popen | None = None

    def __repr__(self) -> str:
        """What it is."""
        return f"<Worker: {'not started' if self._process is None else self._process.pid}>"

    def __call__(self, waveform: np.ndarray) -> str | Exception:
        """The transcript, or what the recogniser raised; `TranscriptionError` if it died."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None and answers is not None  # both were asked for
        waveform = np.asarray(waveform)
        if waveform.dtype.hasobject:
            return TypeError(f"waveform is of {waveform.dtype}: expected numbers")
        head = {"dtype": waveform.dtype.str, "shape": waveform.shape, "bytes": waveform.nbytes}
        try:
            questions.write(json.dumps(head).encode() + b"\n" + waveform.tobytes())
            questions.flush()
            answer = json.loads(answers.readline())
        except (OSError, ValueError):  # no answer is no JSON
            return TranscriptionError(f"the recogniser's process died, with status {self.close()}")
        if "error" in answer:
            return _ERRORS.get(answer["error"], TranscriptionError)(answer["message"])
        return answer["transcript"]

    def close(self) -> int | None:
        """Lets the process end; returns its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.communicate()  # closes its input
        return process.returncode


def _close_all(workers: MutableSequence[Worker]) -> None:
    for worker in workers:
        worker.close()


def serve(load: Callable[[], Callable[[np.ndarray], str | Exception]]) -> None:
    """Answers waveforms on standard input, until it ends.

    A question is a line of JSON, which tells type, shape and number of bytes, and then the bytes;
    an answer is a line of JSON.

    Args:
        load: makes what recognises a waveform, and returns what it raises.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end is ours
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    attempt = load()
    while line := sys.stdin.buffer.readline():
        head = json.loads(line)
        samples = np.frombuffer(sys.stdin.buffer.read(head["bytes"]), head["dtype"])
        result = attempt(samples.reshape(head["shape"]))
        if isinstance(result, Exception):
            answer = {"error": type(result).__name__, "message": str(result)}
        else:
            answer = {"transcript": result}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
