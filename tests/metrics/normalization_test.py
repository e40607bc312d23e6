"""Texts of many scripts against hand-made tables; ASCII against what the rules were before."""

import re
import string
import unicodedata

import numpy as np
import pytest

from tests import speech
from vggish_inversion import metrics
from vggish_inversion.asr import pocketsphinx, wav2vec2
from vggish_inversion.data import corpora

_GERMAN = "letters:'abcdefghijklmnopqrstuvwxyzßäöü"
_TURKISH = "letters:abcdefghijklmnoprstuvyzâçöüğış"
_VIETNAMESE_WITHOUT_TONES = "letters:aăâbcdđeêghiklmnoôơpqrstuưvxy"
_ARABIC = "letters:ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي"
_HEBREW = "letters:אבגדהוזחטיךכלםמןנסעףפץצקרשת"

# Text, then what is left of it under the rules that keep all letters.
_KEPT = (
    ("", ""),
    ("  Two\twords\n", "two words"),
    ("don\u2019t, DON'T! don\u02bct don\u00b4t don`t don\uff07t", " ".join(["don't"] * 6)),
    ("'quoted' \u201cwords\u201d of the dogs'", "quoted words of the dogs"),
    ("rock 'n' roll, ''tis", "rock n roll tis"),
    ("twenty-one \u2013 and/or\u2014so on", "twenty one and or so on"),
    ("well\u2026 no; well...no", "well no well no"),
    ("the U.S. (of 1,000) at 3.5 %, \u00bd", "the us of 1000 at 35 1 2"),
    ("\ufb01ne \uff21\uff22 snake_case", "fine ab snake case"),
    ("\u2014 ' \u00bf?", ""),
    ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
    ("Größe STRASSE Straße", "größe strasse straße"),
    ("L\u2019ÉTÉ, qu'il aujourd\u2019hui; c'est-à-dire", "l'été qu'il aujourd'hui c'est à dire"),
    ("Œuvre Łódź Ærø", "œuvre łódź ærø"),
    ("İstanbul", "istanbul"),
    ("Tiếng Việt, ĐƯỜNG", "tiếng việt đường"),
    ("Tie\u0302\u0301ng", "tiếng"),  # the same in parts
    ("नमस्ते दुनिया।क़लम", "नमस्ते दुनिया क\u093cलम"),
    ("น้ำดื่ม สวัสดีครับ", "น้ำดื่ม สวัสดีครับ"),
    ("น\u0e49\u0e4d\u0e32", "น้ำ"),  # the vowel in two parts
    ("سَلَامٌ، كيف؟", "سَلَامٌ كيف"),
    ("שָׁלוֹם־עוֹלָם, צ׳ק", "שָׁלוֹם עוֹלָם צ'ק"),
    ("か\u3099っこう、ｶﾞｯｺｳ。", "がっこうガッコウ"),
    ("Привет, мой ЁЖ!", "привет мой ёж"),
    ("ΣΟΦΟΣ ά", "σοφος ά"),
    ("ሰላም፡ዓለም።", "ሰላም ዓለም"),
    ("한국어 학교", "한국어 학교"),
    ("བཀྲ་ཤིས།", "བཀྲ ཤིས"),
    ("١٢٣ и 45", "١٢٣ и 45"),
)


def _canonical(text: str) -> str:
    """Marks in their canonical order, whatever this file's editor made of them."""
    return unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("text", "expected"), _KEPT)
def test_all_scripts_keep_letters_and_marks(text, expected):
    assert metrics.normalize_text(text) == _canonical(expected)


@pytest.mark.parametrize(
    ("rules", "text", "expected"),
    [
        (metrics.ENGLISH, "Café, naïve FRANÇOIS’s Étude", "cafe naive francois's etude"),
        (metrics.ENGLISH, "Straße, Łódź, Ærø, ıssız", "strasse lodz aero issiz"),
        (metrics.ENGLISH, "Việt q\u0303", "viet q"),
        (metrics.ENGLISH, "की שָׁלוֹם мой が", "की שָׁלוֹם мой が"),  # no letter of it: kept whole
        (_GERMAN, "Größe, Café, geht’s?", "größe cafe geht's"),
        (_GERMAN.replace("ß", ""), "Straße", "strasse"),
        (_GERMAN.replace("'", ""), "geht’s O'Neil", "gehts oneil"),
        (_TURKISH, "ISPARTA ılık İzmir Kâğıt", "ısparta ılık izmir kâğıt"),
        (_TURKISH.replace("â", ""), "KÂĞIT", "kağıt"),
        (_VIETNAMESE_WITHOUT_TONES, "Tiếng Việt, đường phở", "tiêng viêt đương phơ"),
        (_ARABIC, "كِتَابٌ سَلَامٌ", "كتاب سلام"),
        (_ARABIC + "\u064e\u0650", "كِتَابٌ", "كِتَاب"),  # it has two of the three marks
        (_HEBREW, "שָׁלוֹם", "שלום"),
        ("letters:e\u0301", "éèe", "éee"),  # its marks are letters of their own
        ("letters:" + "かき", "がき", "かき"),
        ("letters:" + "がき", "か\u3099き", "がき"),
    ],
)
def test_letters_fold_where_the_alphabet_lacks_them(rules, text, expected):
    assert metrics.normalize_text(text, rules) == _canonical(expected)


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [("की", "का"), ("ดี", "ดา"), ("สี", "สี่"), ("كِتاب", "كُتاب"), ("שָׁם", "שֵׁם"), ("ma", "mạ")]
    + [("が", "か"), ("schon", "schön"), ("ısı", "isi"), ("мой", "мои")],
)
def test_a_mark_makes_another_word(reference, hypothesis):
    assert metrics.word_errors(reference, hypothesis).substitutions == 1
    assert metrics.char_errors(reference, hypothesis).num_errors >= 1


