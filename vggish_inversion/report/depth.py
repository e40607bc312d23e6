"""Curves over depth: a figure per measure, with a series per loss, vocoder and recogniser."""

from collections.abc import Mapping, Sequence

from vggish_inversion.report.figures import Curve, Floor, Point, curves_svg, legend_marker
from vggish_inversion.report.labels import (
    FAMILY_KEYS,
    MISSING,
    Measure,
    count_text,
    label_conditions,
    measured,
    telling_keys,
)
from vggish_inversion.report.markup import Html, join, tag
from vggish_inversion.results import NATURAL, Results, Score, Summary

_FIRST = ("wer", "stoi")  # the others are smaller, below
_SPEAKER_REFERENCES = {"same_speaker": "same speaker", "other_speaker": "other speaker"}


def depth_curves(results: Results) -> Html:
    """Every measure over depth, with the references as lines."""
    inverted = [row for row in results.summaries if not row.condition.is_reference]
    layers = list(dict.fromkeys(row.condition.layer for row in inverted))
    if not layers:
        return tag("p", "No layer was inverted: there is no curve to draw.", class_="note")
    figures = {
        measure.field: _figure(results, inverted, layers, measure)
        for measure in measured(results.summaries)
    }
    first = [figures.pop(name) for name in _FIRST if name in figures]
    return join(
        tag("div", *first, class_="figures"),
        tag("div", *figures.values(), class_="figures small") if figures else None,
    )


def _figure(
    results: Results, inverted: Sequence[Summary], layers: Sequence[str], measure: Measure
) -> Html:
    curves = _curves(inverted, measure.field)
    floors = _floors(results, measure.field)
    items = [
        tag("li", legend_marker(index), tag("span", curve.label))
        for index, curve in enumerate(curves)
    ]
    items += [
        tag(
            "li",
            legend_marker(floor=index),
            tag("span", f"{floor.label} {measure.write_score(floor.score)}"),
        )
        for index, floor in enumerate(floors)
    ]
    shown = [row for row in results.summaries if measure.field in row.scores]
    with_interval = any(row.scores[measure.field].low is not None for row in shown)
    note = f"{count_text(shown)}; " + (
        "bars and brackets: 95 % intervals" if with_interval else "summary.csv has no intervals"
    )
    return tag(
        "figure",
        tag("figcaption", f"{measure.meaning[0].upper()}{measure.meaning[1:]}", tag("small", note)),
        curves_svg(layers, curves, floors, measure),
        tag("ul", *items, class_="legend"),
        data_measure=measure.field,
    )


def _floors(results: Results, field: str) -> list[Floor]:
    """A line per reference row, and what natural recordings of a speaker have in common."""
    references = [row for row in results.summaries if row.condition.is_reference]
    labels = label_conditions([row.condition for row in results.summaries])
    floors = [
        Floor(labels[row.condition], row.scores[field]) for row in references if field in row.scores
    ]
    similarity = (results.run or {}).get("speaker_similarity")
    if field == "speaker_similarity" and isinstance(similarity, Mapping):
        # A recording is as much like itself as can be: what others are like says more.
        natural = {labels[row.condition] for row in references if row.condition.layer == NATURAL}
        floors = [floor for floor in floors if floor.label not in natural]
        for key, label in _SPEAKER_REFERENCES.items():
            score = _number(similarity, key)
            if score is not None:
                low, high = _number(similarity, f"{key}_low"), _number(similarity, f"{key}_high")
                num_pairs = similarity.get(f"num_{key.partition('_')[0]}_pairs", MISSING)
                text = f"{label}, n = {num_pairs} pairs of recordings:"
                floors.append(Floor(text, Score(score, low, high)))
    return floors


def _number(table: Mapping, key: str) -> float | None:
    value = table.get(key)
    return float(value) if isinstance(value, int | float) else None


def _curves(inverted: Sequence[Summary], field: str) -> list[Curve]:
    """One curve per inverter: rows that differ in nothing but the layer."""
    families: dict[tuple[str, ...], list[Summary]] = {}
    for row in inverted:
        key = tuple(getattr(row.condition, name) for name in FAMILY_KEYS)
        families.setdefault(key, []).append(row)
    telling = [
        FAMILY_KEYS.index(name) for name in telling_keys([row.condition for row in inverted])
    ]
    return [
        Curve(
            " · ".join(key[index] or MISSING for index in telling) or "reconstructed",
            tuple(
                Point(row.condition.layer, row.scores[field], row.num_utterances)
                for row in rows
                if field in row.scores
            ),
        )
        for key, rows in families.items()
    ]
