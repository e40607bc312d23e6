r"""Prints what docs/reproduce.md lists: the command behind every shipped weight and results folder.

  python tools/list_commands.py --results_dirs=results/lj050,results/yamnet_lj050

Commands and times are those that each folder kept: training's is of all epochs, from history.csv;
an evaluation's of its last run, from run.json. Corpora are named without where they lay.
"""

import csv
import json
import pathlib
import sys
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

import command
import path_flags

_RESULTS_DIRS = path_flags.define_paths_flag("results_dirs", [], "Of scripts/evaluate.py.")
_KEPT = "not kept"
# Encoders first: inverters are trained on them, and vocoders on neither.
_KINDS = ("small_encoder", "inverter", "vocoder")


def _minutes(history: pathlib.Path) -> str:
    """Of all epochs; each says how much it had seen, and how fast it was."""
    if not history.is_file():
        return _KEPT
    with open(history, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    amount = next((name for name in rows[0] if name.startswith("num_")), None)
    rate = next((name for name in rows[0] if name.endswith("_per_second")), None)
    if not amount or not rate or not all(float(row[rate] or 0) for row in rows):
        return _KEPT
    before = [0.0, *(float(row[amount]) for row in rows)]
    seconds = sum(
        (after - start) / float(row[rate])
        for start, after, row in zip(before, before[1:], rows, strict=False)
    )
    return f"{seconds / 60:.0f} min"


def _models() -> Iterator[tuple[str, str, str]]:
    from vggish_inversion import results
    from vggish_inversion.files import hub

    root = hub.models_dir()
    for kind in _KINDS:
        for path in sorted((root / kind).rglob("config.json")):
            settings = json.loads(path.read_text(encoding="utf-8"))
            name = path.parent.relative_to(root).as_posix()
            yield (
                name,
                results.short_command(settings["command"]),
                _minutes(path.parent / "history.csv"),
            )


def _evaluations() -> Iterator[tuple[str, str, str]]:
    from vggish_inversion import results

    for folder in _RESULTS_DIRS.value:
        read = results.read_results(folder)
        run = read.run or {}
        name = f"{read.clips}, n = {run.get('num_utterances', '?')}"
        seconds = run.get("seconds", {}).get("total")
        minutes = f"{seconds / 60:.0f} min" if seconds else _KEPT
        yield name, read.command, minutes


def main():
    """Prints the table."""
    print("| made | by | time |\n| --- | --- | --- |")
    for name, line, minutes in (*_models(), *_evaluations()):
        print(f"| {name} | `{line}` | {minutes} |")


if __name__ == "__main__":
    command.run(main)
