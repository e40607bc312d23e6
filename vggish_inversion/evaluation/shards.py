"""Splits an evaluation for array jobs, and joins the results."""

import dataclasses
import pathlib
import re
import shutil
from collections.abc import Mapping, Sequence

from vggish_inversion.data import corpora
from vggish_inversion.evaluation import tables
from vggish_inversion.files import apart, documents, folders
from vggish_inversion.results import (
    FINGERPRINTED,
    KEYS,
    PARTS,
    RESULT_COLUMNS,
    SHARED_SETTINGS,
    SUFFIXES,
    check_results_vacant,
    is_measured,
    write_table,
)

_FIELDS = {"layers": list, "shard": (dict, type(None)), "num_utterances": int}
_FIELDS |= {"num_conditions": int, "metrics": list}
_MAX_SHARDS = 10**6
_CALLED = {"utterances_sha256": "recordings, texts or speakers"}


@dataclasses.dataclass(frozen=True)
class Shard:
    """The `index`-th of `count` parts, from 1.

    >>> Shard.parse("2/3").of("abcdefg")
    ['b', 'e']
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Reads what `--shard` takes, such as "3/16".

        Raises:
            ValueError: for anything else.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        shard = cls(*map(int, match.groups())) if match else cls(0, 0)
        if not 1 <= shard.index <= shard.count:
            raise ValueError(f"no shard {text!r}; expected INDEX/COUNT from 1/1, such as 3/16")
        return shard

    def of(self, items: Sequence) -> list:
        """Its part: every `count`-th, so that all parts are alike."""
        return list(items[self.index - 1 :: self.count])

    @property
    def folder(self) -> str:
        """Its results' place below the output folder."""
        return f"shard-{self.index:0{len(str(self.count))}}-of-{self.count}"


def merge_results(
    results_dirs: Sequence[str | pathlib.Path], output_dir: str | pathlib.Path
) -> list[dict[str, str]]:
    """Joins the results of all shards of one evaluation, as if it had been run in one.

    Args:
        results_dirs: results folders of shards, or folders that hold such.
        output_dir: receives results.csv, summary.csv, comparisons.csv, run.json, audio/, log_mel/.

    Returns:
        All rows of results.csv.

    Raises:
        ValueError: if the shards are not of one evaluation, or one is missing, there twice, or
            unfinished; the message says which.
    """
    output = pathlib.Path(output_dir)
    apart.check_apart(read=results_dirs, written=[output / name for name in PARTS])
    found = [path for folder in map(pathlib.Path, results_dirs) for path in _shard_folders(folder)]
    runs = {path: documents.read_json(path / "run.json", _FIELDS) for path in found}
    _check(found, runs)
    ordered = sorted(found, key=lambda path: runs[path]["shard"]["index"])
    utterances = {path: _rows_by_utterance(path, runs[path]) for path in ordered}
    _check_apart(utterances)
    rows = []
    for turn in range(max(len(table) for table in utterances.values())):
        for table in utterances.values():  # as they were dealt out
            rows += list(table.values())[turn : turn + 1]
    rows = [row for group in rows for row in group]
    if (output / "results.csv").exists():
        raise ValueError(f"{output} holds results already; use another output folder")
    check_results_vacant(output)
    first = runs[ordered[0]]
    merged = {name: value for name, value in first.items() if name not in ("shard", "seconds")}
    merged["num_utterances"] = sum(run["num_utterances"] for run in runs.values())
    with folders.sole_writer(output):
        # First: with it, what is there is ours, also after a kill.
        documents.write_json(output / "run.json", {**merged, "num_shards": len(ordered)})
        for path in ordered:
            for kind in SUFFIXES:
                if (path / kind).is_dir():
                    shutil.copytree(path / kind, output / kind, dirs_exist_ok=True)
        tables.write_derived(rows, output, layers=first["layers"], metrics=first["metrics"])
        write_table(output / "results.csv", RESULT_COLUMNS, rows)  # last: with it, all is there
    return rows


