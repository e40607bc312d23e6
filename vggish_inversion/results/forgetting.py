"""Forgets what was measured of inverters that have been replaced."""

import pathlib
from collections.abc import Mapping

from vggish_inversion.files import documents, folders
from vggish_inversion.results.conditions import KEYS, Condition
from vggish_inversion.results.folder import delete_clips
from vggish_inversion.results.writing import ResultsTable


def forget_inverters(folder: pathlib.Path, *, but: Mapping[str, str]) -> int:
    """Deletes what was measured of inverters that are others now, or are not asked about.

    Args:
        folder: of the results; one that has none yet stays as it is.
        but: those of now, digests by the names that run.json has.

    Returns:
        How many rows are left.

    Raises:
        ValueError: if the folder cannot be read, or is being written.
    """
    path = folder / "run.json"
    if not path.is_file():
        return 0
    with folders.sole_writer(folder):
        run = documents.read_json(path, {"inverters": dict})
        gone = {name for name, digest in run["inverters"].items() if but.get(name) != digest}
        with ResultsTable(folder / "results.csv") as table:
            rows = [
                (row, condition)
                for row in table.rows
                for condition in [Condition(*(row[name] for name in KEYS))]
                if condition.inverter in gone
            ]
            for row, condition in rows:
                delete_clips(folder, condition, row["utterance"])
            table.discard([row for row, _ in rows])
            num_left = len(table.rows)
        for kind in ("inverters", "patches_seen", "views"):
            kept = run.get(kind)
            if isinstance(kept, dict):
                run[kind] = {name: value for name, value in kept.items() if name not in gone}
        documents.write_json(path, run)
    return num_left
