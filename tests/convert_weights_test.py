"""Converting weights: what the script writes is what the package then loads."""

import pathlib
import tempfile

import numpy as np
import pytest
import tensorflow as tf

from tests.script_runner import run
from vggish_inversion.files import hub
from vggish_inversion.targets import loading


class ConvertWeightsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    @pytest.mark.slow
    def test_both_forms_hold_the_same_weights(self):
        expected = loading.load_target("yamnet", weights="untrained", seed=2).fingerprint
        for name in ("yamnet.weights.h5", "yamnet.keras"):
            output = self.folder / name.partition(".")[2] / name  # in a folder yet to be made
            flags = ("--target_weights=untrained", "--seed=2", f"--output={output}")
            result = run("convert_weights.py", "--target=yamnet", *flags)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"{hub.sha256(output)}  {name}", result.stdout)
            made = {path.name for path in output.parent.iterdir()}
            self.assertEqual(made, {name, f"{name}.sha256"})
            target = loading.load_target("yamnet", weights=str(output))
            self.assertEqual(target.fingerprint, expected)

    def test_a_name_that_keras_does_not_know(self):
        result = run("convert_weights.py", "--target=yamnet", f"--output={self.folder / 'x.npz'}")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("ends in .weights.h5 or .keras", result.stderr)

    def test_damaged_weights_leave_what_was_there(self):
        weights, output = self.folder / "yamnet.npz", self.folder / "yamnet.keras"
        np.savez(weights, **{"layer1/conv/kernel": np.zeros((3, 3, 1, 16), np.float32)})
        output.write_text("kept")
        flags = (f"--target_weights={weights}", f"--output={output}")
        result = run("convert_weights.py", "--target=yamnet", *flags)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("[3, 3, 1, 32], found [3, 3, 1, 16]", result.stderr)
        self.assertEqual(output.read_text(), "kept")
        self.assertEqual({path.name for path in self.folder.iterdir()}, {weights.name, output.name})


if __name__ == "__main__":
    tf.test.main()
