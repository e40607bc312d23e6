"""A table of the differences of word error rate that are more than chance."""

from vggish_inversion.report.labels import MISSING, WER, label_conditions, number_html
from vggish_inversion.report.markup import Html, join, tag
from vggish_inversion.results import Comparison, Condition, Results

_LEVEL = 0.05
_KINDS = {
    "true_log_mel": "Against the true log-mel",
    "layer": "Neighbouring layers",
    "preset": "Presets of one layer",
    "loss": "Losses of one layer",
}
_HEADINGS = (
    ("Compared", "the first less the second"),
    ("n", "number of utterances that both have"),
    ("WER points", "difference of the word error rates, in points, with its 95 % interval"),
    ("p", "of so great a difference by chance: approximate randomisation over utterances"),
    ("p adjusted", "for the false discoveries of all rows (Benjamini and Hochberg)"),
)


def differences_section(results: Results) -> Html | None:
    """The section with the paired tests; None if the folder has none."""
    if not results.comparisons:
        return None
    conditions = [condition for item in results.comparisons for condition in (item.a, item.b)]
    labels = label_conditions([row.condition for row in results.summaries] + conditions)
    groups = []
    for kind in dict.fromkeys(item.kind for item in results.comparisons):
        rows = [_row(item, labels) for item in results.comparisons if item.kind == kind]
        heading = tag("th", _KINDS.get(kind, kind), colspan=len(_HEADINGS), scope="rowgroup")
        groups.append(tag("tbody", tag("tr", heading, class_="group"), *rows))
    header = [tag("th", tag("abbr", name, title=text), scope="col") for name, text in _HEADINGS]
    table = tag("table", tag("thead", tag("tr", *header)), *groups, id="differences-table")
    num_clear = sum(_is_clear(item) for item in results.comparisons)
    return tag(
        "section",
        tag("h2", "More than chance?", id="differences-heading"),
        tag(
            "p",
            "Paired tests on the utterances that both sides have. "
            f"{num_clear} of {len(results.comparisons)} differences are clear: their adjusted p is "
            f"below {_LEVEL}. Those are bold.",
            class_="note",
        ),
        tag("div", table, class_="scroll", role="region", tabindex=0, aria_label="Paired tests"),
        id="differences",
        aria_labelledby="differences-heading",
    )


def _is_clear(item: Comparison) -> bool:
    return item.p_adjusted is not None and item.p_adjusted < _LEVEL


def _row(item: Comparison, labels: dict[Condition, str]) -> Html:
    score = item.difference
    interval = None
    if score.low is not None and score.high is not None:
        low, high = number_html(score.low, WER), number_html(score.high, WER)
        interval = tag("small", low, " to ", high, class_="interval")
    return tag(
        "tr",
        tag("th", join(labels[item.a], " vs ", labels[item.b]), scope="row"),
        tag("td", item.num_utterances, class_="count"),
        tag("td", tag("data", _signed(score.value), value=repr(score.value)), interval),
        tag("td", _probability(item.p_value)),
        tag("td", _probability(item.p_adjusted)),
        class_="clear" if _is_clear(item) else None,
    )


def _signed(rate: float) -> str:
    points = round(100 * rate, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0.0"


def _probability(value: float | None) -> str:
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
