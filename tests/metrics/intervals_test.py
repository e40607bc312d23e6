"""Intervals and paired tests, beside plain resampling and an exact count."""

import itertools

import numpy as np
import tensorflow as tf

from vggish_inversion import metrics


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

    def test_interval_of_a_mean_agrees_with_a_plain_bootstrap(self):
        rng = np.random.default_rng(2)
        values = rng.gamma(2.0, size=30)
        means = [np.mean(rng.choice(values, 30)) for _ in range(4000)]
        interval = metrics.mean_interval(values, num_samples=4000)
        self.assertAllClose(interval, np.quantile(means, (0.025, 0.975)), rtol=0.03)
        with self.assertRaisesRegex(ValueError, "at least one"):
            metrics.mean_interval([])


class PairedTest(tf.test.TestCase):
    def test_p_value_of_few_utterances_is_exact(self):
        words = [5, 7, 9, 4, 11, 6]
        gained = np.array([2, 1, 0, 3, 1, -1])
        first = [metrics.WordErrors(n, 1, 0, 0) for n in words]
        first = [
            metrics.WordErrors(n, 1 + max(0, g), 0, 0) for n, g in zip(words, gained, strict=True)
        ]
        second = [
            metrics.WordErrors(n, 1 + max(0, -g), 0, 0) for n, g in zip(words, gained, strict=True)
        ]
        swaps = np.array(list(itertools.product((1, -1), repeat=len(words)))) @ gained
        # Two-sided, as twice the smaller tail.
        expected = 2 * min(np.mean(swaps >= gained.sum()), np.mean(swaps <= gained.sum()))
        result = metrics.compare_paired(first, second)
        self.assertAllClose(result.p_value, expected)
        self.assertAllClose(result.difference, gained.sum() / sum(words))
        back = metrics.compare_paired(second, first)
        self.assertAllClose((back.difference, back.p_value), (-result.difference, expected))

    def test_interval_agrees_with_a_plain_paired_bootstrap(self):
        rng = np.random.default_rng(2)
        words = rng.integers(5, 30, size=50)
        first, second = (
            [metrics.WordErrors(int(n), int(rng.binomial(n, share)), 0, 0) for n in words]
            for share in (0.4, 0.3)
        )
        differences = []
        for _ in range(4000):
            drawn = rng.integers(0, 50, size=50)
            rates = [metrics.pooled_rate([side[i] for i in drawn]) for side in (first, second)]
            differences.append(rates[0] - rates[1])
        result = metrics.compare_paired(first, second)
        expected = np.quantile(differences, (0.025, 0.975))
        self.assertAllClose((result.low, result.high), expected, atol=0.006)
        self.assertEqual(result, metrics.compare_paired(first, second))
        self.assertLess(result.p_value, 0.01)

    def test_alike_is_no_difference(self):
        same = [metrics.WordErrors(10, k, 0, 0) for k in range(8)]
        result = metrics.compare_paired(same, same)
        self.assertEqual(result, metrics.PairedComparison(0.0, 0.0, 0.0, 1.0))

    def test_one_utterance_proves_nothing(self):
        pair = [metrics.WordErrors(4, 3, 0, 0)], [metrics.WordErrors(4, 1, 0, 0)]
        result = metrics.compare_paired(*pair)
        self.assertEqual(result, metrics.PairedComparison(0.5, 0.5, 0.5, 1.0))

    def test_false_alarms_are_as_rare_as_the_p_value_says(self):
        rng = np.random.default_rng(0)
        num_alarms = 0
        for _ in range(200):
            first, second = (
                [metrics.WordErrors(12, int(rng.binomial(12, 0.3)), 0, 0) for _ in range(20)]
                for _ in range(2)
            )
            p_value = metrics.compare_paired(first, second, num_samples=499).p_value
            num_alarms += p_value <= 0.1
        self.assertBetween(num_alarms / 200, 0.04, 0.16)

    def test_other_utterances(self):
        with self.assertRaisesRegex(ValueError, "same utterances"):
            metrics.compare_paired(
                [metrics.WordErrors(3, 0, 0, 0)], [metrics.WordErrors(4, 0, 0, 0)]
            )
        with self.assertRaisesRegex(ValueError, "at least one"):
            metrics.compare_paired([], [])


if __name__ == "__main__":
    tf.test.main()
