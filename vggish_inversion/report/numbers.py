"""Writes the page's numbers for programs: a JSON file, and the folder's tables in the page."""

import dataclasses
import json

from vggish_inversion.report.markup import Html, tag
from vggish_inversion.report.spectrogram import data_uri
from vggish_inversion.results import Results

_TABLES = {
    "summary.csv": "a row per layer",
    "results.csv": "a row per layer and utterance",
    "comparisons.csv": "paired tests",
    "run.json": "command, settings and versions",
}


def numbers_json(results: Results, title: str) -> str:
    """All that the page says in numbers and words; without sounds and pictures.

    Returns:
        One object: `title`, `run`, `summary`, `comparisons` and `utterances`, rows as objects. What
        was not measured is null, or is not there.
    """
    utterances = [
        dataclasses.asdict(row)
        for rows in results.reconstructions.values()
        for row in rows.values()
    ]
    content = {
        "title": title,
        "run": results.run,
        "summary": [dataclasses.asdict(row) for row in results.summaries],
        "comparisons": [dataclasses.asdict(row) for row in results.comparisons],
        "utterances": utterances,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def is_numbers_json(text: bytes) -> bool:
    """Whether `numbers_json` made a file, by how it begins.

    >>> is_numbers_json(b'{"name": "a package"}'), is_numbers_json(b'{ "title": "a page",')
    (False, True)
    """
    return text.split(maxsplit=2)[:2] == [b"{", b'"title":']


def downloads(results: Results) -> Html:
    """Links that save the folder's tables, which are part of the page."""
    items = []
    for name, meaning in _TABLES.items():
        path = results.folder / name
        if path.is_file():
            kind = "application/json" if path.suffix == ".json" else "text/csv"
            address = data_uri(path.read_bytes(), kind)
            items.append(tag("li", tag("a", name, href=address, download=name), f": {meaning}"))
    return tag("ul", *items, class_="downloads")
