"""Wav2Vec2 with CTC (Baevski et al., NeurIPS 2020), as Hugging Face's transformers run it."""

import collections
import itertools
import pathlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from vggish_inversion.asr import model_files, wav2vec2_network
from vggish_inversion.asr.transcriber import SAMPLE_RATE_HZ, TranscriptionError, check_waveform
from vggish_inversion.files import contents

DEFAULT_MODEL = "facebook/wav2vec2-base-960h"
# TensorFlow's own layout is preferred: published safetensors hold PyTorch's, which is converted.
_FILES = model_files.ModelFiles(
    kind="Wav2Vec2",
    required=("config.json", "preprocessor_config.json", "vocab.json"),
    weights=("tf_model.h5", "model.safetensors"),
    optional=("tokenizer_config.json", "special_tokens_map.json"),
)
_READ_AHEAD = 32  # waveforms; longer ones batch with shorter ones within as many


class Wav2Vec2Transcriber:
    """A Wav2Vec2 with CTC head: greedy decoding, no language model.

    What a waveform is transcribed to does not depend on what shares its batch. A model whose
    feature extractor normalises each channel over time (feat_extract_norm "group", with
    return_attention_mask false) would hear the padding, so only waveforms of equal length share a
    batch, unpadded; an utterance's renderings are of equal length. Other models ("layer") get an
    attention mask, and waveforms of similar length are padded to the longest.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        precision: str = "float32",
        max_batch_seconds: float = 60.0,
    ) -> None:
        """Loads the model.

        Args:
            model: a folder, or a name on Hugging Face's hub.
            precision: of the activations: "float32", "mixed_float16" or "mixed_bfloat16".
            max_batch_seconds: of padded audio; one longer waveform is a batch of its own.

        Raises:
            ValueError: if the model cannot be had, or its folder is damaged.
        """
        folder = _FILES.find(model)
        weights = next(path for name in _FILES.weights if (path := folder / name).is_file())
        # A folder is named after itself: results that are shared tell no paths.
        label = pathlib.Path(model).resolve().name if pathlib.Path(model).is_dir() else model
        suffix = "" if precision == "float32" else f"+{precision}"
        self.name = f"wav2vec2:{label}{suffix}"
        self.fingerprint = contents.digest_of(_FILES.digests(folder))
        self._processor, self._network = wav2vec2_network.load_network(folder, weights, precision)
        model_files.check_sample_rate(self._processor.feature_extractor.sampling_rate, model)
        self.rules = letter_rules(self._processor.tokenizer.get_vocab())
        self._masked = self._processor.feature_extractor.return_attention_mask
        self._max_batch_samples = int(max_batch_seconds * SAMPLE_RATE_HZ)
        self._predict = wav2vec2_network.predictor(self._network, masked=self._masked)

    def __repr__(self) -> str:
        """What it is."""
        return f"<Wav2Vec2Transcriber {self.name}>"

    def __call__(self, waveform: np.ndarray) -> str:
        """Transcribes a waveform; see `Transcriber`. Silence, and less than 25 ms, give ""."""
        (result,) = self._transcribe_some([waveform])
        if isinstance(result, Exception):
            raise result
        return result

    def transcribe_all(self, waveforms: Iterable[np.ndarray]) -> Iterator[str | Exception]:
        """Transcribes many, in order, some 32 at a time; see `Transcriber`."""
        waveforms = iter(waveforms)
        while some := list(itertools.islice(waveforms, _READ_AHEAD)):
            yield from self._transcribe_some(some)

    def num_frames(self, num_samples: int) -> int:
        """How many times the network decides on a character, each 20 ms."""
        config = self._network.config
        for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
            num_samples = (num_samples - kernel) // stride + 1
        return max(0, num_samples)

    def decode(self, character_ids: Sequence[int]) -> str:
        """Most likely character of each frame -> text: repeats collapse, then blanks vanish."""
        tokenizer = self._processor.tokenizer
        blank = tokenizer.pad_token_id
        # As blanks, <unk> and the like vanish too; skip_special_tokens would drop the blanks before
        # repeats collapse, and "bee" would become "be".
        special = set(tokenizer.all_special_ids)
        ids = [blank if index in special else int(index) for index in character_ids]
        text = tokenizer.decode(ids, skip_special_tokens=False)
        if "\u0131" in self.rules:  # a Turkish one, whose I is dotless
            text = text.replace("\u0130", "i").replace("I", "\u0131")
        return text.lower()

    def _transcribe_some(self, waveforms: Sequence[np.ndarray]) -> list[str | Exception]:
        results: dict[int, str | Exception] = {}
        audible: dict[int, np.ndarray] = {}
        for index, waveform in enumerate(waveforms):
            try:
                waveform = check_waveform(waveform)
            except (TypeError, ValueError) as error:
                results[index] = error
                continue
            if waveform.any() and self.num_frames(len(waveform)):
                audible[index] = waveform
            else:
                results[index] = ""
        for indices in self._batches({index: len(item) for index, item in audible.items()}):
            batch = self._try([audible[index] for index in indices])
            if isinstance(batch, Exception) and len(indices) > 1:  # whose fault was it?
                batch = [self._first([audible[index]]) for index in indices]
            batch = [batch] if isinstance(batch, Exception) else batch
            results |= zip(indices, batch, strict=True)
        return [results[index] for index in range(len(waveforms))]

    def _batches(self, lengths: Mapping[int, int]) -> Iterator[list[int]]:
        """Which waveforms share a batch: neighbours in length, of equal length without a mask."""
        groups = collections.defaultdict(list)
        for index in sorted(lengths, key=lambda index: (lengths[index], index)):
            groups[None if self._masked else lengths[index]].append(index)
        for group in groups.values():
            batch: list[int] = []
            for index in group:  # shortest first: the newest is as long as the padded batch
                if batch and (len(batch) + 1) * lengths[index] > self._max_batch_samples:
                    yield batch
                    batch = []
                batch.append(index)
            yield batch

    def _first(self, waveforms: list[np.ndarray]) -> str | Exception:
        result = self._try(waveforms)
        return result if isinstance(result, Exception) else result[0]

    def _try(self, waveforms: list[np.ndarray]) -> list[str | Exception] | Exception:
        import tensorflow as tf

        try:
            return list(self._recognise(waveforms))
        except (tf.errors.OpError, RuntimeError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            return TranscriptionError(f"Wav2Vec2 gave up: {reason[0]}")

    def _recognise(self, waveforms: list[np.ndarray]) -> list[str]:
        inputs = self._processor(
            waveforms, sampling_rate=SAMPLE_RATE_HZ, padding=True, return_tensors="np"
        )
        values = inputs["input_values"].astype(np.float32)
        mask = inputs["attention_mask"] if self._masked else np.ones(values.shape)
        ids = np.asarray(self._predict(values, mask.astype(np.int32)))
        return [
            self.decode(row[: self.num_frames(len(waveform))])
            for row, waveform in zip(ids, waveforms, strict=True)
        ]


def letter_rules(vocabulary: Iterable[str]) -> str:
    """Rules by which letters, and marks, of a vocabulary are told apart, and no others.

    >>> letter_rules(["<pad>", "|", "E", "\u00c9", "'", "7"])
    "letters:'e\u00e9"

    Args:
        vocabulary: tokens: letters, or several of them; of either case, or of both.
    """
    # A Turkish vocabulary of capitals has the dotted one, and then I is the dotless one.
    words = [token.replace("\u0130", "i\u0131") for token in vocabulary if token[:1] not in "<["]
    text = " ".join(words).replace("\u2019", "'").lower()
    used = set().union(*(unicodedata.normalize("NFC", word) for word in text.split(" ")))
    letters = {item for item in used if unicodedata.category(item)[0] in "LM" or item == "'"}
    return f"letters:{''.join(sorted(letters))}" if letters else "letters"


def load(
    model: str | None = None, precision: str = "float32", language: str | None = None
) -> Wav2Vec2Transcriber:
    """Loads Wav2Vec2; see `Wav2Vec2Transcriber`. Its language is that of its model."""
    del language
    return Wav2Vec2Transcriber(model or DEFAULT_MODEL, precision=precision)
