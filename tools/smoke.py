"""Runs the main scripts on the bundled speech, one after the other: does this installation work?

python tools/smoke.py --output_dir=build/smoke

make lowest runs it with the lowest versions that setup.py declares. Prints a line per script, and
ends with exit code 1 at the first that fails, with what it said.
"""

import importlib.metadata
import pathlib
import subprocess
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

import command

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Of all outputs; must not be there.", required=True
)

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_SPEECH = _ROOT / "scripts" / "demo_speech"
_TARGET = "--target=small_encoder/speech_commands"


def programs(folder: pathlib.Path) -> list[list[str]]:
    """Scripts and their flags, in the order in which one needs the other's output."""
    run, results = folder / "run", folder / "results"
    return [
        ["list_taps", _TARGET],
        [
            "train_inverter",
            _TARGET,
            "--layer=layer_1",
            f"--data_dir={_SPEECH}",
            "--epochs=1",
            "--batch_size=8",
            f"--output_dir={run}",
        ],
        [
            "reconstruct",
            f"--inverter={run}",
            f"--input={_SPEECH / 'slt-train.flac'}",
            f"--output_dir={folder / 'reconstructed'}",
        ],
        [
            "evaluate",
            f"--inverters_dir={run}",
            _TARGET,
            f"--data_dir={_SPEECH}",
            "--split=all",
            "--limit=1",
            f"--output_dir={results}",
        ],
        ["make_report", f"--results_dir={results}"],
        [
            "export_saved_model",
            f"--inverter={run}",
            f"--output_dir={folder / 'saved_model'}",
        ],
    ]


def main() -> int:
    """Runs them all."""
    folder = pathlib.Path(_OUTPUT_DIR.value)
    folder.mkdir(parents=True)
    for name in ("tensorflow", "keras", "numpy", "scipy", "librosa", "transformers"):
        print(name, importlib.metadata.version(name))
    for name, *arguments in programs(folder):
        program = [sys.executable, str(_ROOT / "scripts" / f"{name}.py"), *arguments]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        print(f"{name}: exit code {done.returncode}", flush=True)
        if done.returncode:
            print(done.stdout, done.stderr, sep="\n")
            return command.NOTHING_DONE
    return command.ALL_DONE


if __name__ == "__main__":
    command.run(main)
