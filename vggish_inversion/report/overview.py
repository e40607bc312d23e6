"""The upper part of the page: the finding in words, the summary table and the curves over depth."""

from collections.abc import Sequence

from vggish_inversion.report.figures import Axis, Curve, Point, curves_svg, legend_marker
from vggish_inversion.report.markup import Html, join, tag
from vggish_inversion.report.results import NATURAL, TRUE_LOG_MEL, Results, Summary, Variant

_KEYS = ("target", "preset", "loss", "vocoder", "asr")
_NAMES = {NATURAL: "natural", TRUE_LOG_MEL: "true log-mel"}
_NOTES = {
    NATURAL: "reference: the recording",
    TRUE_LOG_MEL: "reference: its log-mel, vocoded",
}
# Heading, what it is, and the field with its factor and decimals.
_COLUMNS = (
    ("CER %", "character error rate", "cer", 100, 1),
    ("STOI", "short-time objective intelligibility, at most 1", "stoi", 1, 3),
    ("ESTOI", "extended STOI, at most 1", "estoi", 1, 3),
    ("log-mel L1", "mean absolute error of the log-mel, in nats", "log_mel_l1", 1, 3),
)
_CHARTS = (
    (
        "wer",
        "Word error rate, %, with its 95 % interval",
        Axis("Word error rate in %", 100, 1, 25, 100),
    ),
    ("stoi", "Intelligibility, STOI", Axis("STOI", 1, 2, 0.25, 1)),
)
_MISSING = "–"


def label_variants(variants: Sequence[Variant]) -> dict[Variant, str]:
    """Short names: the layer, and whatever else differs between the inverters compared."""
    inverted = [variant for variant in variants if not variant.is_reference] or variants
    telling = [key for key in _KEYS if len({getattr(variant, key) for variant in inverted}) > 1]
    return {
        variant: " · ".join(
            [_NAMES.get(variant.layer, variant.layer)]
            + [value for key in telling if (value := getattr(variant, key))]
        )
        for variant in variants
    }


def score_html(value: float | None, factor: int, decimals: int) -> Html:
    """A number as it is read, which carries the exact one for programs."""
    if value is None:
        return tag("span", _MISSING, aria_label="not measured")
    return tag("data", f"{value * factor:.{decimals}f}", value=repr(value))


def finding(results: Results) -> str:
    """What the run found, in one or two sentences of numbers."""
    inverted = [row for row in results.summaries if not row.variant.is_reference]
    known = [row for row in inverted if row.scores.wer is not None]
    sentences = []
    if len(known) == len(inverted) > 0:
        first, last = known[0], known[-1]
        if len({row.variant.layer for row in known}) == len(known) > 1:
            sentences.append(
                f"From {first.variant.layer} to {last.variant.layer}, the recogniser’s word error "
                f"rate goes from {_percent(first)} to {_percent(last)}."
            )
        elif len(known) == 1:
            sentences.append(f"At {first.variant.layer}, the word error rate is {_percent(first)}.")
    floors = {row.variant.layer: row for row in results.summaries if row.scores.wer is not None}
    if TRUE_LOG_MEL in floors and NATURAL in floors:
        sentences.append(
            "Speech made from the true log-mel, with no network in between, scores "
            f"{_percent(floors[TRUE_LOG_MEL])}; the recordings themselves score "
            f"{_percent(floors[NATURAL])}."
        )
    return " ".join(sentences)


def summary_table(results: Results) -> Html:
    """A row per layer, the references first, with its pooled scores."""
    labels = label_variants([row.variant for row in results.summaries])
    header = tag(
        "tr",
        tag("th", "Layer", scope="col"),
        _heading("WER %", "word error rate, pooled over the utterances", class_="key"),
        _heading("95 % interval", "of the word error rate, by a bootstrap over the utterances"),
        *(_heading(name, meaning) for name, meaning, *_ in _COLUMNS),
        _heading("n", "number of utterances"),
    )
    rows = [_summary_row(row, labels[row.variant]) for row in results.summaries]
    table = tag("table", tag("thead", header), tag("tbody", *rows), id="summary-table")
    return tag(
        "div", table, class_="scroll", role="region", tabindex=0, aria_label="Scores by layer"
    )


def depth_curves(results: Results) -> Html:
    """Word error rate and STOI over depth, with the references as lines."""
    inverted = [row for row in results.summaries if not row.variant.is_reference]
    references = [row for row in results.summaries if row.variant.is_reference]
    layers = list(dict.fromkeys(row.variant.layer for row in inverted))
    if not layers:
        return tag("p", "No layer was inverted: there is no curve to draw.", class_="note")
    labels = label_variants([row.variant for row in results.summaries])
    figures = []
    for field, caption, axis in _CHARTS:
        curves = _curves(inverted, field)
        floors = [
            (labels[row.variant], value)
            for row in references
            if (value := getattr(row.scores, field)) is not None
        ]
        items = [
            tag("li", legend_marker(index), tag("span", curve.label))
            for index, curve in enumerate(curves)
        ]
        items += [
            tag(
                "li",
                legend_marker(floor=index),
                tag("span", f"{label} {value * axis.scale:.{axis.decimals}f}"),
            )
            for index, (label, value) in enumerate(floors)
        ]
        figures.append(
            tag(
                "figure",
                tag("figcaption", caption),
                curves_svg(layers, curves, floors, axis),
                tag("ul", *items, class_="legend"),
            )
        )
    return tag("div", *figures, class_="figures")


def _percent(row: Summary) -> str:
    return f"{100 * (row.scores.wer or 0.0):.1f} %"


def _heading(name: str, meaning: str, **attributes: str) -> Html:
    return tag("th", tag("abbr", name, title=meaning), scope="col", **attributes)


def _summary_row(row: Summary, label: str) -> Html:
    scores, layer = row.scores, row.variant.layer
    interval = _MISSING
    if scores.wer_low is not None and scores.wer_high is not None:
        low, high = score_html(scores.wer_low, 100, 1), score_html(scores.wer_high, 100, 1)
        interval = join(low, " to ", high)
    note = tag("small", _NOTES[layer]) if layer in _NOTES else None
    return tag(
        "tr",
        tag("th", label, note, scope="row"),
        tag("td", score_html(scores.wer, 100, 1), class_="key"),
        tag("td", interval, class_="interval"),
        *(
            tag("td", score_html(getattr(scores, field), factor, decimals))
            for _, _, field, factor, decimals in _COLUMNS
        ),
        tag("td", row.num_utterances),
        data_layer=layer,
        class_="reference" if row.variant.is_reference else None,
    )


def _curves(inverted: Sequence[Summary], field: str) -> list[Curve]:
    """One curve per inverter: rows that differ in nothing but the layer."""
    families: dict[tuple[str, ...], list[Summary]] = {}
    for row in inverted:
        key = tuple(getattr(row.variant, name) for name in _KEYS)
        families.setdefault(key, []).append(row)
    telling = [index for index in range(len(_KEYS)) if len({key[index] for key in families}) > 1]
    curves = []
    for key, rows in families.items():
        points = []
        for row in rows:
            value = getattr(row.scores, field)
            has_interval = field == "wer"
            if value is not None:
                points.append(
                    Point(
                        row.variant.layer,
                        value,
                        row.scores.wer_low if has_interval else None,
                        row.scores.wer_high if has_interval else None,
                    )
                )
        label = " · ".join(key[index] or _MISSING for index in telling) or "reconstructed"
        curves.append(Curve(label, tuple(points)))
    return curves
