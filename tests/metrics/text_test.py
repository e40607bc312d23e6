"""Texts against hand-made tables and the textbook's edit distance."""

import numpy as np
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
