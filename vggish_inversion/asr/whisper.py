"""Whisper (Radford et al., ICML 2023) on CTranslate2: greedy, without memory of what was."""

import collections
import concurrent.futures
import functools
import importlib.metadata
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from vggish_inversion.asr import batches, gates, model_files, windows
from vggish_inversion.files import contents, failures

DEFAULT_MODEL = "base"
DEFAULT_LANGUAGE = "en"
SIZES = ("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en")
SIZES += ("large-v1", "large-v2", "large-v3")
_HUB_NAME = "Systran/faster-whisper-{}"
_FILES = model_files.ModelFiles(
    kind="Whisper", required=("config.json", "tokenizer.json"), weights=("model.bin",)
)

_MAX_TOKENS = 448
# Speech has at most four tokens a second; more is a text that goes round.
_TOKENS_PER_SECOND, _FIRST_TOKENS = 8, 16
_WAVEFORMS_AHEAD = 16  # among which windows of one length find each other


class WhisperTranscriber:
    """A Whisper model: greedy decoding, a fixed language, no timestamps, no memory.

    Each window is decoded by itself, so a transcript does not depend on what shares its batch. It
    is as short as the clip allows (see `windows`), which saves most of the encoder's work; where
    the text then goes round, the whole 30 s that Whisper was trained on are heard. A text that is
    not believed (see `gates`) becomes a `GatedTranscript`, which is empty and says why.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        precision: str = "float32",
        language: str = DEFAULT_LANGUAGE,
        gate: gates.Gates = gates.Gates(),
    ) -> None:
        """Loads the model: 8-bit integers on CPUs, float16 on GPUs.

        Args:
            model: one of `SIZES`, a folder, or a name on Hugging Face's hub; of CTranslate2's form.
            precision: "float32" lets the device decide; the mixed ones ask for float16 or bfloat16.
            language: two letters; of a model that knows English alone, "en".
            gate: what keeps invented text out; `gates.OPEN` keeps every text.

        Raises:
            ValueError: if ctranslate2 is not installed, or the model cannot be had or read.
        """
        ctranslate2 = _import_ctranslate2()
        folder = _FILES.find(_HUB_NAME.format(model) if model in SIZES else model)
        label = pathlib.Path(model).resolve().name if pathlib.Path(model).is_dir() else model
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
        compute_type = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}.get(
            precision, "int8" if device == "cpu" else "float16"
        )
        self.name = "whisper"
        self.rules = "whisper:en" if language == "en" else "letters"
        self.model = f"{label} ({compute_type}, {language})"
        digests = contents.digest_of(_FILES.digests(folder))
        version = importlib.metadata.version("ctranslate2")
        self.fingerprint = (
            f"{digests}, ctranslate2 {version}, {compute_type}, {language}, "
            f"{windows.DESCRIPTION}, {gate}"
        )
        self._num_workers = (os.cpu_count() or 1) if device == "cpu" else 1
        try:
            self._network = ctranslate2.models.Whisper(
                str(folder),
                device=device,
                compute_type=compute_type,
                inter_threads=self._num_workers,
                intra_threads=1 if device == "cpu" else 0,
            )
            self._tokenizer = _load_tokenizer(folder)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"{folder} cannot be read as a Whisper model of CTranslate2 "
                f"({failures.root_cause(error)}); copy its files again, or convert it: "
                "ct2-transformers-converter --model openai/whisper-base --output_dir=FOLDER"
            ) from error
        self._prompt = self._find_prompt(language, str(folder))
        self._to_features = windows.feature_extractor(self._network.n_mels)
        self._gate = gate

    def __repr__(self) -> str:
        """What it is."""
        return f"<WhisperTranscriber {self.model}>"

    def __call__(self, waveform: np.ndarray) -> str:
        """Transcribes a waveform as Whisper writes: case, digits, punctuation. Silence gives ""."""
        (result,) = self.transcribe_all([waveform])
        if isinstance(result, Exception):
            raise result
        return result

    def transcribe_all(self, waveforms: Iterable[np.ndarray]) -> Iterator[str | Exception]:
        """Transcribes many, in order: some at a time, a batch per core; see `Transcriber`."""
        for heard in self.hear_all(waveforms):
            yield heard if isinstance(heard, Exception) else self._gate.join(heard)

    def hear_all(
        self, waveforms: Iterable[np.ndarray]
    ) -> Iterator[list[gates.Hypothesis] | Exception]:
        """What the decoder makes of each window, believed or not; see `transcribe_all`."""
        rest = iter(waveforms)
        waiting: collections.deque[batches.Batches] = collections.deque()
        pool = concurrent.futures.ThreadPoolExecutor(self._num_workers)
        try:
            while some := list(itertools.islice(rest, _WAVEFORMS_AHEAD)):
                waiting.append(batches.Batches(some, functools.partial(pool.submit, self._hear)))
                if len(waiting) > 1:  # the next ones keep the cores busy
                    yield from waiting.popleft().results()
            while waiting:
                yield from waiting.popleft().results()
        finally:  # the one that asked may have heard enough
            pool.shutdown(cancel_futures=True)

    def _find_prompt(self, language: str, model: str) -> list[int]:
        words = ["<|startoftranscript|>"]
        if self._network.is_multilingual:
            words += [f"<|{language}|>", "<|transcribe|>"]
        elif language != "en":
            raise ValueError(f"the Whisper model {model} knows English alone, not {language!r}")
        words += ["<|notimestamps|>"]
        ids = [self._tokenizer.token_to_id(word) for word in words]
        if None in ids:
            raise ValueError(
                f"the Whisper model {model} has no {words[ids.index(None)]} in its tokenizer.json; "
                "expected another language, or the tokenizer of that model"
            )
        return ids

    def _hear(self, batch: Sequence[np.ndarray]) -> list[gates.Hypothesis]:
        """Decodes windows of one number of frames; those that go round, in 30 s."""
        (num_frames,) = {windows.window_frames(len(window)) for window in batch}
        heard = self._decode(batch, num_frames)
        if num_frames < windows.WHOLE_FRAMES:
            again = [place for place, item in enumerate(heard) if gates.goes_round(item)]
            if again:
                whole = self._decode([batch[place] for place in again], windows.WHOLE_FRAMES)
                for place, item in zip(again, whole, strict=True):
                    heard[place] = item
        return heard

    def _decode(self, batch: Sequence[np.ndarray], num_frames: int) -> list[gates.Hypothesis]:
        import ctranslate2

        seconds = num_frames / windows.FRAMES_PER_SECOND
        num_tokens = min(_MAX_TOKENS, int(_FIRST_TOKENS + _TOKENS_PER_SECOND * seconds))
        decoded = self._network.generate(
            ctranslate2.StorageView.from_array(self._to_features(batch, num_frames)),
            [self._prompt] * len(batch),
            beam_size=1,
            sampling_temperature=0,
            max_length=num_tokens,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            gates.Hypothesis(
                # Special tokens are skipped, so what is left is text.
                text=self._tokenizer.decode(item.sequences_ids[0]).strip(),
                log_probability=item.scores[0],
                no_speech_probability=item.no_speech_prob,
                is_cut=len(item.sequences_ids[0]) >= num_tokens - len(self._prompt),
            )
            for item in decoded
        ]


def load(
    model: str | None = None, precision: str = "float32", language: str | None = None
) -> WhisperTranscriber:
    """Loads Whisper; see `WhisperTranscriber`."""
    return WhisperTranscriber(
        model or DEFAULT_MODEL, precision=precision, language=language or DEFAULT_LANGUAGE
    )


def _import_ctranslate2():
    try:
        import ctranslate2
    except ImportError as error:
        raise ValueError(
            "Whisper needs CTranslate2, which is not installed; "
            "pip install 'vggish-inversion[whisper]'"
        ) from error
    return ctranslate2


def _load_tokenizer(folder: pathlib.Path):
    import tokenizers

    try:
        return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # noqa: BLE001  (its errors have no class of their own)
        raise ValueError(f"tokenizer.json: {error}") from error
