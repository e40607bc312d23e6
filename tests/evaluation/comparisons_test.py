"""Which differences are clear: the correction for many tests, by hand and in the file."""

import csv
import itertools

import numpy as np
import pytest
from scipy import stats

from vggish_inversion import metrics, results
from vggish_inversion.evaluation import comparisons, tables

_TAPS = [f"tap_{number}" for number in range(8)]
_LAYERS = ["natural", "true_log_mel", *_TAPS]
# Benjamini and Hochberg 1995, section 3.2: fifteen p-values, of which they reject the first four at
# a rate of 0.05. The adjusted ones were worked out by hand: p * 15 / rank, from the last to the
# first, none greater than the one after it.
_PUBLISHED = {
    **{0.0001: 0.0015, 0.0004: 0.003, 0.0019: 0.0095, 0.0095: 0.0356, 0.0201: 0.0603},
    **{0.0278: 0.0639, 0.0298: 0.0639, 0.0344: 0.0645, 0.0459: 0.0765, 0.3240: 0.486},
    **{0.4262: 0.5812, 0.5719: 0.7149, 0.6528: 0.7532, 0.7590: 0.8132, 1.0: 1.0},
}


def _rows(errors_of) -> list[dict[str, str]]:
    """Rows of results.csv: eight taps and the vocoder's own row, twelve utterances of ten words."""
    rows = []
    for utterance, layer in itertools.product(range(12), _LAYERS[1:]):
        row = dict.fromkeys(results.RESULT_COLUMNS, "")
        row |= {"target": "vggish", "layer": layer, "vocoder": "griffin_lim", "asr": "parrot"}
        row |= {"preset": "paper", "loss": "l1"} if layer in _TAPS else {}
        row |= {"utterance": str(utterance), "status": "ok", "reference": "a b c d e f g h i j"}
        row |= {"num_words": "10", "substitutions": str(errors_of(utterance, layer))}
        row |= {"deletions": "0", "insertions": "0"}
        rows.append(row)
    return rows


def _adjusted(p_values) -> list[float]:
    """Benjamini and Hochberg's, by their definition: the least rate at which each is rejected."""
    ordered = sorted(p_values)
    return [
        min(1.0, *(len(ordered) * q / (rank + 1) for rank, q in enumerate(ordered) if q >= p))
        for p in p_values
    ]


def test_the_published_example(monkeypatch):
    given = list(_PUBLISHED)
    np.random.default_rng(0).shuffle(given)
    waiting = iter(given)
    monkeypatch.setattr(
        metrics,
        "compare_paired",
        lambda a, b: metrics.PairedComparison(0.1, 0.0, 0.2, next(waiting)),
    )
    compared = comparisons.compare(_rows(lambda *_: 1), layers=_LAYERS)
    assert [row["p_value"] for row in compared] == given  # seven neighbours, and eight references
    assert {row["p_value"]: row["p_adjusted"] for row in compared} == _PUBLISHED
    assert sum(row["p_adjusted"] < 0.05 for row in compared) == 4
    assert sum(row["p_value"] < 0.05 for row in compared) == 9


@pytest.mark.parametrize("seed", range(3))
def test_in_the_file_all_rows_are_corrected_together(seed, tmp_path):
    rng = np.random.default_rng(seed)
    drawn = {
        (utterance, layer): int(rng.binomial(10, min(0.9, 0.2 + 0.04 * _LAYERS.index(layer))))
        for utterance, layer in itertools.product(range(12), _LAYERS)
    }
    rows = _rows(lambda utterance, layer: drawn[utterance, layer])
    tables.write_derived(rows, tmp_path, layers=_LAYERS)
    with open(tmp_path / "comparisons.csv", encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    pairs = [*itertools.pairwise(_TAPS), *((tap, "true_log_mel") for tap in _TAPS)]
    assert [(row["layer_a"], row["layer_b"]) for row in written] == pairs
    p_values = []
    for a, b in pairs:
        sides = [
            [metrics.WordErrors(10, drawn[utterance, layer], 0, 0) for utterance in range(12)]
            for layer in (a, b)
        ]
        p_values.append(metrics.compare_paired(*sides).p_value)
    expected = _adjusted(p_values)
    np.testing.assert_allclose(expected, stats.false_discovery_control(p_values), rtol=1e-12)
    for row, p_value, adjusted in zip(written, p_values, expected, strict=True):
        assert float(row["p_value"]) == pytest.approx(p_value, abs=6e-5)
        assert float(row["p_adjusted"]) == pytest.approx(adjusted, abs=6e-5)
    assert sum(float(row["p_adjusted"]) > float(row["p_value"]) for row in written) > 5


def test_nothing_to_compare():
    assert comparisons.compare([], layers=_LAYERS) == []
    alone = [row for row in _rows(lambda *_: 1) if row["layer"] == "true_log_mel"]
    assert comparisons.compare(alone, layers=_LAYERS) == []
