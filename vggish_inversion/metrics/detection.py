"""Measures how well scores tell target trials from others: equal error rate and linkability."""

import numpy as np

# As the VoicePrivacy Challenge counts its bins: one for ten target trials, at most 100.
_TRIALS_PER_BIN, _MAX_BINS = 10, 100
_MIN_BINS = 5
_MAX_LEVELS = 2**14


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
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        # A threshold accepts all trials of one score, or none: levels are counted from the highest.
        levels = np.empty(len(scores), int)
        levels[order] = np.cumsum(np.append(False, ordered[1:] != ordered[:-1]))
        self._levels = self._coarse = 2 * levels + is_target
        if levels.max() >= _MAX_LEVELS:
            self._coarse = 2 * (levels * _MAX_LEVELS // (levels.max() + 1)) + is_target
        self._is_target = is_target
        num_bins = min(int(is_target.sum()) // _TRIALS_PER_BIN, _MAX_BINS)
        low, high = ordered[-1], ordered[0]
        self._bins = None
        if num_bins >= _MIN_BINS and low < high:
            places = ((scores - low) / (high - low) * num_bins).astype(int)
            self._bins = 2 * np.minimum(places, num_bins - 1) + is_target

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
            weights: `[trials]`, at least 0; each trial counts once if None. With weights, more than
                16,384 different scores are joined to as many steps, which is near enough for a
                bootstrap.

        Returns:
            A fraction: 0 if the scores part the kinds, 0.5 at chance, 1 if they are the wrong way
            round; nan if all trials of a kind weigh nothing.
        """
        sums = _sums(self._levels if weights is None else self._coarse, weights)
        totals = sums.sum(axis=0)
        if not totals.all():
            return float("nan")
        # At every threshold, strict to lenient.
        accepted, found = (np.cumsum(np.append([[0, 0]], sums, axis=0), axis=0) / totals).T
        difference = accepted - (1 - found)
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
        sums = _sums(self._bins, weights)
        totals = sums.sum(axis=0)
        if not totals.all():
            return float("nan")
        other, target = (sums / totals).T
        # 2 LR / (1 + LR) - 1 = (p - q) / (p + q), which needs no care where q is 0.
        local = np.maximum(target - other, 0) / np.maximum(target + other, np.finfo(float).tiny)
        return float(np.sum(target * local))


def _sums(places: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """`[steps, 2]` weights of other and of target trials, of places that count both in turn."""
    num_steps = int(places.max()) // 2 + 1
    return np.bincount(places, weights, minlength=2 * num_steps).reshape(num_steps, 2)
