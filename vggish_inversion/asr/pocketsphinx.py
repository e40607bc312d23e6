"""PocketSphinx in processes of its own; imports no TensorFlow."""

import functools
import importlib.metadata
import os
from collections.abc import Iterable, Iterator

import numpy as np
import pocketsphinx

from vggish_inversion.asr import processes
from vggish_inversion.asr.transcriber import SAMPLE_RATE_HZ, TranscriptionError, check_waveform
from vggish_inversion.files import contents


class PocketSphinxTranscriber:
    """PocketSphinx with the US English model of its wheel: offline, on one core, deterministic.

    One decoder serves all calls, one at a time, and each process of `transcribe_all` has one, which
    is kept for the next call; making it takes about a second.

    >>> PocketSphinxTranscriber()(np.zeros(16000, np.float32))
    ''
    """

    name = "pocketsphinx"
    rules = "letters:'abcdefghijklmnopqrstuvwxyz"  # its dictionary has no accents

    def __init__(self) -> None:
        """Loads nothing yet: where processes do the work, this one needs no decoder."""
        program = "from vggish_inversion.asr import pocketsphinx; pocketsphinx.serve()"
        self._processes = processes.Processes(program)

    def __repr__(self) -> str:
        """What it is."""
        return "<PocketSphinxTranscriber, US English>"

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the program, and of its model, which POCKETSPHINX_PATH can put elsewhere."""
        model = contents.digest_folder(pocketsphinx.get_model_path())
        return f"{importlib.metadata.version('pocketsphinx')} {model}"

    @functools.cached_property
    def _decoder(self) -> pocketsphinx.Decoder:
        """Acoustic model, dictionary and language model."""
        return pocketsphinx.Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")

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
        return self._processes.map(waveforms, num_processes)


def load(
    model: str | None = None, precision: str = "float32", language: str | None = None
) -> PocketSphinxTranscriber:
    """PocketSphinx has one model and one arithmetic, whatever is asked of other recognisers.

    Raises:
        ValueError: for another language than English, whose words its dictionary lacks.
    """
    del model, precision
    if language not in (None, "en"):
        raise ValueError(f"PocketSphinx knows US English alone, not {language!r}; try whisper")
    return PocketSphinxTranscriber()


def _to_pcm(waveform: np.ndarray) -> np.ndarray:
    scaled = np.rint(check_waveform(waveform) * 2.0**15)
    return np.clip(scaled, -(2**15), 2**15 - 1).astype("<i2")


def _attempt(transcriber: PocketSphinxTranscriber, waveform: np.ndarray) -> str | Exception:
    try:
        return transcriber(waveform)
    except (TypeError, ValueError, RuntimeError) as error:
        return error


def serve() -> None:
    """What a process of its own runs."""
    processes.serve(lambda: functools.partial(_attempt, PocketSphinxTranscriber()))