def _before(text: str) -> str:
    """The rules as they were while there was English alone: these expressions are theirs."""
    text = unicodedata.normalize("NFKD", text.translate(str.maketrans("‘’ʼ`´", "'''''"))).lower()
    text = unicodedata.normalize("NFKC", re.sub("[\u0300-\u036f]", "", text))
    text = re.sub("[-\u2010-\u2015\u2212/_]|[.]{2,}", " ", text)
    return " ".join(re.sub(r"(?<!\w)'|'(?!\w)|[^\w\s']", "", text).split())


def test_english_is_what_it_was():
    rng = np.random.default_rng(0)
    characters = np.array([*string.printable, *"''''  ..--``", *"\x00\x1c\x7f"])
    texts = ["".join(rng.choice(characters, rng.integers(1, 40))) for _ in range(3000)]
    texts += [item.text or "" for item in corpora.read_corpus(speech.DEMO_SPEECH)]
    texts += ["“Café” — it’s naïve… FRANÇOIS, £5; the Duke’s ‘bill’ in 1½ years".replace("½", "")]
    for text in texts:
        for rules in (metrics.ENGLISH, wav2vec2.letter_rules(string.ascii_uppercase + "'|")):
            assert metrics.normalize_text(text, rules) == _before(text), repr(text)
        if text.isascii():
            assert metrics.normalize_text(text) == _before(text), repr(text)


def test_is_idempotent():
    rng = np.random.default_rng(1)
    samples = [*"'’-–…._ /Iıİßœ", *"कीกำดีكَשָׁがｶﾞệọ", *"①ﬁΣς٣½", "\u0301", "\u0307", "\u200d"]
    for _ in range(3000):
        text = "".join(rng.choice(samples, 12))
        for rules in (metrics.LETTERS, metrics.ENGLISH, _TURKISH, _GERMAN, _ARABIC):
            once = metrics.normalize_text(text, rules)
            assert metrics.normalize_text(once, rules) == once, (text, rules)


def test_recognisers_say_what_they_write():
    assert pocketsphinx.PocketSphinxTranscriber.rules == metrics.ENGLISH
    special = ["<pad>", "<s>", "</s>", "<unk>", "[PAD]", "[UNK]", "|", "▁"]
    assert wav2vec2.letter_rules([*special, *string.ascii_uppercase, "'"]) == metrics.ENGLISH
    assert wav2vec2.letter_rules([*special, *"abcÄÖÜ’", "ß", "7", "-"]) == "letters:'abcßäöü"
    assert wav2vec2.letter_rules("AIİ") == wav2vec2.letter_rules("aiı") == "letters:aiı"
    assert wav2vec2.letter_rules(["क", "ी", "क़"]) == "letters:क\u093cी"
    assert wav2vec2.letter_rules(["sch", "e\u0301"]) == "letters:chsé"
    assert wav2vec2.letter_rules(["<pad>", "|"]) == metrics.LETTERS


def test_what_whisper_writes_agrees_with_what_was_said():
    pytest.importorskip("whisper_normalizer")
    said = "Mister Brown paid twenty three dollars for the colour, didn't he?"
    written = "Mr. Brown paid $23 for the color, didn't he?"
    errors = metrics.word_errors(said, written, metrics.WHISPER_ENGLISH)
    assert errors.num_errors == 0
    assert metrics.word_errors(said, written).num_errors > 2


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("mister smith went to saint louis", "Mr. Smith went to St. Louis."),
        ("missus jones and doctor brown", "Mrs. Jones and Dr. Brown"),
        ("professor hale", "Prof. Hale"),
        ("twenty three dollars and fifty cents", "$23.50"),
        ("a five pound note", "a £5 note"),
        ("five thousand dollars", "$5,000"),
        ("in eighteen fifty", "in 1850"),
        ("in nineteen oh five", "in 1905"),
        ("the twenty first of may", "the 21st of May"),
        ("fifty percent", "50%"),
        ("two point five", "2.5"),
        ("twelve hundred men", "1,200 men"),
        ("a hundred", "a 100"),
        ("i do not know we are late", "I don't know, we're late!"),
        ("he has gone", "he's gone"),
        ("i'm going to because i want to", "I'm gonna, 'cause I wanna"),
        ("the colour of the theatre", "the color of the theater"),
        ("hello there", "Um, hello... [noise] there (laughs)"),
    ],
)
def test_english_is_compared_as_it_is_said(said, written):
    pytest.importorskip("whisper_normalizer")
    errors = metrics.word_errors(said, written, metrics.WHISPER_ENGLISH)
    assert errors.num_errors == 0
    assert metrics.word_errors(written, said, metrics.WHISPER_ENGLISH).num_errors == 0


def test_other_languages_lose_case_and_punctuation_alone():
    said, written = "l'été coûte cher n'est ce pas", "« L’été coûte cher, n’est-ce pas ? »"
    assert metrics.word_errors(said, written).num_errors == 0
    assert metrics.word_errors("dreiundzwanzig", "23").num_errors == 1  # digits stay as written


def test_unknown_rules_are_refused():
    with pytest.raises(ValueError, match="no rules 'loud': expected letters"):
        metrics.normalize_text("text", "loud")
