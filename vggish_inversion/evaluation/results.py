"""The results folder: its columns, a table that survives a kill, and whose results they are."""

import csv
import dataclasses
import io
import json
import os
import pathlib
from collections.abc import Mapping

from vggish_inversion import corpora
from vggish_inversion.reconstruction import OK, TRUE_LOG_MEL

NATURAL = "natural"

# The references: the recording itself, and the vocoder on its own log-mel.
REFERENCES = (NATURAL, TRUE_LOG_MEL)

KEYS = ("target", "layer", "preset", "loss", "vocoder", "asr")
SCORES = ("num_utterances", "wer", "wer_low", "wer_high", "cer", "stoi", "estoi", "log_mel_l1")
SUMMARY_COLUMNS = (*KEYS, *SCORES)
RESULT_COLUMNS = (
    *SUMMARY_COLUMNS,
    *("utterance", "reference", "transcript"),
    *("num_words", "substitutions", "deletions", "insertions", "status"),
)


@dataclasses.dataclass(frozen=True)
class Condition:
    """A way to render every utterance: a row of the summary.

    Attributes:
        target: name of the frozen network.
        layer: a tap, or one of the references "natural" and "true_log_mel".
        preset: of the inverter; empty for the references.
        loss: of the inverter; empty for the references.
        vocoder: its name; empty for "natural".
        asr: the recogniser's name.
    """

    target: str
    layer: str
    preset: str
    loss: str
    vocoder: str
    asr: str

    @property
    def folder(self) -> str:
        """Where its files lie below `audio/` and `log_mel/`."""
        return f"{self.layer}/{self.preset}-{self.loss}" if self.preset else self.layer


class ResultsTable:
    """`results.csv`, append-only; what failed, or was cut short by a kill, is measured again."""

    def __init__(self, path: pathlib.Path):
        """Opens the table, keeping the complete rows that are there."""
        self.rows = _read_complete_rows(path)
        self._done = {_row_key(row) for row in self.rows}
        unfinished = path.with_suffix(".tmp")
        with open(unfinished, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, RESULT_COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(unfinished, path)
        self._file = open(path, "a", encoding="utf-8", newline="")  # noqa: SIM115
        self._writer = csv.DictWriter(self._file, RESULT_COLUMNS, lineterminator="\n")

    def __enter__(self):
        """Nothing more to open."""
        return self

    def __exit__(self, *_):
        """Closes the file."""
        self._file.close()

    def has(self, condition: Condition, utterance: corpora.Utterance) -> bool:
        """Whether this was measured before."""
        return (*dataclasses.astuple(condition), utterance.id) in self._done

    def append(self, row: Mapping) -> None:
        """Adds a row, at once on disk."""
        # csv gives back text: keep what a later run would read
        row = {name: str(row[name]) for name in RESULT_COLUMNS}
        self._writer.writerow(row)
        self._file.flush()
        self.rows.append(row)
        self._done.add(_row_key(row))


def _row_key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in (*KEYS, "utterance"))


def _read_complete_rows(path: pathlib.Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
    if tuple(reader.fieldnames or RESULT_COLUMNS) != RESULT_COLUMNS:
        raise ValueError(f"{path} is not this program's results.csv; use another output folder")
    return [row for row in reader if row["status"] == OK]  # what failed is tried again


def open_results(folder: pathlib.Path, settings: Mapping) -> None:
    """Writes run.json; results of other weights or data are never mixed with these.

    Raises:
        ValueError: if the folder holds such; the message says which.
    """
    path = folder / "run.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    inverters = kept.get("inverters", {})
    conflicts = [
        name
        for name in ("target", "target_fingerprint", "data_dir", "split", "patch_hop_frames")
        if kept and kept.get(name) != settings.get(name)
    ]
    conflicts += [
        f"inverter {name}"
        for name, sha256 in settings["inverters"].items()
        if inverters.get(name, sha256) != sha256
    ]
    if conflicts:
        raise ValueError(
            f"{folder} holds results of another evaluation (different: {', '.join(conflicts)}); "
            "use another output folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    merged = {**settings, "inverters": inverters | settings["inverters"]}
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(merged, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, path)
