"""Reads a results folder; says in one line what is missing or malformed."""

import json
import math
import pathlib
from collections.abc import Mapping

from vggish_inversion.files import documents
from vggish_inversion.results.columns import (
    COMPARISON_COLUMNS,
    COUNTS,
    SCORED,
    SIDE_COLUMNS,
    rules_of,
)
from vggish_inversion.results.conditions import KEYS, Condition
from vggish_inversion.results.folder import (
    Comparison,
    Reconstruction,
    Results,
    ResultsError,
    Score,
    Summary,
)

# What a table must have; other scores, and intervals, are shown where they are.
_SUMMARY_COLUMNS = (*KEYS, "num_utterances", "wer", "cer", "stoi", "estoi", "log_mel_l1")
_RESULTS_COLUMNS = (*KEYS, "wer", "utterance", "reference", "transcript", *COUNTS, "status")


def read_results(folder: str | pathlib.Path) -> Results:
    """Reads what evaluation wrote.

    Args:
        folder: holds summary.csv and results.csv; what else evaluation writes may be missing.

    Returns:
        The folder's `Results`.

    Raises:
        ResultsError: if the folder or a table is missing, empty or not in the expected form.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder}: expected a results folder, found none; run the evaluation.")
    summaries = [
        Summary(_condition(row), row.integer("num_utterances") or 0, _scores(row))
        for row in _read_table(folder / "summary.csv", _SUMMARY_COLUMNS)
    ]
    reconstructions: dict[str, dict[Condition, Reconstruction]] = {}
    for row in _read_table(folder / "results.csv", _RESULTS_COLUMNS):
        reconstruction = Reconstruction(
            condition=_condition(row),
            utterance=row["utterance"],
            reference=row["reference"],
            transcript=row["transcript"],
            wer=row.number("wer"),
            **{name: row.integer(name) for name in COUNTS},
            status=row["status"].strip() or "no status was written",
            rules=rules_of(row),
        )
        conditions = reconstructions.setdefault(reconstruction.utterance, {})
        conditions[reconstruction.condition] = reconstruction
    return Results(
        folder,
        tuple(summaries),
        reconstructions,
        _read_comparisons(folder / "comparisons.csv"),
        _read_run(folder / "run.json"),
    )


class _Row(dict[str, str]):
    """A table's row that knows where it stands, for error messages."""

    def __init__(self, cells: Mapping[str, str], place: str):
        super().__init__(cells)
        self._place = place

    def number(self, column: str) -> float | None:
        text = self.get(column, "").strip()
        try:
            value = float(text) if text else math.nan
        except ValueError:
            raise ResultsError(
                f"{self._place}: expected a number in {column}, got {text!r}."
            ) from None
        return value if math.isfinite(value) else None

    def integer(self, column: str) -> int | None:
        value = self.number(column)
        return None if value is None else round(value)


def _condition(row: _Row) -> Condition:
    return Condition(**{name: row[name].strip() for name in KEYS})


def _score(row: _Row, name: str) -> Score | None:
    value = row.number(name)
    if value is None:
        return None
    return Score(value, row.number(f"{name}_low"), row.number(f"{name}_high"))


def _scores(row: _Row) -> dict[str, Score]:
    return {name: score for name in SCORED if (score := _score(row, name)) is not None}


def _read_comparisons(path: pathlib.Path) -> tuple[Comparison, ...]:
    if not path.is_file():
        return ()

    def side(row: _Row, label: str) -> Condition:
        own = {name: row[f"{name}_{label}"] for name in SIDE_COLUMNS}
        return Condition(target=row["target"], vocoder=row["vocoder"], asr=row["asr"], **own)

    return tuple(
        Comparison(
            kind=row["comparison"],
            a=side(row, "a"),
            b=side(row, "b"),
            num_utterances=row.integer("num_utterances") or 0,
            difference=difference,
            p_value=row.number("p_value"),
            p_adjusted=row.number("p_adjusted"),
        )
        for row in _read_table(path, COMPARISON_COLUMNS, may_be_empty=True)
        if (difference := _score(row, "difference")) is not None
    )


def _read_table(
    path: pathlib.Path, columns: tuple[str, ...], *, may_be_empty: bool = False
) -> list[_Row]:
    if not path.is_file():
        raise ResultsError(f"{path}: expected a table, found none; run the evaluation.")
    rows = documents.read_table(path, columns, error=ResultsError)
    if not rows and not may_be_empty:
        raise ResultsError(f"{path}: expected at least one row, found none; run the evaluation.")
    return [_Row(row, f"{path}, row {number}") for number, row in enumerate(rows, 1)]


def _read_run(path: pathlib.Path) -> dict | None:
    try:
        run = documents.read_json(path)
        json.dumps(run, allow_nan=False)  # a number that JSON has not could not be passed on
    except ValueError:
        return None  # the page says that the settings are not known; the results still stand
    return run
