"""Compares texts: word and character errors."""

from dataclasses import dataclass

import jiwer

from vggish_inversion.metrics.normalization import LETTERS, normalize_text


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


def word_errors(reference: str, hypothesis: str, rules: str = LETTERS) -> WordErrors:
    """Counts word errors between two texts, both normalised here under `rules`.

    >>> word_errors("Hear the birds.", "here the the birds")
    WordErrors(num_words=3, substitutions=1, deletions=0, insertions=1)

    Raises:
        ValueError: if the reference has no words; an empty hypothesis is all deletions.
    """
    output = jiwer.process_words(*_normalized_pair(reference, hypothesis, rules))
    return _counts(output)


def char_errors(reference: str, hypothesis: str, rules: str = LETTERS) -> WordErrors:
    """Counts character errors (spaces included) between two texts, normalised under `rules`.

    >>> char_errors("hear", "here").rate
    0.5

    Raises:
        ValueError: if the reference has no words.
    """
    output = jiwer.process_characters(*_normalized_pair(reference, hypothesis, rules))
    return _counts(output)


def _normalized_pair(reference: str, hypothesis: str, rules: str) -> tuple[str, str]:
    normalized = normalize_text(reference, rules)
    if not normalized:
        raise ValueError(f"reference {reference!r} has no words: a rate needs at least one")
    return normalized, normalize_text(hypothesis, rules)


def _counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> WordErrors:
    num_words = output.hits + output.substitutions + output.deletions
    return WordErrors(num_words, output.substitutions, output.deletions, output.insertions)