def dealt(utterances: Sequence[corpora.Utterance], shard: Shard | None) -> list[corpora.Utterance]:
    """The utterances of a shard; all if there are no shards.

    Raises:
        ValueError: if there are none for it.
    """
    chosen = list(utterances) if shard is None else shard.of(utterances)
    if not chosen:
        raise ValueError(f"{len(utterances)} utterances do not fill {shard}; use fewer shards")
    return chosen


def _shard_folders(folder: pathlib.Path) -> list[pathlib.Path]:
    if (folder / "run.json").is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/run.json"))
    if not found:
        raise ValueError(f"no results in {folder}; expected run.json, as evaluate.py writes")
    return found


def _check(found: Sequence[pathlib.Path], runs: Mapping[pathlib.Path, Mapping]) -> None:
    """One line of complaint if these are not all shards of one evaluation."""
    if not found:
        raise ValueError("no results folders were named; expected those of evaluate.py --shard=")
    for path, run in runs.items():
        if not run.get("shard"):
            raise ValueError(f"{path} is no shard; expected results of evaluate.py --shard=")
        where = f"{path / 'run.json'}, shard"
        documents.check_fields(run["shard"], {"index": int, "count": int}, where)
        if not 1 <= run["shard"]["index"] <= run["shard"]["count"] <= _MAX_SHARDS:
            raise ValueError(f"{where}: expected index and count, got {str(run['shard'])[:80]}")
    first = next(iter(runs))
    shared = [name for name in SHARED_SETTINGS if name != "shard"]
    for path, run in runs.items():
        different = [
            _CALLED.get(name, name)
            for name in (*shared, *FINGERPRINTED, "utterances_sha256")
            if run.get(name) != runs[first].get(name)
        ]
        different += ["shard count"] * (run["shard"]["count"] != runs[first]["shard"]["count"])
        if different:
            raise ValueError(
                f"{path} and {first} are not of one evaluation (different: "
                f"{', '.join(different)}); run both again, which measures what changed, or merge "
                "others"
            )
    indices = [runs[path]["shard"]["index"] for path in found]  # a folder may be named twice
    twice = sorted({index for index in indices if indices.count(index) > 1})
    missing = sorted(set(range(1, runs[first]["shard"]["count"] + 1)) - set(indices))
    for label, faulty in (("there twice", twice), ("missing", missing)):
        if faulty:
            count = runs[first]["shard"]["count"]
            raise ValueError(f"shard(s) {' '.join(map(str, faulty))} of {count} are {label}")


def _check_apart(utterances: Mapping[pathlib.Path, Mapping[str, list]]) -> None:
    """Makes sure that no utterance was measured in two shards."""
    places: dict[str, pathlib.Path] = {}
    for path, table in utterances.items():
        for name in table:
            if name in places:
                raise ValueError(
                    f"{name} is in {places[name]} and in {path}, which are of different corpora; "
                    "run both shards again"
                )
            places[name] = path


def _rows_by_utterance(path: pathlib.Path, run: Mapping) -> dict[str, list[dict[str, str]]]:
    rows = documents.read_table(path / "results.csv", RESULT_COLUMNS)
    layers, ids = run["layers"], set()
    for number, row in enumerate(rows, 1):
        key = (row["utterance"], *(row[name] for name in KEYS))
        if not is_measured(row) or row["layer"] not in layers or key in ids:
            raise ValueError(f"{path / 'results.csv'}: row {number} is damaged; copy it again")
        ids.add(key)
    expected = run["num_utterances"] * run["num_conditions"]
    if len(rows) < expected or "seconds" not in run:
        raise ValueError(
            f"{path} is unfinished: {len(rows)} of {expected} rows; run this shard again"
        )
    by_utterance: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_utterance.setdefault(row["utterance"], []).append(row)
    return by_utterance
