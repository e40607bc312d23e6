"""Texts against texts: normalisation, word and character errors."""

import re
import unicodedata
from dataclasses import dataclass

import jiwer

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


def _normalized_pair(reference: str, hypothesis: str) -> tuple[str, str]:
    normalized = normalize_text(reference)
    if not normalized:
        raise ValueError(f"reference {reference!r} has no words: a rate needs at least one")
    return normalized, normalize_text(hypothesis)


def _counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> WordErrors:
    num_words = output.hits + output.substitutions + output.deletions
    return WordErrors(num_words, output.substitutions, output.deletions, output.insertions)
