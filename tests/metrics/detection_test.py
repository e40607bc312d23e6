"""Equal error rate and linkability against scikit-learn, scipy's integrals and hand-made cases."""

import math

import numpy as np
import pytest
from scipy import integrate, interpolate, optimize, stats
from sklearn import metrics as sklearn_metrics

from vggish_inversion.metrics import ScoredTrials


def _eer_of_roc(scores, is_target, weights=None):
    """Where scikit-learn's ROC, joined by lines, meets the diagonal of equal errors."""
    accepted, found, _ = sklearn_metrics.roc_curve(
        is_target, scores, sample_weight=weights, drop_intermediate=False
    )
    # Vertical steps have two values at one abscissa: the curve is walked by its length instead.
    length = np.concatenate([[0], np.cumsum(np.abs(np.diff(accepted)) + np.abs(np.diff(found)))])
    length, kept = np.unique(length, return_index=True)
    x, y = (interpolate.interp1d(length, values[kept]) for values in (accepted, found))
    return float(x(optimize.brentq(lambda t: x(t) - (1 - y(t)), 0, length[-1], xtol=1e-13)))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("decimals", [8, 1])  # with hardly a tie, and with many
def test_equal_error_rate_is_that_of_the_roc(seed, decimals):
    rng = np.random.default_rng(seed)
    is_target = rng.random(300) < 0.2
    scores = np.round(rng.normal(size=300) + seed / 3 * is_target, decimals)
    trials = ScoredTrials(scores, is_target)
    assert trials.equal_error_rate() == pytest.approx(_eer_of_roc(scores, is_target), abs=1e-9)
    weights = rng.integers(0, 4, 300).astype(float)
    expected = _eer_of_roc(scores[weights > 0], is_target[weights > 0], weights[weights > 0])
    assert trials.equal_error_rate(weights) == pytest.approx(expected, abs=1e-9)
    times = weights.astype(int)  # a weight is a repetition
    repeated = ScoredTrials(np.repeat(scores, times), np.repeat(is_target, times))
    assert repeated.equal_error_rate() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("targets", "others", "rate"),
    [
        ([0.9, 0.8], [0.1, 0.2, 0.3], 0.0),
        ([0.1, 0.2], [0.9, 0.8, 0.7], 1.0),
        ([0.5, 0.5], [0.5, 0.5, 0.5], 0.5),
        # at 0.6 a quarter is accepted and a quarter rejected
        ([0.9, 0.8, 0.7, 0.1], [0.6, 0.3, 0.2, 0.0], 0.25),
        # from (FAR 0, FRR 1/2) to (1/3, 1/2) to (1/3, 0): between the last two
        ([0.9, 0.5], [0.6, 0.3, 0.2], 1 / 3),
        # a tie of one of each: from (0, 1/2) to (1/2, 0), half way
        ([0.9, 0.5], [0.5, 0.3], 0.25),
    ],
)
def test_equal_error_rate_by_hand(targets, others, rate):
    scores = np.array([*targets, *others])
    is_target = np.arange(len(scores)) < len(targets)
    assert ScoredTrials(scores, is_target).equal_error_rate() == pytest.approx(rate, abs=1e-12)
    shuffled = np.random.default_rng(0).permutation(len(scores))
    again = ScoredTrials(5 * scores[shuffled] - 2, is_target[shuffled])  # only the order counts
    assert again.equal_error_rate() == pytest.approx(rate, abs=1e-12)


def test_normal_scores_have_the_rate_of_the_formula():
    """Two unit normals d apart have an equal error rate of Phi(-d / 2)."""
    rng = np.random.default_rng(0)
    is_target = np.arange(200_000) < 50_000
    for distance in (0.0, 1.0, 3.0):
        scores = rng.normal(size=200_000) + distance * is_target
        rate = ScoredTrials(scores, is_target).equal_error_rate()
        assert rate == pytest.approx(stats.norm.cdf(-distance / 2), abs=0.004)


def test_steps_of_many_scores_are_near_enough():
    rng = np.random.default_rng(0)
    is_target = np.arange(300_000) < 5_000
    for distance in (0.0, 2.0, 5.0):
        trials = ScoredTrials(rng.normal(size=300_000) + distance * is_target, is_target)
        joined = trials.equal_error_rate(np.ones(300_000))
        assert joined == pytest.approx(trials.equal_error_rate(), abs=2e-4)


def test_linkability_is_the_integral_of_its_definition():
    """D_sys = integral of p(s) D(s), for densities that are known: two normals."""
    rng = np.random.default_rng(1)
    is_target = np.arange(400_000) < 200_000
    for distance in (0.0, 1.0, 3.0, 8.0):
        scores = rng.normal(size=400_000) + distance * is_target

        def integrand(s, distance=distance):
            target, other = stats.norm.pdf(s, distance), stats.norm.pdf(s)
            ratio = target / other
            return target * (2 * ratio / (1 + ratio) - 1) if ratio > 1 else 0.0

        expected = integrate.quad(integrand, distance / 2, distance + 9)[0]
        found = ScoredTrials(scores, is_target).linkability()
        assert found == pytest.approx(expected, abs=0.01), distance


def test_linkability_by_hand():
    """Five bins from 0 to 5; shares of targets 1/5, 0, 0, 2/5, 2/5 and of others 1/2, 0, 0, 1/2."""
    targets = np.repeat([0.5, 3.5, 4.5, 5.0], [10, 20, 10, 10])
    others = np.repeat([0.0, 0.5, 3.5], [1, 1, 2])
    scores = np.concatenate([targets, others])
    is_target = np.arange(len(scores)) < len(targets)
    # D is 0 in the first bin and where the others are the more, 1 where there are targets alone
    assert ScoredTrials(scores, is_target).linkability() == pytest.approx(0.4)
    weights = np.where(scores == 3.5, np.where(is_target, 1, 0), 1)
    # without the others there, D is 1 in the fourth bin as well
    assert ScoredTrials(scores, is_target).linkability(weights) == pytest.approx(0.8)


def test_what_says_nothing():
    scores, is_target = np.arange(60.0), np.arange(60) < 49
    assert math.isnan(ScoredTrials(scores, is_target).linkability())
    assert not math.isnan(ScoredTrials(scores, np.arange(60) < 50).linkability())
    assert math.isnan(ScoredTrials(np.ones(60), np.arange(60) < 50).linkability())
    trials = ScoredTrials(scores, np.arange(60) < 50)
    for weights in (np.zeros(60), np.arange(60) < 50, np.arange(60) >= 50):
        assert math.isnan(trials.equal_error_rate(weights.astype(float)))
        assert math.isnan(trials.linkability(weights.astype(float)))


@pytest.mark.parametrize(
    ("scores", "is_target", "message"),
    [
        ([0.1, np.nan], [True, False], "all scores finite"),
        ([0.1, 0.2], [True], r"scores \(2,\) and is_target \(1,\)"),
        ([0.1, 0.2], [True, True], "one kind alone"),
        ([], [], "one kind alone"),
    ],
)
def test_what_are_no_trials(scores, is_target, message):
    with pytest.raises(ValueError, match=message):
        ScoredTrials(np.array(scores), np.array(is_target))
