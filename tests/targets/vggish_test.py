"""VGGish from files of the published structure, against NumPy written from the TF-Slim source."""

import contextlib
import functools
import gc
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub

from vggish_inversion import features
from vggish_inversion.files import hub
from vggish_inversion.targets import vggish, vggish_postprocessing

_WEIGHTS = os.environ.get("VGGISH_INVERSION_VGGISH_WEIGHTS")
_PCA = os.environ.get("VGGISH_INVERSION_VGGISH_PCA")

_SHAPES = {
    "vggish/conv1/weights": (3, 3, 1, 64),
    "vggish/conv1/biases": (64,),
    "vggish/conv2/weights": (3, 3, 64, 128),
    "vggish/conv2/biases": (128,),
    "vggish/conv3/conv3_1/weights": (3, 3, 128, 256),
    "vggish/conv3/conv3_1/biases": (256,),
    "vggish/conv3/conv3_2/weights": (3, 3, 256, 256),
    "vggish/conv3/conv3_2/biases": (256,),
    "vggish/conv4/conv4_1/weights": (3, 3, 256, 512),
    "vggish/conv4/conv4_1/biases": (512,),
    "vggish/conv4/conv4_2/weights": (3, 3, 512, 512),
    "vggish/conv4/conv4_2/biases": (512,),
    "vggish/fc1/fc1_1/weights": (12288, 4096),
    "vggish/fc1/fc1_1/biases": (4096,),
    "vggish/fc1/fc1_2/weights": (4096, 4096),
    "vggish/fc1/fc1_2/biases": (4096,),
    "vggish/fc2/weights": (4096, 128),
    "vggish/fc2/biases": (128,),
}

_TAP_SHAPES = {
    "conv1": (96, 64, 64),
    "pool1": (48, 32, 64),
    "conv2": (48, 32, 128),
    "pool2": (24, 16, 128),
    "conv3_1": (24, 16, 256),
    "conv3_2": (24, 16, 256),
    "pool3": (12, 8, 256),
    "conv4_1": (12, 8, 512),
    "conv4_2": (12, 8, 512),
    "pool4": (6, 4, 512),
    "fc1_1": (4096,),
    "fc1_2": (4096,),
    "fc2": (128,),
    "fc2_relu": (128,),
}


def _random_values() -> dict[str, np.ndarray]:
    """Weights that keep activations near one, with biases far enough from zero to matter."""
    rng = np.random.default_rng(7)
    values = {}
    for name, shape in _SHAPES.items():
        scale = np.sqrt(2.0 / np.prod(shape[:-1])) if len(shape) > 1 else 0.2
        values[name] = rng.standard_normal(shape, np.float32) * np.float32(scale)
    return values


