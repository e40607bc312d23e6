"""Deletes the results of an evaluation, and nothing that others put beside them."""

import contextlib
import csv
import io
import pathlib

from vggish_inversion.files import documents, folders
from vggish_inversion.results.conditions import KEYS, SUFFIXES, Condition
from vggish_inversion.results.writing import PARTS

_PAGE = ("index.html", "index.json")


def delete_clips(folder: pathlib.Path, condition: Condition, utterance: str) -> None:
    """Deletes the files of one row, where they lie and where they lay once."""
    for kind in SUFFIXES:
        for place in (condition.clip, condition.former_clip):
            # A damaged row's names may be those of no file; what is there is then replaced.
            with contextlib.suppress(ValueError, OSError):
                folders.inside(folder, place(kind, utterance)).unlink(missing_ok=True)


def delete_results(folder: pathlib.Path) -> None:
    """Deletes the tables, the page, and the clips that results.csv names.

    A folder goes with its last file. Whatever else lies there, notes for example, stays.

    Raises:
        ValueError: if results.csv cannot be read.
    """
    table = folder / "results.csv"
    text = documents.read_text(table) if table.is_file() else ""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if all(row.get(name) is not None for name in (*KEYS, "utterance")):  # it was not cut short
            delete_clips(folder, Condition(*(row[name] for name in KEYS)), row["utterance"])
    for kind in SUFFIXES:
        below = [path for path in (folder / kind).rglob("*") if path.is_dir()]
        for path in (*sorted(below, reverse=True), folder / kind):
            with contextlib.suppress(OSError):  # not empty, or not there
                path.rmdir()
    for name in (*_PAGE, *PARTS):
        if (folder / name).is_file():
            (folder / name).unlink()
