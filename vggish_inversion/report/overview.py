"""The upper part of the page: the finding in words, and the summary table."""

from vggish_inversion.report.labels import (
    WER,
    Measure,
    count_text,
    label_conditions,
    measured,
    number_html,
)
from vggish_inversion.report.markup import Html, tag
from vggish_inversion.results import NATURAL, TRUE_LOG_MEL, Results, Score, Summary

_NOTES = {
    NATURAL: "reference: the recording",
    TRUE_LOG_MEL: "reference: its log-mel, vocoded",
}


def finding(results: Results) -> str:
    """What the run found, in one or two sentences of numbers."""
    inverted = [row for row in results.summaries if not row.condition.is_reference]
    known = [row for row in inverted if "wer" in row.scores]
    sentences = []
    if len(known) == len(inverted) > 0:
        # Of several inverters of a layer, the one that loses least speaks for it.
        layers = dict.fromkeys(row.condition.layer for row in known)
        best = [
            min((row for row in known if row.condition.layer == layer), key=_wer)
            for layer in layers
        ]
        first, last = best[0], best[-1]
        if len(best) > 1:
            with_best = "With the best inverter of each layer, f" if len(best) < len(known) else "F"
            sentences.append(
                f"{with_best}rom {first.condition.layer} to {last.condition.layer} the "
                f"recogniser’s word error rate goes from {_percent(first)} to {_percent(last)}."
            )
        else:
            sentences.append(
                f"At {first.condition.layer}, the word error rate is {_percent(first)}."
            )
    scored = [row for row in results.summaries if "wer" in row.scores]
    floors = {row.condition.layer: row for row in sorted(scored, key=_wer, reverse=True)}
    if TRUE_LOG_MEL in floors and NATURAL in floors:
        sentences.append(
            "Speech made from the true log-mel, with no network in between, scores "
            f"{_percent(floors[TRUE_LOG_MEL])}; the recordings themselves score "
            f"{_percent(floors[NATURAL])}."
        )
    if sentences:
        told = [*known, *(floors[layer] for layer in (NATURAL, TRUE_LOG_MEL) if layer in floors)]
        sentences.append(f"In brackets: 95 % intervals; {count_text(told)}.")
    return " ".join(sentences)


def summary_table(results: Results) -> Html:
    """A row per layer, the references first, with its pooled scores and their intervals."""
    labels = label_conditions([row.condition for row in results.summaries])
    measures = measured(results.summaries)
    header = tag(
        "tr",
        tag("th", "Layer", scope="col"),
        _heading("n", "number of utterances"),
        *(
            _heading(measure.name, measure.meaning, class_="key" if measure is WER else None)
            for measure in measures
        ),
    )
    rows = [_summary_row(row, labels[row.condition], measures) for row in results.summaries]
    table = tag("table", tag("thead", header), tag("tbody", *rows), id="summary-table")
    return tag(
        "div", table, class_="scroll", role="region", tabindex=0, aria_label="Scores by layer"
    )


def _wer(row: Summary) -> float:
    return row.scores["wer"].value


def _percent(row: Summary) -> str:
    score = row.scores["wer"]
    interval = WER.write_interval(score)
    return f"{WER.write(score.value)} %" + (f" ({interval})" if interval else "")


def _heading(name: str, meaning: str, **attributes: str | None) -> Html:
    return tag("th", tag("abbr", name, title=meaning), scope="col", **attributes)


def _summary_row(row: Summary, label: str, measures: list[Measure]) -> Html:
    layer = row.condition.layer
    note = tag("small", _NOTES[layer]) if layer in _NOTES else None
    return tag(
        "tr",
        tag("th", label, note, scope="row"),
        tag("td", row.num_utterances, class_="count"),
        *(_cell(row.scores.get(measure.field), measure) for measure in measures),
        data_layer=layer,
        class_="reference" if row.condition.is_reference else None,
    )


def _cell(score: Score | None, measure: Measure) -> Html:
    interval = None
    if score is not None and score.low is not None and score.high is not None:
        low, high = number_html(score.low, measure), number_html(score.high, measure)
        interval = tag("small", low, " to ", high, class_="interval")
    return tag(
        "td",
        number_html(score.value if score else None, measure),
        interval,
        class_="key" if measure is WER else None,
    )
