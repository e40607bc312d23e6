"""What every target keeps to: one suite, and a class for each target."""

import gc
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import networks
from vggish_inversion.inverters import chain, training
from vggish_inversion.targets import encoder, fingerprint, loading
from vggish_inversion.training import run_folder

_PATCHES = np.random.default_rng(0).normal(-2, 1.5, (2, 96, 64)).astype(np.float32)


class _Conformance(tf.test.TestCase):
    """The suite; `load` makes the target that all of it runs on."""

    trained_taps: tuple[str, ...]

    @classmethod
    def load(cls) -> encoder.TargetEncoder:
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = cls.load()
        cls.expected = {name: np.array(x) for name, x in cls.target.model(_PATCHES).items()}

    @classmethod
    def tearDownClass(cls):
        del cls.target, cls.expected
        gc.collect()  # a model of 288 MB is a cycle
        super().tearDownClass()

    def assert_same(self, outputs, *, share: float = 1e-5):
        """Every tap is what it is expected to be, within a share of its largest value."""
        for tap in self.target.taps:
            expected = self.expected[tap.name]
            actual = tf.cast(outputs[tap.name], tf.float32)
            self.assertAllClose(actual, expected, atol=share * np.abs(expected).max(), rtol=0)

    def test_taps_are_as_declared(self):
        self.assertEqual(len({tap.name for tap in self.target.taps}), len(self.target.taps))
        params = self.target.log_mel
        self.assertEqual(
            self.target.model.input_shape, (None, params.patch_frames, params.num_bands)
        )
        for tap in self.target.taps:
            values = self.expected[tap.name]
            self.assertEqual(values.shape, (len(_PATCHES), *tap.shape))
            self.assertEqual(values.size, len(_PATCHES) * tap.num_values)
            self.assertGreater(np.std(values), 0.0, tap.name)
            if tap.activation.startswith("relu"):
                self.assertAllGreaterEqual(values, 0.0)

    def test_a_sub_model_equals_the_whole_and_stops_at_its_tap(self):
        names = [tap.name for tap in self.target.taps]
        parts = {name: self.target.up_to(name) for name in names}
        self.assert_same({name: part(_PATCHES) for name, part in parts.items()})
        for name, part in parts.items():
            # Nothing hangs behind the tap: every layer leads to it.
            leads = keras.Model(part.input, part.output).layers
            self.assertLen(part.layers, len(leads))
            deeper = names[names.index(name) + 1 :]
            self.assertNoCommonElements([layer.name for layer in part.layers], deeper)

    def test_frozen(self):
        before = fingerprint.of_weights(self.target.model)
        for tap in self.trained_taps:
            for precision in ("float32", "mixed_bfloat16"):
                config = training.TrainConfig(precision=precision)
                viewed = chain.view_tap(self.target, self.target.tap(tap), config)
                model, inverter = chain.build_training_model(self.target, viewed, config)
                self.assertEqual(
                    [weight.path for weight in model.trainable_variables],
                    [weight.path for weight in inverter.trainable_variables],
                )
                start = inverter.get_weights()
                model.compile(keras.optimizers.Adam(1e-3), "mae", run_eagerly=True)
                loss = model.train_on_batch(_PATCHES, _PATCHES / 10)
                self.assertAllInRange(loss, 0.0, 10.0)
                self.assertEqual(model.output.dtype, "float32")
                moved = zip(start, inverter.get_weights(), strict=True)
                self.assertTrue(any(np.any(old != new) for old, new in moved))
        self.assertEqual(fingerprint.of_weights(self.target.model), before)
        self.assert_same(self.target.model(_PATCHES))

    def test_mixed_precision(self):
        with run_folder.computing_in("mixed_bfloat16"):
            mixed = self.load()
        self.assertEqual(mixed.fingerprint, self.target.fingerprint)
        self.assert_same(mixed.model(_PATCHES), share=0.1)

    def test_graph(self):
        self.assert_same(tf.function(self.target.model)(_PATCHES))

    def test_save_and_load(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "target.keras")
            self.target.model.save(path)
            loaded = keras.saving.load_model(path, safe_mode=True)
        assert loaded is not None
        self.assertEqual(fingerprint.of_weights(loaded), fingerprint.of_weights(self.target.model))
        self.assert_same(loaded(_PATCHES))


@pytest.mark.slow  # YAMNet is the deep one of the default run; 288 MB for each property takes long
class VggishConformanceTest(_Conformance):
    trained_taps = ("conv4",)

    @classmethod
    def load(cls):
        return loading.load_target("vggish", weights="untrained", seed=1)


class YamnetConformanceTest(_Conformance):
    trained_taps = ("layer3", "embedding")

    @classmethod
    def load(cls):
        return loading.load_target("yamnet", weights="untrained", seed=1)


@pytest.mark.slow
class UntrainedSmallEncoderConformanceTest(_Conformance):
    trained_taps = ("layer_1",)

    @classmethod
    def load(cls):
        return loading.load_target("small_encoder/speech_commands", weights="untrained", seed=1)


class SmallEncoderConformanceTest(_Conformance):
    trained_taps = ("layer_1", "layer_6")

    @classmethod
    def load(cls):
        return loading.load_target("small_encoder/speech_commands")


class CustomConformanceTest(_Conformance):
    trained_taps = ("conv", "average")

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.path = f"{folder}/net.keras"
        networks.small_cnn((None, None, 3)).save(cls.path)
        super().setUpClass()

    @classmethod
    def load(cls):
        return loading.load_target(cls.path)


_ON_JAX = """
import json, sys

sys.modules["tensorflow"] = None  # as where it is not installed: importing it fails
import keras
import numpy as np
from vggish_inversion.inverters import network
from vggish_inversion.targets import encoder, loading, receptive_field

assert keras.backend.backend() == "jax"
folder, places = sys.argv[1:]
patches = np.load(folder + "/patches.npy")
for name, weights, tap in json.loads(places):
    target = loading.load_target(name, weights=weights, seed=1)
    embedding = target.up_to(tap)(patches)
    inverter = network.build_inverter(target.tap(tap).shape, params=target.log_mel)
    assert inverter(embedding).shape == patches.shape
    assert len(receptive_field.receptive_fields(target)) == len(target.taps)
    np.save(f"{folder}/{tap}.npy", embedding)
    del target
"""


class JaxTest(tf.test.TestCase):
    def _check(self, places):
        folder = self.get_temp_dir()
        np.save(f"{folder}/patches.npy", _PATCHES)
        command = [sys.executable, "-c", _ON_JAX, folder, json.dumps(places)]
        subprocess.run(command, check=True, env=os.environ | {"KERAS_BACKEND": "jax"})
        for name, weights, tap in places:
            target = loading.load_target(name, weights=weights, seed=1)
            expected = target.up_to(tap)(_PATCHES)
            self.assertAllClose(np.load(f"{folder}/{tap}.npy"), expected, rtol=1e-3, atol=1e-3)
            del target
            gc.collect()

    def test_same_values_without_tensorflow(self):
        path = f"{self.get_temp_dir()}/net.keras"
        networks.small_cnn().save(path)
        small = ("small_encoder/speech_commands", None, "layer_6")
        self._check([small, (path, None, "classes")])

    @pytest.mark.slow
    def test_same_values_of_the_largest(self):
        self._check([("vggish", "untrained", "pool1"), ("yamnet", "untrained", "layer3")])


del _Conformance  # a suite, not a test


if __name__ == "__main__":
    tf.test.main()
