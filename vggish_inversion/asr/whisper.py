"""Whisper (Radford et al., ICML 2023) on CTranslate2: greedy, without memory of what was."""

import concurrent.futures
import itertools
import os
import pathlib
import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from vggish_inversion.asr import model_files
from vggish_inversion.asr.transcriber import (
    SAMPLE_RATE_HZ,
    GatedTranscript,
    TranscriptionError,
    check_waveform,
)
from vggish_inversion.files import contents, integrity

DEFAULT_MODEL = "base"
SIZES = ("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en")
SIZES += ("large-v1", "large-v2", "large-v3")
_HUB_NAME = "Systran/faster-whisper-{}"
_FILES = model_files.ModelFiles(
    kind="Whisper", required=("config.json", "tokenizer.json"), weights=("model.bin",)
)

WINDOW_SECONDS = 30.0  # what the encoder hears at once
_SEARCH_SECONDS = 5.0  # a longer clip is parted at the quietest moment of a window's end
_QUIET_SECONDS = 0.1
# A text that compresses better than this repeats itself: OpenAI's own threshold.
MAX_COMPRESSION_RATIO = 2.4
_MAX_TOKENS = 448
_WAVEFORMS_PER_BATCH = 4


class WhisperTranscriber:
    """A Whisper model: greedy decoding, a fixed language, no timestamps, no memory.

    Each window of 30 s is decoded by itself, so a transcript does not depend on what shares its
    batch. A text that repeats itself (compression ratio over 2.4) was invented: it becomes a
    `GatedTranscript`, which is empty and says why.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        precision: str = "float32",
        language: str = "en",
        max_compression_ratio: float | None = MAX_COMPRESSION_RATIO,
    ) -> None:
        """Loads the model: 8-bit integers on CPUs, float16 on GPUs.

        Args:
            model: one of `SIZES`, a folder, or a name on Hugging Face's hub; of CTranslate2's form.
            precision: "float32" lets the device decide; the mixed ones ask for float16 or bfloat16.
            language: two letters; of a model that knows English alone, "en".
            max_compression_ratio: of a text; None keeps every text.

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
        self.fingerprint = f"{digests} {compute_type} {language} {max_compression_ratio}"
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
                f"({integrity.root_cause(error)}); copy its files again, or convert it: "
                "ct2-transformers-converter --model openai/whisper-base --output_dir=FOLDER"
            ) from error
        self._prompt = self._find_prompt(language, str(folder))
        self._to_features = _feature_extractor(self._network.n_mels)
        self._max_compression_ratio = max_compression_ratio

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

        def batches() -> Iterator[list[np.ndarray]]:
            rest = iter(waveforms)
            while batch := list(itertools.islice(rest, _WAVEFORMS_PER_BATCH)):
                yield batch

        with concurrent.futures.ThreadPoolExecutor(self._num_workers) as pool:
            for made in _map_ahead(pool, self._transcribe_some, batches(), self._num_workers + 1):
                yield from made

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

    def _transcribe_some(self, waveforms: Sequence[np.ndarray]) -> list[str | Exception]:
        results: list[str | Exception] = []
        windows: list[tuple[int, np.ndarray]] = []
        for index, waveform in enumerate(waveforms):
            results.append("")
            try:
                waveform = check_waveform(waveform)
            except (TypeError, ValueError) as error:
                results[index] = error
                continue
            if waveform.any():
                windows += [(index, window) for window in split_at_quiet(waveform)]
        texts: list[list[str]] = [[] for _ in waveforms]
        for first in range(0, len(windows), _WAVEFORMS_PER_BATCH):
            some = windows[first : first + _WAVEFORMS_PER_BATCH]
            try:
                for (index, _), text in zip(some, self._decode([w for _, w in some]), strict=True):
                    texts[index].append(text)
            except RuntimeError as error:
                failure = TranscriptionError(f"Whisper gave up: {integrity.root_cause(error)}")
                for index, _ in some:
                    results[index] = failure
        for index, parts in enumerate(texts):
            if parts and not isinstance(results[index], Exception):
                results[index] = self._gate(parts)
        return results

    def _decode(self, windows: Sequence[np.ndarray]) -> list[str]:
        import ctranslate2

        features = ctranslate2.StorageView.from_array(self._to_features(windows))
        decoded = self._network.generate(
            features,
            [self._prompt] * len(windows),
            beam_size=1,
            sampling_temperature=0,
            max_length=_MAX_TOKENS,
        )
        # Special tokens are skipped, so what is left is text.
        return [self._tokenizer.decode(item.sequences_ids[0]).strip() for item in decoded]

    def _gate(self, parts: Sequence[str]) -> str:
        """The windows' texts joined, without those that repeat themselves."""
        limit = self._max_compression_ratio
        ratios = [compression_ratio(part) for part in parts]
        kept = [
            part for part, ratio in zip(parts, ratios, strict=True) if not limit or ratio <= limit
        ]
        if len(kept) == len(parts):
            return " ".join(filter(None, parts))
        reason = f"repeats itself: compression ratio {max(ratios):.1f}, over {limit}"
        return GatedTranscript(" ".join(filter(None, kept)), reason)


def load(model: str | None = None, precision: str = "float32") -> WhisperTranscriber:
    """Loads Whisper; see `WhisperTranscriber`."""
    return WhisperTranscriber(model or DEFAULT_MODEL, precision=precision)


def compression_ratio(text: str) -> float:
    """Bytes of a text over bytes of it deflated; 0 for an empty one.

    >>> compression_ratio("and then " * 40) > MAX_COMPRESSION_RATIO
    True
    """
    contents = text.encode()
    return len(contents) / len(zlib.compress(contents)) if contents else 0.0


def split_at_quiet(waveform: np.ndarray) -> list[np.ndarray]:
    """Parts a waveform into windows of at most 30 s, each ended at a quiet moment.

    Args:
        waveform: `[samples]` float32 at 16 kHz.

    Returns:
        `[samples]` pieces whose concatenation is the waveform.
    """
    longest = int(WINDOW_SECONDS * SAMPLE_RATE_HZ)
    search, quiet = (int(s * SAMPLE_RATE_HZ) for s in (_SEARCH_SECONDS, _QUIET_SECONDS))
    pieces = []
    while len(waveform) > longest:
        end = waveform[longest - search : longest]
        energies = np.convolve(np.square(end, dtype=np.float64), np.ones(quiet), "valid")
        place = longest - search + int(np.argmin(energies)) + quiet // 2
        pieces.append(waveform[:place])
        waveform = waveform[place:]
    return [*pieces, waveform]


def _map_ahead(pool, function, items: Iterable, num_ahead: int) -> Iterator:
    """`pool.map`, in order, that takes no more than a few items before they are needed."""
    waiting: list[concurrent.futures.Future] = []
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= num_ahead:
            yield waiting.pop(0).result()
    while waiting:
        yield waiting.pop(0).result()


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


def _feature_extractor(num_bands: int):
    """Waveforms -> `[waveforms, bands, 3000]` float32, as OpenAI's Whisper computes it."""
    from transformers.models.whisper import feature_extraction_whisper

    extractor = feature_extraction_whisper.WhisperFeatureExtractor(feature_size=num_bands)

    def extract(waveforms: Sequence[np.ndarray]) -> np.ndarray:
        made = extractor(list(waveforms), sampling_rate=SAMPLE_RATE_HZ, return_tensors="np")
        return np.ascontiguousarray(made["input_features"], np.float32)

    return extract
