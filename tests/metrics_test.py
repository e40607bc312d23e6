"""Tests of metrics against hand-made tables and independent computation."""

import math
import warnings

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
                self.assertEqual(metrics.normalize_text(text), expected)

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


class PooledTest(tf.test.TestCase):
    def test_pools_over_words_not_utterances(self):
        errors = [metrics.WordErrors(10, 1, 0, 0), metrics.WordErrors(2, 0, 1, 1)]
        self.assertAlmostEqual(metrics.pooled_rate(errors), 3 / 12)
        with self.assertRaisesRegex(ValueError, "at least one"):
            metrics.pooled_rate([])

    def test_interval_agrees_with_a_plain_bootstrap(self):
        rng = np.random.default_rng(1)
        errors = [metrics.WordErrors(int(n), int(rng.integers(0, n)), 0, 1) for n in
                  rng.integers(5, 30, size=40)]  # fmt: skip
        rates = []
        for _ in range(4000):
            drawn = [errors[i] for i in rng.integers(0, 40, size=40)]
            rates.append(metrics.pooled_rate(drawn))
        low, high = metrics.bootstrap_interval(errors, num_samples=4000)
        self.assertAllClose((low, high), np.quantile(rates, (0.025, 0.975)), atol=0.01)
        self.assertBetween(metrics.pooled_rate(errors), low, high)

    def test_interval_follows_seed_and_confidence(self):
        errors = [metrics.WordErrors(10, k, 0, 0) for k in range(8)]
        first = metrics.bootstrap_interval(errors, seed=3)
        self.assertEqual(first, metrics.bootstrap_interval(errors, seed=3))
        low, high = metrics.bootstrap_interval(errors, confidence=0.5, seed=3)
        self.assertLess(first[0], low)
        self.assertLess(high, first[1])

    def test_interval_of_one_utterance_and_of_none(self):
        one = [metrics.WordErrors(4, 1, 0, 0)]
        self.assertEqual(metrics.bootstrap_interval(one), (0.25, 0.25))
        with self.assertRaisesRegex(ValueError, "at least one"):
            metrics.bootstrap_interval([])
        with self.assertRaisesRegex(ValueError, "between 0 and 1"):
            metrics.bootstrap_interval(one, confidence=95)


class StoiTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        time = np.arange(3 * 16000) / 16000
        envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * time)
        self.speech = (0.1 * envelope * rng.standard_normal(time.size)).astype(np.float32)
        self.noise = rng.standard_normal(time.size).astype(np.float32)

    def test_falls_with_noise(self):
        for extended in (False, True):
            scores = [
                metrics.stoi(self.speech, self.speech + level * self.noise, extended=extended)
                for level in (0.0, 0.02, 0.1, 1.0)
            ]
            self.assertAllClose(scores[0], 1.0, atol=1e-3)
            self.assertAllInRange(-np.diff(scores), 0.01, 1.0)

    def test_ignores_level(self):
        self.assertAllClose(metrics.stoi(self.speech, 0.1 * self.speech), 1.0, atol=1e-3)

    def test_undefined_is_nan_without_warnings(self):
        burst = np.zeros_like(self.speech)
        burst[:1600] = self.speech[:1600]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, reference in {
                "silent": np.zeros(16000, np.float32),
                "empty": np.zeros(0, np.float32),
                "short": self.speech[:3000],
                "mostly silent": burst,
            }.items():
                for extended in (False, True):
                    with self.subTest(name, extended=extended):
                        score = metrics.stoi(reference, reference, extended=extended)
                        self.assertTrue(math.isnan(score))

    def test_silent_reconstruction_scores_zero(self):
        self.assertEqual(metrics.stoi(self.speech, np.zeros_like(self.speech)), 0.0)

    def test_shapes_must_agree(self):
        with self.assertRaisesRegex(ValueError, "shapes are"):
            metrics.stoi(self.speech, self.speech[1:])


class LogMelL1Test(tf.test.TestCase):
    def test_value(self):
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((2, 7, 64)).astype(np.float32)
        total = sum(abs(float(x) - float(y)) for x, y in zip(a.flat, b.flat, strict=True))
        self.assertAlmostEqual(metrics.log_mel_l1(a, b), total / (7 * 64), places=6)

    def test_shapes_must_agree(self):
        for other in (np.zeros((3, 64)), np.zeros((0, 64))):
            with self.assertRaisesRegex(ValueError, "expected .frames, bands."):
                metrics.log_mel_l1(np.zeros((2, 64)) if len(other) else other, other)


if __name__ == "__main__":
    tf.test.main()
