"""A user's keras.json does not change what this package builds."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

_ROOT = pathlib.Path(__file__).parents[2]
_TRAIN = """
import numpy as np
from tests import networks
from vggish_inversion import features, vocoders
from vggish_inversion.inverters import chain, config
from vggish_inversion.targets import loading
from vggish_inversion.vocoders import vocos

target = loading.load_target("small_encoder/speech_commands", weights="untrained")
patches = np.zeros((2, 96, 64), np.float32)
for layer, preset in (("layer_1", "paper"), ("layer_6", "paper"), ("layer_3", "large")):
    settings = config.TrainConfig(preset=preset, num_views=3 if preset == "large" else 1)
    viewed = chain.view_tap(target, target.tap(layer), settings)
    model, inverter = chain.build_training_model(target, viewed, settings)
    windows = np.zeros((2, *model.input_shape[1:]), np.float32)
    model.compile("adam", "mae", run_eagerly=True)
    model.fit(windows, patches, verbose=0)
    kinds = {weight.dtype for weight in inverter.weights}
    print(model.output.shape, model.compute_dtype, *kinds)
import keras
print(*{layer.data_format for layer in inverter.layers if hasattr(layer, "data_format")})
print(keras.config.floatx(), keras.config.dtype_policy().name)
"""


class KerasDefaultsTest(unittest.TestCase):
    def test_channels_first_and_float16(self):
        with tempfile.TemporaryDirectory() as folder:
            settings = {"image_data_format": "channels_first", "floatx": "float16"}
            pathlib.Path(folder, "keras.json").write_text(json.dumps(settings))
            done = subprocess.run(
                [sys.executable, "-c", _TRAIN],
                cwd=_ROOT,
                env={**os.environ, "KERAS_HOME": folder, "PYTHONPATH": str(_ROOT)},
                capture_output=True,
                text=True,
                check=False,
            )
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        *models, formats, types = done.stdout.splitlines()
        self.assertEqual(models, ["(None, 96, 64) float32 float32"] * 3)
        self.assertEqual((formats, types), ("channels_last", "float32 float32"))
        [line] = [line for line in done.stderr.splitlines() if "keras.json" in line]
        self.assertIn("image_data_format channels_first -> channels_last", line)
        self.assertIn("floatx float16 -> float32", line)


if __name__ == "__main__":
    unittest.main()
