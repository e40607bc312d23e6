"""Tests which differences of WER are more than chance: paired tests between conditions."""

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vggish_inversion import metrics
from vggish_inversion.results import KEYS, OK, SIDE_COLUMNS, TRUE_LOG_MEL, Condition, word_errors_of


def compare(rows: Iterable[Mapping[str, str]], *, layers: Sequence[str]) -> list[dict]:
    """Compares conditions that differ in one thing, on the utterances that both have.

    Neighbouring taps of one preset and loss; presets, and losses, of one tap; and each against
    true_log_mel, the vocoder's own share. See `metrics.compare_paired`.

    Args:
        rows: of results.csv.
        layers: of the target, shallow to deep, with the references first.

    Returns:
        Rows of comparisons.csv. `difference` is WER of a less WER of b; `p_adjusted` holds the rate
        of false discoveries among all rows (Benjamini and Hochberg 1995).
    """
    errors = collections.defaultdict(dict)
    for row in rows:
        if row["status"] == OK and row["num_words"]:
            condition = Condition(*(row[name] for name in KEYS))
            errors[condition][row["utterance"]] = word_errors_of(row)
    compared = []
    for kind, a, b in _pairs(list(errors), layers):
        common = [name for name in errors[a] if name in errors[b]]
        sides = [[errors[side][name] for name in common] for side in (a, b)]
        if common:
            compared.append(_row(kind, a, b, sides))
    if compared:
        from scipy import stats

        adjusted = stats.false_discovery_control([row["p_value"] for row in compared])
        for row, p_value in zip(compared, adjusted, strict=True):
            row |= {"p_value": round(row["p_value"], 4), "p_adjusted": round(float(p_value), 4)}
    return compared


def _pairs(
    conditions: Sequence[Condition], layers: Sequence[str]
) -> Iterator[tuple[str, Condition, Condition]]:
    inverted = sorted(
        (item for item in conditions if not item.is_reference),
        key=lambda item: (layers.index(item.layer), dataclasses.astuple(item)),
    )
    for varied, neighbours_only in (("layer", True), ("preset", False), ("loss", False)):
        groups = collections.defaultdict(list)
        for item in inverted:
            groups[dataclasses.replace(item, **{varied: ""})].append(item)
        for group in groups.values():
            pairs = itertools.pairwise(group)
            for a, b in pairs if neighbours_only else itertools.combinations(group, 2):
                yield varied, a, b
    for item in inverted:
        reference = dataclasses.replace(item, layer=TRUE_LOG_MEL, preset="", loss="")
        if reference in conditions:
            yield TRUE_LOG_MEL, item, reference


def _row(kind: str, a: Condition, b: Condition, sides: Sequence) -> dict:
    result = metrics.compare_paired(*sides)
    return {
        **{"comparison": kind, "target": a.target, "vocoder": a.vocoder, "asr": a.asr},
        **{f"{name}_a": getattr(a, name) for name in SIDE_COLUMNS},
        **{f"{name}_b": getattr(b, name) for name in SIDE_COLUMNS},
        "num_utterances": len(sides[0]),
        "wer_a": round(metrics.pooled_rate(sides[0]), 4),
        "wer_b": round(metrics.pooled_rate(sides[1]), 4),
        "difference": round(result.difference, 4),
        "difference_low": round(result.low, 4),
        "difference_high": round(result.high, 4),
        "p_value": result.p_value,
    }
