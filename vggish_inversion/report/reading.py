"""Reads a results folder; what is missing or malformed is said in one line."""

import json
import math
import pathlib
from collections.abc import Mapping

from vggish_inversion.files import documents
from vggish_inversion.report.results import (
    KEYS,
    SCORES,
    Comparison,
    Reconstruction,
    ReportError,
    Results,
    Score,
    Summary,
    Variant,
)

_COUNTS = ("num_words", "substitutions", "deletions", "insertions")
# What a table must have; other scores, and intervals, are shown where they are.
_SUMMARY_COLUMNS = (*KEYS, "num_utterances", "wer", "cer", "stoi", "estoi", "log_mel_l1")
_RESULTS_COLUMNS = (*KEYS, "wer", "utterance", "reference", "transcript", *_COUNTS, "status")
_SIDE_COLUMNS = ("layer", "preset", "loss")
_COMPARISONS_COLUMNS = (
    *("comparison", "target", "vocoder", "asr", "num_utterances"),
    *(f"{name}_{side}" for side in "ab" for name in (*_SIDE_COLUMNS, "wer")),
    *("difference", "difference_low", "difference_high", "p_value", "p_adjusted"),
)


def read_results(folder: str | pathlib.Path) -> Results:
    """Reads what evaluation wrote.

    Args:
        folder: holds summary.csv and results.csv; what else evaluation writes may be missing.

    Returns:
        The folder's `Results`.

    Raises:
        ReportError: if the folder or a table is missing, empty or not in the expected form.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ReportError(f"{folder}: expected a results folder, found none; run the evaluation.")
    summaries = [
        Summary(_variant(row), row.integer("num_utterances") or 0, _scores(row))
        for row in _read_table(folder / "summary.csv", _SUMMARY_COLUMNS)
    ]
    reconstructions: dict[str, dict[Variant, Reconstruction]] = {}
    for row in _read_table(folder / "results.csv", _RESULTS_COLUMNS):
        reconstruction = Reconstruction(
            variant=_variant(row),
            utterance=row["utterance"],
            reference=row["reference"],
            transcript=row["transcript"],
            wer=row.number("wer"),
            **{name: row.integer(name) for name in _COUNTS},
            status=row["status"].strip() or "no status was written",
        )
        variants = reconstructions.setdefault(reconstruction.utterance, {})
        variants[reconstruction.variant] = reconstruction
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
            raise ReportError(
                f"{self._place}: expected a number in {column}, got {text!r}."
            ) from None
        return value if math.isfinite(value) else None

    def integer(self, column: str) -> int | None:
        value = self.number(column)
        return None if value is None else round(value)


def _variant(row: _Row) -> Variant:
    return Variant(**{name: row[name].strip() for name in KEYS})


def _score(row: _Row, name: str) -> Score | None:
    value = row.number(name)
    if value is None:
        return None
    return Score(value, row.number(f"{name}_low"), row.number(f"{name}_high"))


def _scores(row: _Row) -> dict[str, Score]:
    return {name: score for name in SCORES if (score := _score(row, name)) is not None}


def _read_comparisons(path: pathlib.Path) -> tuple[Comparison, ...]:
    if not path.is_file():
        return ()

    def side(row: _Row, label: str) -> Variant:
        own = {name: row[f"{name}_{label}"] for name in _SIDE_COLUMNS}
        return Variant(target=row["target"], vocoder=row["vocoder"], asr=row["asr"], **own)

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
        for row in _read_table(path, _COMPARISONS_COLUMNS, may_be_empty=True)
        if (difference := _score(row, "difference")) is not None
    )


def _read_table(
    path: pathlib.Path, columns: tuple[str, ...], *, may_be_empty: bool = False
) -> list[_Row]:
    if not path.is_file():
        raise ReportError(f"{path}: expected a table, found none; run the evaluation.")
    rows = documents.read_table(path, columns, error=ReportError)
    if not rows and not may_be_empty:
        raise ReportError(f"{path}: expected at least one row, found none; run the evaluation.")
    return [_Row(row, f"{path}, row {number}") for number, row in enumerate(rows, 1)]


def _read_run(path: pathlib.Path) -> dict | None:
    try:
        run = documents.read_json(path)
        json.dumps(run, allow_nan=False)  # a number that JSON has not could not be passed on
    except ValueError:
        return None  # the page says that the settings are not known; the results still stand
    return run
