"""An evaluation that is killed again and again ends with the table of one that never was."""

import csv
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import pytest
import tensorflow as tf

from tests import speech

_SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "evaluate.py"
_NUM_KILLS = 10


def _command(folder: pathlib.Path) -> list[str]:
    return [
        *(sys.executable, str(_SCRIPT), "--target=small_encoder/speech_commands"),
        *("--layers=layer_0,layer_6", f"--data_dir={speech.DEMO_SPEECH}"),
        *("--split=all", f"--output_dir={folder}"),
    ]


def _num_lines(folder: pathlib.Path) -> int:
    path = folder / "results.csv"
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _rows(path: pathlib.Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
class KillTest(tf.test.TestCase):
    def test_sigkill_at_random(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        whole, killed = folder / "whole", folder / "killed"
        subprocess.run(_command(whole), check=True, capture_output=True)
        rng = random.Random(0)
        for _ in range(_NUM_KILLS):
            process = subprocess.Popen(
                _command(killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            # Some rows further, or within the start, whose row count goes by the run before.
            enough = _num_lines(killed) + rng.randint(0, 3)
            while process.poll() is None and _num_lines(killed) < enough:
                time.sleep(0.005)
            time.sleep(rng.uniform(0.0, 0.3))
            self.assertIsNone(process.poll(), "it was done before it could be killed")
            process.kill()
            process.wait()
        num_before = _num_lines(killed)
        self.assertGreater(num_before, _NUM_KILLS)  # it got somewhere between the kills
        subprocess.run(_command(killed), check=True, capture_output=True)
        self.assertEqual(_rows(killed / "results.csv"), _rows(whole / "results.csv"))
        for name in ("summary.csv", "comparisons.csv"):
            self.assertEqual((killed / name).read_bytes(), (whole / name).read_bytes())
        files = [{p.relative_to(root) for p in root.rglob("*.*")} for root in (killed, whole)]
        self.assertEqual(*files)


if __name__ == "__main__":
    tf.test.main()
