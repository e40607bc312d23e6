"""Texts against texts: normalisation, word and character errors."""

import functools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import jiwer

_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\u0060\u00b4", "'''''")
_COMBINING_MARKS = re.compile("[\u0300-\u036f]")
_JOINTS = re.compile("[-\u2010-\u2015\u2212/_]|[.]{2,}")

# Rules of normalisation, by name; a row of results.csv says under which it was scored.
LETTERS = "letters"
ENGLISH = "letters:abcdefghijklmnopqrstuvwxyz"
WHISPER_ENGLISH = "whisper:en"


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


def normalize_text(text: str, rules: str = LETTERS) -> str:
    """Reduces a text to what recognisers are scored on; references and transcripts alike.

    Lower case; letters of every script keep their marks (a Hindi vowel sign is a mark); dashes and
    slashes part words, other punctuation vanishes, but for apostrophes inside words. Numbers stay
    as written, so a reference should spell them, as LJSpeech's third column does.

    Args:
        text: what was said, or heard.
        rules: `LETTERS`; `letters:abc...`, under which a letter that is not among these becomes the
            one that it is without its accents, if that is (`ENGLISH` for PocketSphinx, whose
            dictionary has no accents); or `WHISPER_ENGLISH`, the normaliser that Whisper is scored
            with, which also writes numbers as digits and British spellings as American ones.

    Raises:
        ValueError: for other rules, or where those of Whisper are not installed.

    >>> normalize_text("The caf\u00e9\u2019s well-known \u2014 it's OK, O'Neil!", ENGLISH)
    "the cafe's well known it's ok o'neil"
    >>> normalize_text("Caf\u00e9!")
    'caf\u00e9'
    """
    if rules == WHISPER_ENGLISH:
        return " ".join(_whisper_english()(text).split())
    kind, _, alphabet = rules.partition(":")
    if kind != LETTERS:
        raise ValueError(f"no rules {rules!r}: expected {LETTERS}, {ENGLISH} or {WHISPER_ENGLISH}")
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).lower()
    # Lower case can part a letter from its mark (a Turkish capital I with a dot).
    text = unicodedata.normalize("NFKC", text)
    if alphabet:
        text = "".join(_folded(letter, frozenset(alphabet)) for letter in text)
    text = f" {_JOINTS.sub(' ', text)} "
    in_word = [unicodedata.category(character)[0] in "LMN" for character in text]
    kept = [
        character
        for place, character in enumerate(text)
        if in_word[place]
        or character.isspace()
        or (character == "'" and in_word[place - 1] and in_word[place + 1])
    ]
    return " ".join("".join(kept).split())


def _folded(letter: str, alphabet: frozenset[str]) -> str:
    """The letter as the alphabet has it, or as it is."""
    if letter in alphabet:
        return letter
    plain = _COMBINING_MARKS.sub("", unicodedata.normalize("NFKD", letter))
    return plain if plain and alphabet.issuperset(plain) else letter


@functools.cache
def _whisper_english() -> Callable[[str], str]:
    try:
        from whisper_normalizer import english
    except ImportError as error:
        raise ValueError(
            "scores of Whisper need whisper-normalizer, which is not installed; "
            "pip install 'vggish-inversion[whisper]'"
        ) from error
    return english.EnglishTextNormalizer()


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
