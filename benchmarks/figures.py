"""Measures layer_1 and layer_3 anew, and compares every figure with those that are kept.

python benchmarks/figures.py --data_dir=LJSpeech-1.1   (or: make figures LJSPEECH=LJSpeech-1.1)

A change of structure must not move a figure. This evaluates the shipped inverters of layer_1 and
layer_3 ("paper" and "large") on the 20 clips of LJ050, PocketSphinx listening, and compares the
summary with benchmarks/kept/LJ050.csv, digit by digit. A change that is meant to move figures keeps
the new ones with --keep, and says why in CHANGELOG.md. Exit code 1: some figure moved.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_KEPT = _ROOT / "benchmarks" / "kept" / "LJ050.csv"
_KEYS = ("target", "layer", "preset", "loss", "vocoder", "asr")


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", required=True, help="LJSpeech, or a part that holds LJ050")
    parser.add_argument("--output_dir", help="results folder; default: one that is thrown away")
    parser.add_argument("--keep", action="store_true", help="keep these figures as the new ones")
    return parser.parse_args()


def read_figures(path: pathlib.Path) -> dict[tuple[str, ...], dict[str, str]]:
    """The figures of a summary by condition; empty cells left out."""
    with open(path, encoding="utf-8", newline="") as file:
        return {
            tuple(row[key] for key in _KEYS): {
                name: text for name, text in row.items() if text and name not in _KEYS
            }
            for row in csv.DictReader(file)
        }


def compare(kept: dict, made: dict) -> list[str]:
    """A line for each kept figure that is missing or differs.

    >>> compare({("a",): {"wer": "0.1"}}, {("a",): {"wer": "0.2", "new": "1"}})
    ['a wer: kept 0.1, now 0.2']
    """
    return [
        f"{' '.join(filter(None, key))} {name}: kept {text}, now {made.get(key, {}).get(name)}"
        for key, figures in kept.items()
        for name, text in figures.items()
        if made.get(key, {}).get(name) != text
    ]


def main() -> int:
    """Evaluates, prints what moved and, as the last line, one JSON object."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(options.output_dir or scratch)
        flags = ["--target=small_encoder/speech_commands", "--layers=layer_1,layer_3"]
        flags += [f"--data_dir={options.data_dir}", "--split=test", f"--output_dir={folder}"]
        script = _ROOT / "scripts" / "evaluate.py"
        subprocess.run([sys.executable, str(script), *flags], check=True)
        made = read_figures(folder / "summary.csv")
        if options.keep:
            _KEPT.write_text((folder / "summary.csv").read_text(encoding="utf-8"), "utf-8")
    kept = read_figures(_KEPT)
    moved = compare(kept, made)
    print("\n".join(moved) or "every figure is as it was")
    num_figures = sum(map(len, kept.values()))
    print(json.dumps({"num_rows": len(kept), "num_figures": num_figures, "num_moved": len(moved)}))
    return bool(moved)


if __name__ == "__main__":
    sys.exit(main())
