"""The lower part of the page: each utterance through every layer, to hear and to see."""

from collections.abc import Mapping, Sequence

import numpy as np

from vggish_inversion.report.clips import Clip
from vggish_inversion.report.labels import MISSING, WER, label_conditions
from vggish_inversion.report.markup import Html, join, tag
from vggish_inversion.report.takes import take
from vggish_inversion.results import Condition, Results, Summary


def layer_strip(results: Results) -> Html:
    """The bar that stays in view: every layer with its word error rate, as a switch."""
    labels = label_conditions([row.condition for row in results.summaries])
    return join(*(_strip_button(index, row, labels) for index, row in enumerate(results.summaries)))


def utterance_section(
    results: Results,
    utterance: str,
    clips: Mapping[Condition, Clip] | None,
    *,
    index: int,
    low: float,
    high: float,
) -> Html:
    """One utterance: what was said, then a row per condition.

    Args:
        results: the folder.
        utterance: its id.
        clips: by condition; None if the page has no room for this utterance's sounds.
        index: its place on the page, for links.
        low: the log-mel value of the darkest colour.
        high: the value of the brightest.

    Returns:
        A `section` element.
    """
    conditions = [row.condition for row in results.summaries]
    reconstructions = results.reconstructions[utterance]
    # A row whose key is not in the summary is still a result, and must not go missing.
    conditions += [condition for condition in reconstructions if condition not in conditions]
    labels = label_conditions(conditions)
    longest = max((clip.seconds for clip in (clips or {}).values()), default=0.0)
    reference = next((row.reference for row in reconstructions.values() if row.reference), "")
    heading = f"utterance-{index}"
    rows = [
        take(
            reconstructions.get(condition),
            condition.layer,
            labels[condition],
            clips.get(condition) if clips else None,
            position=position,
            longest=longest,
            span=(low, high),
        )
        for position, condition in enumerate(conditions)
    ]
    return tag(
        "section",
        tag("h3", utterance, id=heading),
        tag("p", reference or "(no reference text)", class_="said-text"),
        _time_axis(longest) if clips else None,
        tag("ol", *rows, class_="takes"),
        class_="utterance" if clips is not None else "utterance text-only",
        aria_labelledby=heading,
    )


def failures(results: Results) -> Html | None:
    """The rows without a result, with their reasons; None if there are none."""
    conditions = [row.condition for row in results.summaries]
    failed = [
        row for rows in results.reconstructions.values() for row in rows.values() if not row.is_ok
    ]
    if not failed:
        return None
    labels = label_conditions([*conditions, *(row.condition for row in failed)])
    items = [
        tag("li", tag("b", row.utterance), f", {labels[row.condition]}: {row.status}")
        for row in failed
    ]
    num_rows = sum(len(rows) for rows in results.reconstructions.values())
    return tag(
        "details",
        tag("summary", f"{len(failed)} of {num_rows} reconstructions failed"),
        tag("ul", *items),
        class_="failures",
        open=len(failed) <= 10,
    )


def _strip_button(position: int, row: Summary, labels: Mapping[Condition, str]) -> Html:
    wer = row.scores.get(WER.field)
    return tag(
        "button",
        tag("span", labels[row.condition], class_="name"),
        tag("span", f"{round(100 * wer.value)} %" if wer else MISSING, class_="rate"),
        type="button",
        data_switch=position,
        aria_pressed="false",
        class_="reference" if row.condition.is_reference else None,
    )


def _time_axis(longest: float) -> Html | None:
    if not longest:
        return None
    step = next((step for step in (0.5, 1, 2, 5, 10, 20) if longest / step <= 8), 60)
    ticks: Sequence[float] = np.arange(0, longest, step).tolist()
    # The last label would stand over the end of the axis.
    marks = [
        tag("span", f"{tick:g} s", style=f"left:{100 * tick / longest:.2f}%")
        for tick in ticks
        if tick / longest < 0.96
    ]
    return tag("div", *marks, class_="time-axis", aria_hidden="true")
