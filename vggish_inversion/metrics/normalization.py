"""Reduces texts to the words that recognisers are scored on, by the rules of each recogniser."""

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable

# Rules of normalisation, by name; a row of results.csv says under which it was scored.
LETTERS = "letters"
ENGLISH = "letters:'abcdefghijklmnopqrstuvwxyz"
WHISPER_ENGLISH = "whisper:en"

# Quotes, accents and letters that are typed for an apostrophe, the Hebrew geresh among them.
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bb\u02bc\u2032\u05f3\u0060\u00b4", "'"))
# What parts words, beside spaces and dashes: slashes, the end of a Hindi sentence, and what stands
# between the words of Ethiopic and the syllables of Tibetan.
_JOINTS = frozenset("/_\u2044\u2212\u0964\u0965\u1361\u0f0b")
_DOTS = re.compile(r"[.]{2,}")
# Letters that Unicode does not decompose, and that are often spelt with two.
_PLAIN = {
    "\u0131": "i",
    "\u0142": "l",
    "\u00f8": "o",
    "\u0111": "d",
    "\u00e6": "ae",
    "\u0153": "oe",
}
# Compatibility forms part these vowels of Thai and Lao, which no keyboard does.
_WHOLE_AGAIN = {"\u0e4d\u0e32": "\u0e33", "\u0ecd\u0eb2": "\u0eb3"}


def normalize_text(text: str, rules: str = LETTERS) -> str:
    """Reduces a text to what recognisers are scored on; references and transcripts alike.

    Lower case, because a capital cannot be heard; letters of every script keep their marks (a Hindi
    vowel sign is a mark); dashes and slashes part words, other punctuation vanishes, but for
    apostrophes inside words. Digits stay as written, so a reference should spell its numbers, as
    LJSpeech's third column does.

    Args:
        text: what was said, or heard.
        rules: `LETTERS`; or `letters:ABC`, for a recogniser that writes ABC and no more: a letter
            that it lacks becomes the one that it has, if one is left without accents (`é` is `e`
            in English, `ß` is `ss`), marks that it lacks fall from letters that it has (Arabic
            and Hebrew vowels), and so does an apostrophe that it lacks. Where it has the dotless
            `ı`, capitals are Turkish. Or `WHISPER_ENGLISH`, the normaliser that Whisper is scored
            with, which also writes numbers as digits and British spellings as American ones.

    Returns:
        Words separated by single spaces; the same again if it is normalised again.

    Raises:
        ValueError: for other rules, or where Whisper's rules are not installed.

    >>> normalize_text("The caf\u00e9\u2019s well-known \u2014 it's OK, O'Neil!", ENGLISH)
    "the cafe's well known it's ok o'neil"
    >>> normalize_text("Caf\u00e9!")
    'caf\u00e9'
    """
    if rules == WHISPER_ENGLISH:
        return " ".join(_whisper_english()(text).split())
    kind, _, letters = rules.partition(":")
    if kind != LETTERS:
        raise ValueError(f"no rules {rules!r}: expected {LETTERS}, {ENGLISH} or {WHISPER_ENGLISH}")
    text = _compatible(text.translate(_APOSTROPHES))
    text = _compatible(_lower(text, is_turkish="\u0131" in letters))
    text = _words(text)
    return _words(_fold(text, frozenset(letters))) if letters else text


def _compatible(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    for parts, whole in _WHOLE_AGAIN.items():
        text = text.replace(parts, whole)
    return text


def _lower(text: str, *, is_turkish: bool) -> str:
    """Lower case; of a dotted capital I the dot is part of the letter, not an accent."""
    text = text.replace("\u0130", "i")
    return (text.replace("I", "\u0131") if is_turkish else text).lower()


def _fold(text: str, alphabet: frozenset[str]) -> str:
    """A text by the letters of an alphabet, where it can be written by them."""
    made: list[str] = []
    for character in text:
        if character in alphabet:
            made.append(character)
        elif unicodedata.category(character)[0] == "M":
            if not made or made[-1][-1] not in alphabet:  # else the letter below is what is left
                made.append(character)
        elif character != "'":
            made.append(_folded(character, alphabet))
    return "".join(made)


@functools.cache
def _folded(letter: str, alphabet: frozenset[str]) -> str:
    """The letter with as many of its marks as the alphabet has, or as it is."""
    for plain in (letter, letter.casefold(), _PLAIN.get(letter, letter)):
        base, *marks = unicodedata.normalize("NFD", plain)
        if any(unicodedata.category(mark)[0] != "M" for mark in marks):
            marks, base = [], plain  # several letters, such as ss
        for number in range(len(marks), -1, -1):
            for kept in itertools.combinations(marks, number):
                whole = unicodedata.normalize("NFC", "".join((base, *kept)))
                if alphabet.issuperset(whole) or alphabet.issuperset((*base, *kept)):
                    return whole
    return letter


def _words(text: str) -> str:
    """What is left without punctuation; a mark may then stand beside its letter."""
    text = f" {_DOTS.sub(' ', text)} "
    kinds = [unicodedata.category(character) for character in text]
    in_word = [kind[0] in "LMN" for kind in kinds]
    made = []
    for place, character in enumerate(text):
        if in_word[place]:
            made.append(character)
        elif character.isspace() or kinds[place] == "Pd" or character in _JOINTS:
            made.append(" ")
        elif character == "'" and in_word[place - 1] and in_word[place + 1]:
            made.append(character)
    return _compatible(" ".join("".join(made).split()))


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