def _reference_taps(patches: np.ndarray, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The TF-Slim definition in NumPy: `[batch, 96, 64]` float32 -> {tap: activations}."""

    def conv(net, scope):
        kernel, bias = values[f"vggish/{scope}/weights"], values[f"vggish/{scope}/biases"]
        _, frames, bands, _ = net.shape
        padded = np.pad(net, ((0, 0), (1, 1), (1, 1), (0, 0)))
        total = sum(
            padded[:, i : i + frames, j : j + bands] @ kernel[i, j]
            for i in range(3)
            for j in range(3)
        )
        return np.maximum(total + bias, 0.0)

    def pool(net):
        batch, frames, bands, channels = net.shape  # all even, so that SAME pads nothing
        return net.reshape(batch, frames // 2, 2, bands // 2, 2, channels).max(axis=(2, 4))

    def dense(net, scope):
        return net @ values[f"vggish/{scope}/weights"] + values[f"vggish/{scope}/biases"]

    taps = {}
    taps["conv1"] = conv(patches[..., np.newaxis], "conv1")
    taps["pool1"] = pool(taps["conv1"])
    taps["conv2"] = conv(taps["pool1"], "conv2")
    taps["pool2"] = pool(taps["conv2"])
    taps["conv3_1"] = conv(taps["pool2"], "conv3/conv3_1")
    taps["conv3_2"] = conv(taps["conv3_1"], "conv3/conv3_2")
    taps["pool3"] = pool(taps["conv3_2"])
    taps["conv4_1"] = conv(taps["pool3"], "conv4/conv4_1")
    taps["conv4_2"] = conv(taps["conv4_1"], "conv4/conv4_2")
    taps["pool4"] = pool(taps["conv4_2"])
    flat = taps["pool4"].reshape(len(patches), -1)
    taps["fc1_1"] = np.maximum(dense(flat, "fc1/fc1_1"), 0.0)
    taps["fc1_2"] = np.maximum(dense(taps["fc1_1"], "fc1/fc1_2"), 0.0)
    taps["fc2"] = dense(taps["fc1_2"], "fc2")
    taps["fc2_relu"] = np.maximum(taps["fc2"], 0.0)
    return taps


def _define_slim(net: tf.Tensor) -> tf.Tensor:
    """The graph of `vggish_slim.py`, with the variables under TF-Slim's names."""
    v1 = tf.compat.v1

    def variables(scope):
        with v1.variable_scope(scope):
            weights = v1.get_variable("weights", _SHAPES[f"vggish/{scope}/weights"])
            return weights, v1.get_variable("biases", _SHAPES[f"vggish/{scope}/biases"])

    with v1.variable_scope("vggish"):
        net = tf.reshape(net, [-1, 96, 64, 1])
        for scopes in (["conv1"], ["conv2"], ["conv3/conv3_1", "conv3/conv3_2"],
                       ["conv4/conv4_1", "conv4/conv4_2"]):  # fmt: skip
            for scope in scopes:
                weights, biases = variables(scope)
                net = tf.nn.relu(tf.nn.conv2d(net, weights, 1, "SAME") + biases)
            net = tf.nn.max_pool2d(net, 2, 2, "SAME")
        net = tf.reshape(net, [-1, 12288])
        for scope in ("fc1/fc1_1", "fc1/fc1_2"):
            weights, biases = variables(scope)
            net = tf.nn.relu(net @ weights + biases)
        weights, biases = variables("fc2")
        return net @ weights + biases


class _PublishedModule(tf.Module):
    """Built as the official export for TF-Hub is: see PublishedFilesTest."""

    def __init__(self, values):
        super().__init__()
        self._variables = []

        def track(next_creator, **kwargs):
            zeros = functools.partial(tf.zeros, _SHAPES[kwargs["name"]])
            self._variables.append(next_creator(**kwargs | {"initial_value": zeros}))
            return self._variables[-1]

        def define(waveform):
            with tf.variable_creator_scope(track):
                log_mel = features.waveform_to_log_mel(waveform, features.LogMelParams())
                return _define_slim(tf.signal.frame(log_mel, 96, 96, axis=0))

        signature = (tf.TensorSpec([None], tf.float32),)
        self._vggish_fn = tf.compat.v1.wrap_function(define, signature)
        for variable in self._variables:
            variable.assign(values[variable.name.removesuffix(":0")])

    @tf.function(input_signature=(tf.TensorSpec([None], tf.float32),))
    def __call__(self, waveform):
        return self._vggish_fn(waveform)


def _write_slim_checkpoint(path: pathlib.Path, values: dict[str, np.ndarray]) -> None:
    """Writes what `Saver(write_version=V1)` does: one file, as the release is, with no shards."""
    path.parent.mkdir()
    tf.raw_ops.Save(filename=str(path), tensor_names=list(values), data=list(values.values()))


class PublishedFilesTest(tf.test.TestCase):
    """The two published forms hold the same random weights, written once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        values = _random_values()
        rng = np.random.default_rng(1)
        cls.patches = rng.uniform(np.log(0.01), 2.0, (2, 96, 64)).astype(np.float32)
        cls.expected = _reference_taps(cls.patches, values)

        cls.checkpoint = cls.folder / "checkpoint" / "vggish_model.ckpt"
        _write_slim_checkpoint(cls.checkpoint, values)

        seconds = np.arange(2 * 16000) / 16000
        cls.waveform = 0.5 * np.sin(2 * np.pi * 1000 * seconds * seconds).astype(np.float32)
        module = _PublishedModule(values)
        # Named as in TF-Hub's cache: a folder for each URL, by its SHA-1.
        cls.saved_model = cls.folder / hashlib.sha1(vggish.HUB_URL.encode()).hexdigest()
        tf.saved_model.save(module, str(cls.saved_model))
        del module, values
        gc.collect()  # a module or model of 288 MB is a cycle

    def tearDown(self):
        super().tearDown()
        gc.collect()

    def assert_close(self, actual, expected):
        self.assertAllClose(actual, expected, rtol=1e-4, atol=1e-4)

    def assert_equals_reference(self, target):
        actual = target.model(self.patches)
        self.assertEqual(list(actual), list(self.expected))
        for name, expected in self.expected.items():
            self.assertGreater(np.std(expected), 0.1, name)  # or equality would show nothing
            self.assert_close(actual[name], expected)

    def test_slim_checkpoint(self):
        target = vggish.load(weights=str(self.checkpoint))
        self.assert_equals_reference(target)
        for tap in ("conv1", "conv4", "embedding", "fc2_relu"):
            actual = target.up_to(tap)(self.patches)
            self.assert_close(actual, self.expected[target.tap(tap).name])
        self.assertEqual(target.up_to("conv1").count_params(), 3 * 3 * 64 + 64)

        # What it holds is the same from whichever file it comes.
        target.model.save_weights(self.folder / "vggish.weights.h5")
        fingerprint = target.fingerprint
        del target
        for source in (self.checkpoint.parent, self.folder / "vggish.weights.h5"):
            self.assertEqual(vggish.load(weights=source).fingerprint, fingerprint)

    @pytest.mark.slow  # YAMNet's is the one by default: this one is 288 MB
    def test_saved_model_of_tf_hub(self):
        target = vggish.load(weights=str(self.saved_model))
        self.assert_equals_reference(target)

        # Waveforms are not padded, patches do not overlap, and what fills none is dropped.
        published = tensorflow_hub.load(str(self.saved_model))
        embed = target.up_to("embedding")
        for num_samples, num_patches in ((32_000, 2), (30_959, 1), (15_600, 1)):
            waveform = self.waveform[:num_samples]
            expected = published(waveform)
            self.assertEqual(expected.shape, (num_patches, 128))
            self.assert_close(embed(_patches(waveform, target)), expected)
        self.assertEqual(_patches(self.waveform[:15_599], target).shape, (0, 96, 64))
        del published, embed

        # The default is the one of TF-Hub, here from its cache.
        with mock.patch.dict("os.environ", {"TFHUB_CACHE_DIR": str(self.folder)}):
            self.assertEqual(vggish.load().fingerprint, target.fingerprint)


def _patches(waveform: np.ndarray, target) -> tf.Tensor:
    log_mel = features.waveform_to_log_mel(waveform, target.log_mel)
    starts = features.patch_starts(log_mel.shape[0], target.log_mel)
    return features.log_mel_to_patches(log_mel, starts, target.log_mel)


@pytest.mark.weights
@unittest.skipUnless(
    _WEIGHTS and _PCA,
    "VGGISH_INVERSION_VGGISH_WEIGHTS and VGGISH_INVERSION_VGGISH_PCA name no weights of VGGish",
)
class SmokeTest(tf.test.TestCase):
    """The numbers of `vggish_smoke_test.py`, which come with the release."""

    def test_a_sine_of_one_kilohertz(self):
        waveform = np.sin(2 * np.pi * 1000 * np.arange(3 * 16000) / 16000).astype(np.float32)
        target = vggish.load(weights=_WEIGHTS)
        embeddings = target.up_to("embedding")(_patches(waveform, target)).numpy()
        self.assertEqual(embeddings.shape, (3, 128))
        found = [np.mean(embeddings), np.std(embeddings)]
        self.assertAllClose(found, [0.000657, 0.343], rtol=0.1, atol=0)
        quantized = vggish_postprocessing.load_postprocessor(_PCA or "").quantize(embeddings)
        found = [np.mean(quantized), np.std(quantized)]
        self.assertAllClose(found, [126.0, 89.3], rtol=0.1, atol=0)


class UntrainedTest(tf.test.TestCase):
    """The architecture: what needs no file."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = vggish.load(weights="untrained", seed=3)

    @classmethod
    def tearDownClass(cls):
        del cls.target
        super().tearDownClass()

    def test_taps_are_the_table(self):
        self.assertEqual({tap.name: tap.shape for tap in self.target.taps}, _TAP_SHAPES)
        self.assertEqual([tap.name for tap in self.target.taps], list(_TAP_SHAPES))
        linear = [tap.name for tap in self.target.taps if tap.activation != "relu"]
        self.assertEqual(linear, ["fc2"])
        self.assertEqual(self.target.model.count_params(), 72_141_184)
        self.assertEmpty(self.target.model.trainable_weights)
        self.assertEqual(self.target.log_mel, features.LogMelParams())

    def test_aliases(self):
        for alias, name in {"conv3": "conv3_2", "conv4": "conv4_2", "embedding": "fc2"}.items():
            self.assertEqual(self.target.tap(alias).name, name)

    def test_wrong_tap(self):
        with self.assertRaisesRegex(ValueError, "conv5") as caught:
            self.target.tap("conv5")
        for name in _TAP_SHAPES:
            self.assertIn(name, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_up_to_equals_the_whole(self):
        patches = np.random.default_rng(0).normal(-2, 1.5, (2, 96, 64)).astype(np.float32)
        whole = self.target.model(patches)
        for name in ("pool1", "conv3_1", "pool4", "fc1_2"):
            part = self.target.up_to(name)(patches)
            self.assertAllClose(part, whole[name], rtol=1e-5, atol=1e-5)

    def test_activations_keep_their_scale(self):
        patches = np.random.default_rng(0).normal(-2, 1.5, (4, 96, 64)).astype(np.float32)
        for name, values in self.target.model(patches).items():
            self.assertBetween(np.sqrt(np.mean(np.square(values))), 1.0, 20.0, name)
            self.assertGreater(np.mean(values != 0), 0.3, name)
            self.assertGreater(np.mean(np.std(values, axis=0)), 0.1, name)  # patches differ

    @pytest.mark.slow  # fingerprints of seeds: fingerprint_test
    def test_seed(self):
        again = vggish.load(weights="untrained", seed=3).fingerprint
        other = vggish.load(weights="untrained", seed=4).fingerprint
        self.assertEqual(again, self.target.fingerprint)
        self.assertNotEqual(other, self.target.fingerprint)


class RefusedTest(tf.test.TestCase):
    """Weights that are missing, or another model's."""

    @contextlib.contextmanager
    def assert_refused(self, *parts: str):
        with self.assertRaises(hub.WeightsError) as caught:
            yield
        for part in parts:
            self.assertIn(part, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_missing(self):
        for name in ("nowhere", "nowhere/vggish_model.ckpt", "nowhere.weights.h5"):
            with self.assert_refused(f"{name}: no such file", "--target_weights="):
                vggish.load(weights=name)

    def test_no_network(self):
        cache = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(mock.patch.dict("os.environ", {"TFHUB_CACHE_DIR": cache}))
        # Port 9 is the discard service, which no machine runs.
        with self.assert_refused("download", vggish.CHECKPOINT_URL, "--target_weights="):
            vggish.load(weights="http://127.0.0.1:9/google/vggish/1")

    def test_another_model(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "other" / "model.ckpt"
            _write_slim_checkpoint(path, {"vggish/conv1/weights": np.zeros((3, 3, 1, 32), "f4")})
            with self.assert_refused(str(path), "conv1/weights", "[3, 3, 1, 64]", "[3, 3, 1, 32]"):
                vggish.load(weights=path)


class ImportTest(tf.test.TestCase):
    """The network is for every Keras backend."""

    @pytest.mark.slow  # conformance_test runs another network without it by default
    def test_does_not_import_tensorflow(self):
        # Keras goes first, because it may use TensorFlow itself; None then makes imports fail.
        program = (
            "import sys, keras; sys.modules['tensorflow'] = None; "
            "from vggish_inversion.targets import vggish; vggish.build_vggish"
        )
        root = pathlib.Path(__file__).resolve().parents[2]
        subprocess.run([sys.executable, "-c", program], cwd=root, check=True)


if __name__ == "__main__":
    tf.test.main()
