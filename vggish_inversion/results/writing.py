"""Writes a results folder: a table that survives a kill, and the settings that it belongs to."""

import csv
import dataclasses
import io
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from absl import logging

from vggish_inversion.files import apart, documents, folders
from vggish_inversion.results.columns import RESULT_COLUMNS, is_measured
from vggish_inversion.results.conditions import KEYS, OK, SUFFIXES, Condition

# What a results folder is made of.
PARTS = ("results.csv", "summary.csv", "comparisons.csv", "run.json", *SUFFIXES)


class ResultsTable:
    """`results.csv`, append-only; what failed, or was cut short by a kill, is measured again."""

    def __init__(self, path: pathlib.Path):
        """Opens the table, keeping the complete rows that are there."""
        self.rows = _read_complete_rows(path)
        self._done = {_row_key(row) for row in self.rows}
        write_table(path, RESULT_COLUMNS, self.rows)
        self._path = path
        self._file = open(path, "a", encoding="utf-8", newline="")  # noqa: SIM115
        self._writer = csv.DictWriter(self._file, RESULT_COLUMNS, lineterminator="\n")

    def __repr__(self) -> str:
        """What it is."""
        return f"<ResultsTable {self._path}: {len(self.rows)} rows>"

    def __enter__(self):
        """Nothing more to open."""
        return self

    def __exit__(self, *_):
        """Closes the file."""
        self._file.close()

    def has(self, condition: Condition, utterance: str) -> bool:
        """Whether the utterance of this id was measured before."""
        return (*dataclasses.astuple(condition), utterance) in self._done

    def append(self, row: Mapping) -> None:
        """Adds a row, at once on disk."""
        # csv gives back text: keep what a later run would read
        row = {name: str(row[name]) for name in RESULT_COLUMNS}
        self._writer.writerow(row)
        self._file.flush()
        self.rows.append(row)
        self._done.add(_row_key(row))

    def discard(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Removes rows, at once on disk; what they told of is measured again."""
        if not rows:
            return
        keys = {_row_key(row) for row in rows}
        self.rows = [row for row in self.rows if _row_key(row) not in keys]
        self._done -= keys
        self._write_anew()

    def sort(self, utterances: Sequence[str], conditions: Sequence[Condition]) -> None:
        """Brings the finished table into order: by utterance, then by condition.

        What belongs to neither, as from a run with other layers or more utterances, comes last.
        """
        places = [
            {name: place for place, name in enumerate(names)}
            for names in (utterances, map(dataclasses.astuple, conditions))
        ]

        def place(row):
            keys = row["utterance"], tuple(row[name] for name in KEYS)
            return [table.get(key, len(table)) for table, key in zip(places, keys, strict=True)]

        self.rows.sort(key=place)
        self._write_anew()

    def _write_anew(self) -> None:
        self._file.close()
        write_table(self._path, RESULT_COLUMNS, self.rows)
        self._file = open(self._path, "a", encoding="utf-8", newline="")  # noqa: SIM115
        self._writer = csv.DictWriter(self._file, RESULT_COLUMNS, lineterminator="\n")


def count_utterances(rows: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """How many utterances have a measurement, and how many have a failure, under any condition.

    >>> count_utterances([{"utterance": "a", "status": "ok"}, {"utterance": "a", "status": "no"}])
    {'num_done': 1, 'num_failed': 1}
    """
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for row in rows:
        names[row["status"] == OK].add(row["utterance"])
    return {"num_done": len(names[True]), "num_failed": len(names[False])}


def write_table(path: pathlib.Path, columns: Sequence[str], rows: Iterable[Mapping]) -> None:
    """Writes a csv file, whole or not at all."""
    with (
        folders.write_file(path) as unfinished,
        open(unfinished, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _row_key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in (*KEYS, "utterance"))


def _read_complete_rows(path: pathlib.Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    try:
        text = documents.read_text(path)
        reader = csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
        rows = list(reader)
    except (csv.Error, ValueError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); delete it, and what it held is measured again"
        ) from error
    if rows and tuple(rows[0]) != RESULT_COLUMNS:
        raise ValueError(
            f"{path} is not this version's results.csv (expected the columns "
            f"{RESULT_COLUMNS[0]}, ..., {RESULT_COLUMNS[-1]}); use another output folder"
        )
    made = [dict(zip(RESULT_COLUMNS, row, strict=False)) for row in rows[1:]]
    # What failed is tried again, and so is a row that is not whole or holds no numbers.
    whole = [
        row
        for row, cells in zip(made, rows[1:], strict=True)
        if len(cells) == len(RESULT_COLUMNS) and row["status"] == OK and is_measured(row)
    ]
    return list({_row_key(row): row for row in whole}.values())


# What all results of a folder have in common; and what has fingerprints by name, and may be added.
SHARED_SETTINGS = ("target", "target_fingerprint", "data_dir", "split", "patch_hop_frames")
SHARED_SETTINGS += ("metrics", "shard")
FINGERPRINTED = {"inverters": "inverter", "vocoders": "vocoder", "recognisers": "recogniser"}
FINGERPRINTED |= {"scorers": "the network of the metric"}


def check_results_vacant(folder: pathlib.Path) -> None:
    """Makes sure that what a results folder is to hold is not there yet, or is of an evaluation.

    A results.csv says by its columns whose it is: opening it is what tells.

    Raises:
        apart.OverlapError: if tables, sounds or pictures of others are there.
    """
    parts = [name for name in PARTS if name not in ("results.csv", "run.json")]
    apart.check_vacant(folder, parts, mark="run.json")


def open_results(
    folder: pathlib.Path,
    settings: Mapping,
    *,
    fingerprint_as: Callable[[object], str] | None = None,
) -> None:
    """Writes run.json; results of other weights or data are never mixed with these.

    Args:
        folder: of the results.
        settings: what run.json is to say.
        fingerprint_as: the target's, in the words of one that an earlier version wrote.

    Raises:
        ValueError: if the folder holds such, or tables of others; the message says which.
    """
    path = folder / "run.json"
    check_results_vacant(folder)
    kept = documents.read_json(path) if path.is_file() else {}
    settings = dict(settings)
    if fingerprint_as:
        settings["target_fingerprint"] = fingerprint_as(kept.get("target_fingerprint"))
    conflicts = [name for name in SHARED_SETTINGS if kept and kept.get(name) != settings.get(name)]
    if "data_dir" in conflicts and _is_same_data(kept, settings):
        conflicts.remove("data_dir")
    merged = dict(settings)
    for kind, label in FINGERPRINTED.items():
        earlier = kept.get(kind, {})
        if not isinstance(earlier, dict):
            raise ValueError(f"{path}: expected fingerprints in {kind}; use another output folder")
        conflicts += [
            f"{label} {name}"
            for name, fingerprint in settings[kind].items()
            if earlier.get(name, fingerprint) != fingerprint
        ]
        merged[kind] = earlier | settings[kind]
    for kind in ("patches_seen", "views"):
        earlier = kept.get(kind)
        merged[kind] = (earlier if isinstance(earlier, dict) else {}) | settings[kind]
    earlier_versions = _earlier_versions(kept, settings)
    if earlier_versions:
        merged["earlier_versions"] = earlier_versions
    if conflicts:
        raise ValueError(
            f"{folder} holds results of another evaluation (different: {', '.join(conflicts)}); "
            "use another output folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    documents.write_json(path, merged)


def _is_same_data(kept: Mapping, settings: Mapping) -> bool:
    """Whether recordings and texts are the same, wherever they are, or their folder's name is."""
    digests = [run.get("utterances_sha256") for run in (kept, settings)]
    names = [run["data_dir"] for run in (kept, settings) if isinstance(run.get("data_dir"), list)]
    paths = [[os.path.normpath(str(name)) for name in each] for each in names]
    return bool(digests[0] and digests[0] == digests[1]) or (
        len(paths) == 2 and paths[0] == paths[1]
    )


def _earlier_versions(kept: Mapping, settings: Mapping) -> list:
    """Versions of packages that rows were measured with before these, from first to last."""
    known, before = kept.get("earlier_versions"), kept.get("versions")
    now, known = settings.get("versions"), known if isinstance(known, list) else []
    if not isinstance(before, dict) or not isinstance(now, dict) or before == now:
        return known
    different = [
        f"{name} {before.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    logging.warning(
        "rows that are there were measured with other versions (%s)", ", ".join(different)
    )
    return [*known, before]
