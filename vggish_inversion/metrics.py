"""How much of the speech is left: word errors, intelligibility, log-mel distance."""

import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np

_SAMPLE_RATE_HZ = 16000
# STOI correlates over 30 frames, 12.8 ms apart; pystoi fails on clips of no frame at all.
_MIN_STOI_SAMPLES = int(0.4 * _SAMPLE_RATE_HZ)

_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\u0060\u00b4", "'''''")
_COMBINING_MARKS = re.compile("[\u0300-\u036f]")
_JOINTS = re.compile("[-\u2010-\u2015\u2212/_]|[.]{2,}")
_PUNCTUATION = re.compile(r"(?<!\w)'|'(?!\w)|[^\w\s']")


@dataclass(frozen=True)
class WordErrors:
    """Edit operations that turn a reference into a hypothesis; of words, or of characters.

    Attributes:
        num_words: words (or characters) of the reference, at least 1.
        substitutions: how many were recognised as another.
        deletions: how many were not recognised.
        insertions: how many were recognised and never said.
    """

    num_words: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def num_errors(self) -> int:
        """All three kinds together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per word of the reference; over 1 where insertions abound."""
        return self.num_errors / self.num_words


def normalize_text(text: str) -> str:
    """Reduces a text to what recognisers are scored on; references and transcripts alike.

    Lower case; accents dropped (PocketSphinx's dictionary has none); dashes and slashes part
    words, other punctuation vanishes, but for apostrophes inside words. Numbers stay as written,
    so a reference should spell them, as LJSpeech's third column does.

    >>> normalize_text("  The caf\u00e9\u2019s well-known \u2014 it's \u2018OK\u2019, Mr. O'Neil! ")
    "the cafe's well known it's ok mr o'neil"
    """
    text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).lower()
    text = unicodedata.normalize("NFKC", _COMBINING_MARKS.sub("", text))
    text = _PUNCTUATION.sub("", _JOINTS.sub(" ", text))
    return " ".join(text.split())


def word_errors(reference: str, hypothesis: str) -> WordErrors:
    """Counts word errors between two texts, both normalised here.

    >>> word_errors("Hear the birds.", "here the the birds")
    WordErrors(num_words=3, substitutions=1, deletions=0, insertions=1)

    Raises:
        ValueError: if the reference has no words; an empty hypothesis is all deletions.
    """
    output = jiwer.process_words(*_normalized_pair(reference, hypothesis))
    return _counts(output)


def char_errors(reference: str, hypothesis: str) -> WordErrors:
    """Counts character errors (spaces included) between two texts, both normalised here.

    >>> char_errors("hear", "here").rate
    0.5

    Raises:
        ValueError: if the reference has no words.
    """
    output = jiwer.process_characters(*_normalized_pair(reference, hypothesis))
    return _counts(output)


def pooled_rate(errors: Sequence[WordErrors]) -> float:
    """All errors over all words: long utterances weigh more, unlike in a mean of rates.

    >>> pooled_rate([WordErrors(9, 0, 0, 0), WordErrors(1, 1, 0, 0)])
    0.1

    Raises:
        ValueError: if there are no utterances.
    """
    if not errors:
        raise ValueError("no utterances to pool: expected at least one")
    return sum(item.num_errors for item in errors) / sum(item.num_words for item in errors)


def bootstrap_interval(
    errors: Sequence[WordErrors],
    *,
    confidence: float = 0.95,
    num_samples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap of the pooled rate, over utterances (Bisani and Ney, ICASSP 2004).

    Args:
        errors: one item per utterance; with a single one, both ends are its rate.
        confidence: share of the resampled rates inside the interval, in (0, 1).
        num_samples: how often the utterances are drawn anew.
        seed: of the draws.

    Returns:
        The interval's ends, as fractions.

    Raises:
        ValueError: if there are no utterances, or the confidence is out of range.
    """
    if not errors:
        raise ValueError("no utterances to resample: expected at least one")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}: expected a number between 0 and 1")
    table = np.array([(item.num_errors, item.num_words) for item in errors], np.float64)
    share = np.full(len(errors), 1 / len(errors))
    # How often each utterance is drawn: [draws, utterances].
    times = np.random.default_rng(seed).multinomial(len(errors), share, size=num_samples)
    num_errors, num_words = (times @ table).T
    tail = (1 - confidence) / 2
    low, high = np.quantile(num_errors / num_words, (tail, 1 - tail))
    return float(low), float(high)


def stoi(reference: np.ndarray, waveform: np.ndarray, *, extended: bool = False) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), or ESTOI (Jensen and Taal 2016).

    Args:
        reference: `[samples]` float at 16 kHz, the clean speech.
        waveform: `[samples]` float at 16 kHz, the same speech to be judged, in step with it.
        extended: compute ESTOI.

    Returns:
        About 0 (nothing is intelligible) to 1; nan where it is not defined: the reference is
        silent, or less than 0.4 s of it is not.

    Raises:
        ValueError: if the shapes differ.
    """
    import pystoi  # with scipy.signal behind it; texts are scored without

    reference, waveform = np.asarray(reference, np.float64), np.asarray(waveform, np.float64)
    if reference.ndim != 1 or reference.shape != waveform.shape:
        raise ValueError(
            f"shapes are {reference.shape} and {waveform.shape}: expected [samples] twice"
        )
    if len(reference) < _MIN_STOI_SAMPLES or not np.any(reference):
        return float("nan")
    if not np.any(waveform):
        return 0.0
    # Short clips make pystoi return 1e-5, with a warning; it drops silent frames before it counts.
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)
        try:
            return float(pystoi.stoi(reference, waveform, _SAMPLE_RATE_HZ, extended))
        except RuntimeWarning:
            return float("nan")


def log_mel_l1(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two log-mel spectrograms, in nats.

    >>> log_mel_l1(np.zeros((2, 64)), np.full((2, 64), -0.5))
    0.5

    Args:
        a: `[frames, bands]` natural logarithms.
        b: of the same shape.

    Raises:
        ValueError: if the shapes differ, or there is nothing in them.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or not a.size:
        raise ValueError(f"shapes are {a.shape} and {b.shape}: expected [frames, bands] twice")
    return float(np.mean(np.abs(a - b)))


def _normalized_pair(reference: str, hypothesis: str) -> tuple[str, str]:
    normalized = normalize_text(reference)
    if not normalized:
        raise ValueError(f"reference {reference!r} has no words: a rate needs at least one")
    return normalized, normalize_text(hypothesis)


def _counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> WordErrors:
    num_words = output.hits + output.substitutions + output.deletions
    return WordErrors(num_words, output.substitutions, output.deletions, output.insertions)
