r"""Prints the table of docs/results.md: target x tap, a column per preset and loss, from results.

  python scripts/make_results_table.py --results_dirs=results/lj050,results/yamnet_lj050

Each cell is log-mel L1 (nats), STOI, and WER % with its 95 % interval, of the n utterances. The two
reference rows are the recording itself and the vocoder on the untouched log-mel.
"""

import collections
import csv
import json
import pathlib

from absl import flags

import command

_RESULTS_DIRS = flags.DEFINE_list("results_dirs", None, "Of scripts/evaluate.py.", required=True)


def _cell(row: dict[str, str]) -> str:
    wer, low, high = (f"{100 * float(row[name]):.1f}" for name in ("wer", "wer_low", "wer_high"))
    return f"{float(row['log_mel_l1']):.3f}, {float(row['stoi']):.3f}, {wer} % ({low} to {high})"


def main():
    """Pivots every summary.csv."""
    cells, inverters = collections.defaultdict(dict), []
    for folder in map(pathlib.Path, _RESULTS_DIRS.value):
        settings = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        clips = " and ".join(pathlib.Path(path).name for path in settings["data_dir"])
        with open(folder / "summary.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                tap = (
                    f"{clips}, {settings['split']}",
                    row["num_utterances"],
                    row["target"],
                    row["layer"],
                    row["vocoder"],
                    row["asr"],
                )
                inverter = f"{row['preset']} {row['loss']}".strip() or "reference"
                cells[tap][inverter] = _cell(row)
                if inverter not in inverters:
                    inverters.append(inverter)
    columns = ("clips", "n", "target", "tap", "vocoder", "recogniser", *inverters)
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for tap, row in cells.items():
        print("| " + " | ".join([*tap, *(row.get(name, "") for name in inverters)]) + " |")


if __name__ == "__main__":
    command.run(main)
