"""Tables beside the folder's own on a page, such as figures published elsewhere."""

import dataclasses
from collections.abc import Sequence

from vggish_inversion.report.markup import Html, tag


@dataclasses.dataclass(frozen=True)
class ExtraTable:
    """One section of a page.

    Attributes:
        heading: of the section.
        note: what the figures are, and of how many utterances.
        header: of the columns.
        rows: each as long as the header.
    """

    heading: str
    note: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def extra_section(table: ExtraTable, index: int) -> Html:
    """The section of a table; `index` tells several apart."""
    name = f"extra-{index}"
    header = tag("tr", *(tag("th", text, scope="col") for text in table.header))
    rows = [
        tag("tr", tag("th", first, scope="row"), *(tag("td", cell) for cell in rest))
        for first, *rest in table.rows
    ]
    body = tag("table", tag("thead", header), tag("tbody", *rows), class_="extra")
    return tag(
        "section",
        tag("h2", table.heading, id=f"{name}-heading"),
        tag("p", table.note, class_="note"),
        tag("div", body, class_="scroll", role="region", tabindex=0, aria_label=table.heading),
        id=name,
        aria_labelledby=f"{name}-heading",
    )
