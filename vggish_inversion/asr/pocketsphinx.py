"""PocketSphinx in processes of its own. Nothing of TensorFlow is imported here."""

import importlib.metadata
import os
import pickle
import queue
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent import futures

import numpy as np
import pocketsphinx

from vggish_inversion.asr.transcriber import SAMPLE_RATE_HZ, TranscriptionError, check_waveform


class PocketSphinxTranscriber:
    """PocketSphinx with the US English model of its wheel: offline, on one core, deterministic.

    One decoder serves all calls, one at a time; making it takes about a second.

    >>> PocketSphinxTranscriber()(np.zeros(16000, np.float32))
    ''
    """

    name = "pocketsphinx"
    fingerprint = importlib.metadata.version("pocketsphinx")  # the model is in its wheel

    def __init__(self) -> None:
        """Loads the acoustic model, the dictionary and the language model."""
        self._decoder = pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")

    def __call__(self, waveform: np.ndarray) -> str:
        """Transcribes a waveform; the same one gives the same text whatever came before.

        Args:
            waveform: `[samples]` float in [-1, 1] at 16 kHz; silence gives "".

        Returns:
            Lower-case words, separated by spaces.

        Raises:
            ValueError: if the waveform is not one-dimensional or not finite.
            TranscriptionError: if the decoder gives up.
        """
        pcm = _to_pcm(waveform)
        if not pcm.any():  # the decoder hears "or" in a second of zeros
            return ""
        # Means of the cepstra are carried from one utterance to the next: start from the model's.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(pcm.tobytes(), no_search=False, full_utt=True)
        except RuntimeError as error:
            raise TranscriptionError(f"PocketSphinx gave up: {error}") from error
        finally:
            self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    def transcribe_all(
        self, waveforms: Iterable[np.ndarray], *, num_processes: int | None = None
    ) -> Iterator[str | Exception]:
        """Transcribes many waveforms, in order, each in one of several processes.

        Waveforms are taken from the iterable as the processes get through them, so that it may
        compute them, and be longer than memory.

        Args:
            waveforms: each as for `__call__`.
            num_processes: how many decoders work side by side, as many as there are cores by
                default; 1 stays in this process.

        Yields:
            The transcript of each waveform, or the exception that it met.

        Raises:
            ValueError: if `num_processes` is less than 1.
        """
        num_processes = os.cpu_count() or 1 if num_processes is None else num_processes
        if num_processes < 1:
            raise ValueError(f"num_processes is {num_processes}: expected at least 1")
        if num_processes == 1:
            return (_attempt(self, waveform) for waveform in waveforms)
        return _transcribe_in_processes(waveforms, num_processes)


def load(model: str | None = None, precision: str = "float32") -> PocketSphinxTranscriber:
    """PocketSphinx has one model and one arithmetic, whatever is asked of other recognisers."""
    del model, precision
    return PocketSphinxTranscriber()


def _to_pcm(waveform: np.ndarray) -> np.ndarray:
    scaled = np.rint(check_waveform(waveform) * 2.0**15)
    return np.clip(scaled, -(2**15), 2**15 - 1).astype("<i2")


def _attempt(transcriber: PocketSphinxTranscriber, waveform: np.ndarray) -> str | Exception:
    try:
        return transcriber(waveform)
    except (TypeError, ValueError, RuntimeError) as error:
        return error


def _transcribe_in_processes(
    waveforms: Iterable[np.ndarray], num_processes: int
) -> Iterator[str | Exception]:
    """Yields results in order; a thread stands for each process, which starts with its first."""
    workers: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    for _ in range(num_processes):
        workers.put(_Worker())

    def transcribe(waveform: np.ndarray) -> str | Exception:
        worker = workers.get()
        try:
            return worker(waveform)
        finally:
            workers.put(worker)

    pool = futures.ThreadPoolExecutor(num_processes)
    pending: deque[futures.Future] = deque()
    try:
        for waveform in waveforms:
            pending.append(pool.submit(transcribe, waveform))
            if len(pending) >= 2 * num_processes:  # keeps all busy, and memory bounded
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        for _ in range(num_processes):
            workers.get().close()


class _Worker:
    """A Python process with a recogniser, started by its first waveform, and again if it dies.

    Not one of multiprocessing's: those import the main script anew, and with it TensorFlow.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def __call__(self, waveform: np.ndarray) -> str | Exception:
        if self._process is None:
            command = "from vggish_inversion.asr import pocketsphinx; pocketsphinx.serve()"
            self._process = subprocess.Popen(
                [sys.executable, "-c", command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None and answers is not None  # both were asked for
        try:
            pickle.dump(np.asarray(waveform), questions)
            questions.flush()
            return pickle.load(answers)
        except (OSError, EOFError, pickle.UnpicklingError):
            return TranscriptionError(f"the recogniser's process died, with status {self.close()}")

    def close(self) -> int | None:
        """Lets the process end; returns its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.communicate()  # closes its input
        return process.returncode


def serve() -> None:
    """Answers pickled waveforms on standard input with pickled results, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end is ours
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    transcriber = PocketSphinxTranscriber()
    while True:
        try:
            waveform = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(_attempt(transcriber, waveform), answers)
        answers.flush()
