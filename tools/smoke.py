"""Runs the main scripts on the bundled speech, one after the other: does this installation work?

python tools/smoke.py --output_dir=build/smoke

make lowest runs it with the lowest versions that setup.py declares. Prints a line per script, and
ends with exit code 1 at the first that fails, with what it said.
"""

import argparse
import importlib.metadata
import pathlib
import subprocess
import sys

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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output_dir", required=True, help="of all outputs; must not be there")
    folder = pathlib.Path(parser.parse_args().output_dir)
    folder.mkdir(parents=True)
    for name in ("tensorflow", "keras", "numpy", "scipy", "librosa", "transformers"):
        print(name, importlib.metadata.version(name))
    for name, *flags in programs(folder):
        command = [sys.executable, str(_ROOT / "scripts" / f"{name}.py"), *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(f"{name}: exit code {done.returncode}", flush=True)
        if done.returncode:
            print(done.stdout, done.stderr, sep="\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
