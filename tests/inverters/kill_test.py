"""A run that is killed again and again, as batch systems do, ends where it would have ended."""

import pathlib
import random
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
import tensorflow as tf

from tests import speech
from vggish_inversion.inverters import run
from vggish_inversion.training import run_folder

_SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "train_inverter.py"
_NUM_KILLS = 10


def _command(folder: pathlib.Path) -> list[str]:
    return [
        *(sys.executable, str(_SCRIPT), "--target=small_encoder/speech_commands"),
        *("--layer=layer_1", f"--data_dir={speech.DEMO_SPEECH}", f"--output_dir={folder}"),
        *("--epochs=150", "--batch_size=8"),
    ]


def _num_epochs(folder: pathlib.Path) -> int:
    return len(run_folder.read_history(folder)) if (folder / "history.csv").is_file() else 0


@pytest.mark.slow
class KillTest(tf.test.TestCase):
    def test_sigkill_at_random(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        subprocess.run(_command(folder / "whole"), check=True, capture_output=True)
        rng = random.Random(0)
        for _ in range(_NUM_KILLS):
            process = subprocess.Popen(
                _command(folder / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            enough = _num_epochs(folder / "killed") + rng.randint(1, 10)
            while process.poll() is None and _num_epochs(folder / "killed") < enough:
                time.sleep(0.005)
            time.sleep(rng.uniform(0.0, 0.2))  # some way into an epoch, or into its end
            self.assertIsNone(process.poll(), "it was done before it could be killed")
            process.kill()
            process.wait()
        subprocess.run(_command(folder / "killed"), check=True, capture_output=True)
        whole, killed = (run_folder.read_history(folder / name) for name in ("whole", "killed"))
        self.assertEqual(len(whole), len(killed))
        for left, right in zip(whole, killed, strict=True):
            self.assertEqual(left["num_patches"], right["num_patches"])
            self.assertAllClose(float(left["val_loss"]), float(right["val_loss"]), atol=1e-6)
        models = (run.read_run(folder / name).load_model() for name in ("whole", "killed"))
        for left, right in zip(*(model.get_weights() for model in models), strict=True):
            self.assertAllClose(left, right, atol=np.abs(left).max() * 1e-4 + 1e-6)
