"""What a results folder holds: tables, settings and clips; deletes these, and nothing else."""

import contextlib
import csv
import dataclasses
import io
import pathlib
import re
import shlex
from collections.abc import Mapping, Sequence

from vggish_inversion.files import documents, folders, names
from vggish_inversion.results.conditions import KEYS, OK, SUFFIXES, Condition
from vggish_inversion.results.writing import PARTS

_PAGE = ("index.html", "index.json")
# Before the last name of each path that leads out of the folder where the command was given.
_FOLDERS = re.compile(r"(?<=[=,])(?:/|\.\./)(?:[^=,]*/)?(?=[^/,]+(?:,|$))")


def short_command(parts: Sequence[str]) -> str:
    """A command to show, without the paths of its corpora, output and cache.

    >>> short_command(["python", "x.py", "--data_dir=/a/b/LJSpeech-1.1,c/d", "--cache_dir=e"])
    'python x.py --data_dir=LJSpeech-1.1,c/d'
    """
    kept = [part for part in parts if not part.startswith("--cache_dir")]
    return shlex.join(_FOLDERS.sub("", part) for part in kept)


class ResultsError(ValueError):
    """A results folder that cannot be read, or shown; one line that says what to do."""


@dataclasses.dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval, which is None where the table has none.

    Rates are fractions, STOI and ESTOI at most 1, log-mel L1 in nats.
    """

    value: float
    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True)
class Summary:
    """A row of summary.csv; `scores` has what was measured, by the names of `SCORED`."""

    condition: Condition
    num_utterances: int
    scores: Mapping[str, Score]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A row of comparisons.csv: two conditions on the utterances that both have.

    Attributes:
        kind: what the two differ in: "layer", "preset", "loss" or "true_log_mel".
        a: the first condition.
        b: the second.
        num_utterances: that both have.
        difference: WER of `a` less WER of `b`, with its interval.
        p_value: of so great a difference by chance.
        p_adjusted: the same, adjusted for the false discoveries of all rows.
    """

    kind: str
    a: Condition
    b: Condition
    num_utterances: int
    difference: Score
    p_value: float | None
    p_adjusted: float | None


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """A row of results.csv: one utterance heard through one condition. Counts None if it failed."""

    condition: Condition
    utterance: str
    reference: str
    transcript: str
    wer: float | None
    num_words: int | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None
    status: str
    rules: str

    @property
    def is_ok(self) -> bool:
        """False if the row stands for a failure, whose reason is then the status."""
        return self.status == OK


@dataclasses.dataclass(frozen=True)
class Results:
    """A results folder.

    Attributes:
        folder: where it lies.
        summaries: in the order of summary.csv, which is references first and then depth.
        reconstructions: by utterance, in the order of results.csv, then by condition.
        comparisons: in the order of comparisons.csv; empty if there is none.
        run: what run.json holds; None if there is none to read.
    """

    folder: pathlib.Path
    summaries: tuple[Summary, ...]
    reconstructions: Mapping[str, Mapping[Condition, Reconstruction]]
    comparisons: tuple[Comparison, ...]
    run: dict | None

    def __repr__(self) -> str:
        """What it is."""
        counts = f"{len(self.summaries)} conditions, {len(self.reconstructions)} utterances"
        return f"<Results in {self.folder}: {counts}>"

    @property
    def clips(self) -> str:
        """What was measured on, such as "LJSpeech-1.1, test"; "unknown" without run.json."""
        run = self.run or {}
        data_dirs = run.get("data_dir") or ["unknown clips"]
        data_dirs = data_dirs if isinstance(data_dirs, list) else [data_dirs]
        corpora = names.corpora_names(data_dirs)
        return ", ".join(filter(None, (corpora, str(run.get("split") or ""))))

    @property
    def command(self) -> str:
        """The command that made the folder, as it is shown elsewhere."""
        command = (self.run or {}).get("command")
        return short_command([str(part) for part in command] if isinstance(command, list) else [])

    def patches_seen(self, condition: Condition) -> int | None:
        """How many patches its inverter was trained on; None where that is not known."""
        return self._of_inverter("patches_seen", condition)

    def views(self, condition: Condition) -> int | None:
        """On how many patches its inverter sees the tap; None where that is not known."""
        return self._of_inverter("views", condition)

    def _of_inverter(self, kind: str, condition: Condition) -> int | None:
        numbers = (self.run or {}).get(kind)
        number = numbers.get(condition.inverter) if isinstance(numbers, dict) else None
        return number if isinstance(number, int) else None

    def find_clip(self, kind: str, reconstruction: Reconstruction) -> pathlib.Path | None:
        """The file of one reconstruction, or None if the folder has none.

        In a folder from before each condition had a place of its own, what may be another
        condition's is none.

        Args:
            kind: "audio" or "log_mel".
            reconstruction: a row.
        """
        place = self._place(kind, reconstruction)
        folder = reconstruction.condition.folder(kind)
        contested = any(
            row.is_ok and row.condition.folder(kind) != folder and self._place(kind, row) == place
            for row in self.reconstructions.get(reconstruction.utterance, {}).values()
        )
        return None if contested else place

    def _place(self, kind: str, row: Reconstruction) -> pathlib.Path | None:
        own = self._existing(kind, row.condition.clip(kind, row.utterance))
        return own or self._existing(kind, row.condition.former_clip(kind, row.utterance))

    def _existing(self, kind: str, name: str) -> pathlib.Path | None:
        path = self.folder / name
        # An utterance's id is not ours: it must not name a file outside of the folder.
        with contextlib.suppress(OSError, ValueError):  # too long for a path, or holds NUL
            root = (self.folder / kind).resolve()
            if path.resolve().is_relative_to(root) and path.is_file():
                return path
        return None


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
