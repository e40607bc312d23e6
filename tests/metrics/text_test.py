"""Texts against hand-made tables and the textbook's edit distance."""

import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from vggish_inversion import metrics

# reference, hypothesis -> words, substitutions, deletions, insertions: counted by hand.
_ALIGNED_BY_HAND = (
    ("the birds sing", "the birds sing", (3, 0, 0, 0)),
    ("The birds sing.", "the BIRDS, sing", (3, 0, 0, 0)),
    ("the birds sing", "the bird sing", (3, 1, 0, 0)),
    ("the birds sing", "the sing", (3, 0, 1, 0)),
    ("the birds sing", "all the birds sing", (3, 0, 0, 1)),
    ("the birds sing", "", (3, 0, 3, 0)),
    ("the birds sing", " ... ", (3, 0, 3, 0)),
    ("a", "one two three", (1, 1, 0, 2)),
    ("it's well-known", "it's well known", (3, 0, 0, 0)),
)


def _edit_distance(a, b):
    """Levenshtein distance by the textbook's table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


class NormalizeTextTest(tf.test.TestCase):
    def test_table(self):
        for text, expected in (
            ("", ""),
            ("  Two\twords\n", "two words"),
            ("don\u2019t, DON'T!", "don't don't"),
            ("'quoted' \u201cwords\u201d of the dogs'", "quoted words of the dogs"),
            ("rock 'n' roll", "rock n roll"),
            ("twenty-one \u2013 and/or\u2014so on", "twenty one and or so on"),
            ("well\u2026 no", "well no"),
            ("well...no", "well no"),
            ("the U.S. (of 1,000)", "the us of 1000"),
            ("na\u00efve Fran\u00e7ois \u00c9tude", "naive francois etude"),
            ("\ufb01ne \uff21\uff22", "fine ab"),
            ("snake_case", "snake case"),
            ("\u2014 ' \u00bf?", ""),
            ("\u043c\u043e\u0441\u043a\u0432\u0430", "\u043c\u043e\u0441\u043a\u0432\u0430"),
        ):
            with self.subTest(text):
                self.assertEqual(metrics.normalize_text(text, metrics.ENGLISH), expected)

    def test_letters_of_every_script_keep_their_marks(self):
        for text, expected in (
            (
                "नमस्ते दुनिया।",
                "नमस्ते दुनिया",
            ),
            (
                "สวัสดี",
                "สวัสดี",
            ),  # Thai
            (
                "سَلَام",
                "سَلَام",
            ),  # Arabic, vocalised
            (
                "שָׁלוֹם",
                "שָׁלוֹם",
            ),  # Hebrew, pointed
            ("Tiếng Việt", "tiếng việt"),
            ("Tie\u0302\u0301ng", "ti\u1ebfng"),  # the same in parts
            ("STRASSE Straße", "strasse straße"),
            ("\u304b\u3099\u304e", "\u304c\u304e"),  # a voiced sound, as one letter
            ("l’été, qu'il", "l'été qu'il"),
            ("мой", "мой"),  # Cyrillic short i
        ):
            with self.subTest(text):
                expected = unicodedata.normalize("NFC", expected)  # marks in their order
                self.assertEqual(metrics.normalize_text(text), expected)

    def test_a_vowel_sign_makes_another_word(self):
        for reference, hypothesis in (
            ("की", "का"),
            ("ดี", "ดำ"),
        ):
            self.assertEqual(metrics.word_errors(reference, hypothesis).substitutions, 1)

    def test_accents_fold_only_to_letters_of_the_alphabet(self):
        german = "letters:abcdefghijklmnopqrstuvwxyzäöüß"
        for rules, expected in (
            (metrics.LETTERS, "café für miß й"),
            (metrics.ENGLISH, "cafe fur miß й"),
            (german, "cafe für miß й"),
        ):
            text = "Café für Miß й!"
            self.assertEqual(metrics.normalize_text(text, rules), expected)

    def test_what_whisper_writes_agrees_with_what_was_said(self):
        pytest.importorskip("whisper_normalizer")
        said = "Mister Brown paid twenty three dollars for the colour, didn't he?"
        written = "Mr. Brown paid $23 for the color, didn't he?"
        errors = metrics.word_errors(said, written, metrics.WHISPER_ENGLISH)
        self.assertEqual(errors.num_errors, 0)
        self.assertGreater(metrics.word_errors(said, written).num_errors, 2)

    def test_unknown_rules_are_refused(self):
        with self.assertRaisesRegex(ValueError, "no rules 'loud': expected letters"):
            metrics.normalize_text("text", "loud")

    def test_is_idempotent(self):
        text = "Caf\u00e9 \u2018n\u2019 roll \u2014 it\u2019s 3.5% o'clock\u2026"
        once = metrics.normalize_text(text)
        self.assertEqual(metrics.normalize_text(once), once)


class ErrorsTest(tf.test.TestCase):
    def test_counts_by_hand(self):
        for reference, hypothesis, counts in _ALIGNED_BY_HAND:
            with self.subTest(reference=reference, hypothesis=hypothesis):
                errors = metrics.word_errors(reference, hypothesis)
                self.assertEqual(errors, metrics.WordErrors(*counts))
                self.assertAlmostEqual(errors.rate, sum(counts[1:]) / counts[0])

    def test_counts_are_minimal_and_consistent(self):
        rng = np.random.default_rng(0)
        for _ in range(50):
            reference = list(rng.choice(["a", "b", "cd", "e"], rng.integers(1, 9)))
            hypothesis = list(rng.choice(["a", "b", "cd", "e"], rng.integers(0, 9)))
            said, heard = " ".join(reference), " ".join(hypothesis)
            words = metrics.word_errors(said, heard)
            self.assertEqual(words.num_words, len(reference))
            self.assertEqual(words.num_errors, _edit_distance(reference, hypothesis))
            self.assertEqual(words.num_words - words.deletions + words.insertions, len(hypothesis))
            chars = metrics.char_errors(said, heard)
            self.assertEqual(chars.num_words, len(said))
            self.assertEqual(chars.num_errors, _edit_distance(said, heard))

    def test_reference_without_words(self):
        for count in (metrics.word_errors, metrics.char_errors):
            for reference in ("", "  ", "?!"):
                with self.assertRaisesRegex(ValueError, "no words") as caught:
                    count(reference, "something")
                self.assertNotIn("\n", str(caught.exception))


if __name__ == "__main__":
    tf.test.main()
