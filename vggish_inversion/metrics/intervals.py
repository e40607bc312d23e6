"""Rates over many utterances: their intervals, and tests of their differences."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from vggish_inversion.metrics.text import WordErrors


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
    table = np.array([(item.num_errors, item.num_words) for item in errors], np.float64)
    return _ratio_interval(table, confidence, num_samples, seed)


def mean_interval(
    values: Sequence[float],
    *,
    confidence: float = 0.95,
    num_samples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap of a mean over utterances, drawn as `bootstrap_interval` draws them.

    >>> mean_interval([0.5, 0.5])
    (0.5, 0.5)

    Args:
        values: one per utterance, finite.
        confidence: share of drawn means inside of the interval.
        num_samples: how many times the utterances are drawn anew.
        seed: of the draws.

    Returns:
        The interval's ends.

    Raises:
        ValueError: if there are no values, or the confidence is out of range.
    """
    table = np.array([(value, 1.0) for value in values], np.float64)
    return _ratio_interval(table, confidence, num_samples, seed)


def _ratio_interval(
    table: np.ndarray, confidence: float, num_samples: int, seed: int
) -> tuple[float, float]:
    """The interval of the ratio of two columns' sums, when rows are drawn anew."""
    if not len(table):
        raise ValueError("no utterances to resample: expected at least one")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}: expected a number between 0 and 1")
    share = np.full(len(table), 1 / len(table))
    # How often each utterance is drawn: [draws, utterances].
    times = np.random.default_rng(seed).multinomial(len(table), share, size=num_samples)
    numerators, denominators = (times @ table).T
    tail = (1 - confidence) / 2
    low, high = np.quantile(numerators / denominators, (tail, 1 - tail))
    return float(low), float(high)


@dataclasses.dataclass(frozen=True)
class PairedComparison:
    """Two conditions on the same utterances.

    Attributes:
        difference: pooled rate of the first minus pooled rate of the second, as a fraction.
        low: lower end of its interval.
        high: upper end of its interval.
        p_value: of so great a difference, either way, if the conditions were interchangeable.
    """

    difference: float
    low: float
    high: float
    p_value: float


def compare_paired(
    first: Sequence[WordErrors],
    second: Sequence[WordErrors],
    *,
    confidence: float = 0.95,
    num_samples: int = 9999,
    seed: int = 0,
) -> PairedComparison:
    """Compares two conditions on the same utterances, in the same order.

    The interval is a paired percentile bootstrap over utterances (Bisani and Ney, ICASSP 2004);
    the p-value is that of approximate randomisation, which swaps the conditions of each utterance
    by lot (Noreen 1989), or tries all swaps where they are few.

    Args:
        first: one item per utterance.
        second: of the same references.
        confidence: of the interval, in (0, 1).
        num_samples: resamplings, of either kind; 1 / (num_samples + 1) is the least p-value.
        seed: of the draws.

    Raises:
        ValueError: if the two are not of the same references, or there are none.
    """
    from scipy import stats

    num_words = np.array([item.num_words for item in first], np.float64)
    if not first or [item.num_words for item in second] != num_words.tolist():
        raise ValueError("expected errors of the same utterances, at least one, in the same order")
    errors = [np.array([item.num_errors for item in side], np.float64) for side in (first, second)]
    total = num_words.sum()

    def difference(a, b, axis):
        return (np.sum(a, axis=axis) - np.sum(b, axis=axis)) / total

    def resampled_difference(gained, words, axis):
        return np.sum(gained, axis=axis) / np.sum(words, axis=axis)

    gained = errors[0] - errors[1]
    observed = float(gained.sum() / total)
    if not gained.any():  # all resamplings are alike, too
        return PairedComparison(0.0, 0.0, 0.0, 1.0)
    if len(first) == 1:  # nothing to draw from; either swap is as great a difference
        return PairedComparison(observed, observed, observed, 1.0)
    batch = max(1, 10_000_000 // len(first))  # numbers in memory at a time
    test = stats.permutation_test(
        errors,
        difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=num_samples,
        batch=batch,
        rng=np.random.default_rng(seed),
    )
    interval = stats.bootstrap(
        (gained, num_words),
        resampled_difference,
        paired=True,
        vectorized=True,
        confidence_level=confidence,
        n_resamples=num_samples,
        batch=batch,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return PairedComparison(observed, float(interval.low), float(interval.high), float(test.pvalue))
