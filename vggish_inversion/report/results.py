"""Reads a results folder: the two tables, the run's settings, and where each clip lies."""

import contextlib
import dataclasses
import math
import pathlib
from collections.abc import Mapping

from vggish_inversion import documents

NATURAL = "natural"
TRUE_LOG_MEL = "true_log_mel"

_KEYS = ("target", "layer", "preset", "loss", "vocoder", "asr")
_SCORES = ("wer", "wer_low", "wer_high", "cer", "stoi", "estoi", "log_mel_l1")
_COUNTS = ("num_words", "substitutions", "deletions", "insertions")
_SUMMARY_COLUMNS = (*_KEYS, "num_utterances", *_SCORES)
_RESULTS_COLUMNS = (
    *_SUMMARY_COLUMNS,
    *("utterance", "reference", "transcript"),
    *_COUNTS,
    "status",
)


class ReportError(ValueError):
    """A results folder that no page can be made of; one line that says what to do."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """What was compared: one way from the recording to a transcript. Empty where it has none."""

    target: str
    layer: str
    preset: str
    loss: str
    vocoder: str
    asr: str

    @property
    def is_reference(self) -> bool:
        """True for the two rows that no inverter took part in."""
        return self.layer in (NATURAL, TRUE_LOG_MEL)


@dataclasses.dataclass(frozen=True)
class Scores:
    """Rates are fractions, STOI and ESTOI at most 1, log-mel L1 in nats; None where not known."""

    wer: float | None
    wer_low: float | None
    wer_high: float | None
    cer: float | None
    stoi: float | None
    estoi: float | None
    log_mel_l1: float | None


@dataclasses.dataclass(frozen=True)
class Summary:
    """A row of summary.csv."""

    variant: Variant
    num_utterances: int
    scores: Scores


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """A row of results.csv: one utterance heard through one variant. Counts None if it failed."""

    variant: Variant
    utterance: str
    reference: str
    transcript: str
    scores: Scores
    num_words: int | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None
    status: str

    @property
    def is_ok(self) -> bool:
        """False if the row stands for a failure, whose reason is then the status."""
        return self.status == "ok"


@dataclasses.dataclass(frozen=True)
class Results:
    """A results folder.

    Attributes:
        folder: where it lies.
        summaries: in the order of summary.csv, which is references first and then depth.
        reconstructions: by utterance, in the order of results.csv, then by variant.
        run: what run.json holds; None if there is none to read.
    """

    folder: pathlib.Path
    summaries: tuple[Summary, ...]
    reconstructions: Mapping[str, Mapping[Variant, Reconstruction]]
    run: dict | None

    def find_clip(self, kind: str, reconstruction: Reconstruction) -> pathlib.Path | None:
        """The file of one reconstruction, or None if the folder has none.

        Args:
            kind: "audio" or "log_mel".
            reconstruction: a row; one with several presets or losses lies one folder deeper.
        """
        suffix = {"audio": ".wav", "log_mel": ".npy"}[kind]
        variant, root = reconstruction.variant, self.folder / kind
        inverter = f"{variant.preset}-{variant.loss}"
        # What another vocoder than Griffin-Lim made has its name.
        for layer_folder in (
            root / variant.layer / f"{inverter}-{variant.vocoder}",
            root / variant.layer / inverter,
            root / f"{variant.layer}-{variant.vocoder}",
            root / variant.layer,
        ):
            path = layer_folder / f"{reconstruction.utterance}{suffix}"
            # An utterance's id is not ours: it must not name a file outside of the folder.
            with contextlib.suppress(OSError, ValueError):  # too long for a path, or holds NUL
                if path.resolve().is_relative_to(root.resolve()) and path.is_file():
                    return path
        return None


def read_results(folder: str | pathlib.Path) -> Results:
    """Reads what evaluation wrote.

    Args:
        folder: holds summary.csv and results.csv; run.json, audio/ and log_mel/ may be missing.

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
            scores=_scores(row),
            **{name: row.integer(name) for name in _COUNTS},
            status=row["status"].strip() or "no status was written",
        )
        variants = reconstructions.setdefault(reconstruction.utterance, {})
        variants[reconstruction.variant] = reconstruction
    return Results(folder, tuple(summaries), reconstructions, _read_run(folder / "run.json"))


class _Row(dict[str, str]):
    """A table's row that knows where it stands, for error messages."""

    def __init__(self, cells: Mapping[str, str], place: str):
        super().__init__(cells)
        self._place = place

    def number(self, column: str) -> float | None:
        text = self[column].strip()
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
    return Variant(**{name: row[name].strip() for name in _KEYS})


def _scores(row: _Row) -> Scores:
    return Scores(**{name: row.number(name) for name in _SCORES})


def _read_table(path: pathlib.Path, columns: tuple[str, ...]) -> list[_Row]:
    if not path.is_file():
        raise ReportError(f"{path}: expected a table, found none; run the evaluation.")
    rows = documents.read_table(path, columns, error=ReportError)
    if not rows:
        raise ReportError(f"{path}: expected at least one row, found none; run the evaluation.")
    return [_Row(row, f"{path}, row {number}") for number, row in enumerate(rows, 1)]


def _read_run(path: pathlib.Path) -> dict | None:
    try:
        return documents.read_json(path)
    except documents.DocumentError:
        return None  # the page says that the settings are not known; the results still stand
