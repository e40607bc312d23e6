"""Measures how well scores tell target trials from others: equal error rate and linkability."""

import numpy as np

# As the VoicePrivacy Challenge counts its bins: one for ten target trials, at most 100.
_TRIALS_PER_BIN, _MAX_BINS = 10, 100
_MIN_BINS = 5


class ScoredTrials:
    """Trials in the order of their scores; weights, of a bootstrap for example, come later.

    Target trials are those that a perfect detector accepts: the higher a score, the rather it is
    taken for one.
    """

    def __init__(self, scores: np.ndarray, is_target: np.ndarray):
        """Sorts the trials.

        Args:
            scores: `[trials]` float, finite.
            is_target: `[trials]` bool.

        Raises:
            ValueError: if a score is not finite, the shapes differ, or a kind of trial is missing.
        """
        scores, is_target = np.asarray(scores, np.float64), np.asarray(is_target, bool)
        if scores.ndim != 1 or scores.shape != is_target.shape or not np.isfinite(scores).all():
            raise ValueError(
                f"scores {scores.shape} and is_target {is_target.shape}: expected two [trials], "
                "all scores finite"
            )
        if is_target.all() or not is_target.any():
            raise ValueError("expected target trials and others, found one kind alone")
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        # A threshold accepts all trials of one score, or none.
        self._last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self._is_target = is_target
        num_bins = min(int(is_target.sum()) // _TRIALS_PER_BIN, _MAX_BINS)
        low, high = ordered[-1], ordered[0]
        self._bins = None
        if num_bins >= _MIN_BINS and low < high:
            places = ((scores - low) / (high - low) * num_bins).astype(int)
            self._bins = np.minimum(places, num_bins - 1)

    def __repr__(self) -> str:
        """What it is."""
        num_targets = int(self._is_target.sum())
        return f"<ScoredTrials: {num_targets} of targets, {len(self._is_target) - num_targets} not>"

    def equal_error_rate(self, weights: np.ndarray | None = None) -> float:
        """The rate at which as many target trials are rejected as others are accepted.

        Between the two neighbouring points of the ROC where the sign of the difference changes,
        both rates are taken to be linear.

        >>> ScoredTrials(np.array([0.9, 0.4, 0.6, 0.1]), np.array([1, 1, 0, 0])).equal_error_rate()
        0.5

        Args:
            weights: `[trials]`, at least 0; each trial counts once if None.

        Returns:
            A fraction: 0 if the scores part the kinds, 0.5 at chance, 1 if they are the wrong way
            round; nan if all trials of a kind weigh nothing.
        """
        accepted, rejected = self._error_rates(weights)
        difference = accepted - rejected
        if not np.isfinite(difference[-1]):
            return float("nan")
        after = int(np.argmax(difference >= 0))
        if difference[after] == 0:
            # A flat stretch of zeros is one crossing: both rates are equal, and stay so.
            return float(accepted[after])
        before = after - 1
        share = difference[before] / (difference[before] - difference[after])
        return float(accepted[before] + share * (accepted[after] - accepted[before]))

    def linkability(self, weights: np.ndarray | None = None) -> float:
        """Global linkability D_sys of two score distributions, at equal priors.

        With p and q the densities of target and other scores, estimated by histograms over a
        common range (a bin for ten target trials, at most 100), D(s) is `2 LR / (1 + LR) - 1` for
        `LR = p(s) / q(s) > 1` and else 0, and D_sys its mean over target trials (Gomez-Barrero et
        al., IEEE TIFS 13(6), 2018; Maouche et al., Interspeech 2020).

        Args:
            weights: `[trials]`, at least 0; each trial counts once if None.

        Returns:
            0 (the distributions are alike) to 1 (they do not overlap); nan for fewer than 50 target
            trials, of which a histogram says nothing, or if all trials of a kind weigh nothing.
        """
        if self._bins is None:
            return float("nan")
        weights = np.ones(len(self._bins)) if weights is None else np.asarray(weights, np.float64)
        sums = np.bincount(
            2 * self._bins + self._is_target, weights, minlength=2 * int(self._bins.max()) + 2
        )
        totals = sums[1::2].sum(), sums[::2].sum()
        if not all(totals):
            return float("nan")
        target, other = sums[1::2] / totals[0], sums[::2] / totals[1]
        # 2 LR / (1 + LR) - 1 = (p - q) / (p + q), which needs no care where q is 0.
        local = np.maximum(target - other, 0) / np.maximum(target + other, np.finfo(float).tiny)
        return float(np.sum(target * local))

    def _error_rates(self, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """False acceptances and false rejections at every threshold, strict to lenient."""
        weights = np.ones(len(self._order)) if weights is None else np.asarray(weights, np.float64)
        ordered, is_target = weights[self._order], self._is_target[self._order]
        rates = []
        for kind in (~is_target, is_target):
            accepted = np.append(0.0, np.cumsum(np.where(kind, ordered, 0.0))[self._last])
            with np.errstate(invalid="ignore"):
                rates.append(accepted / accepted[-1])
        return rates[0], 1 - rates[1]
