"""YAMNet from files of the published structure, against plain tf.nn written from the source."""

import contextlib
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub

from tests import keras_checks, speech
from vggish_inversion import audio, features
from vggish_inversion.files import hub
from vggish_inversion.targets import encoder, loading, yamnet

_WEIGHTS = os.environ.get("VGGISH_INVERSION_YAMNET_WEIGHTS")
_CLIP = os.environ.get("VGGISH_INVERSION_SPEECH", str(speech.CLIPS[0]))

_SPEECH, _SILENCE, _SINE_WAVE, _WHITE_NOISE = 0, 494, 495, 514  # yamnet_class_map.csv

_WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_HALVING = (1, 3, 5, 7, 13)

_TAP_SHAPES = {
    "layer1": (48, 32, 32),
    "layer2": (48, 32, 64),
    "layer3": (24, 16, 128),
    "layer4": (24, 16, 128),
    "layer5": (12, 8, 256),
    "layer6": (12, 8, 256),
    "layer7": (6, 4, 512),
    "layer8": (6, 4, 512),
    "layer9": (6, 4, 512),
    "layer10": (6, 4, 512),
    "layer11": (6, 4, 512),
    "layer12": (6, 4, 512),
    "layer13": (3, 2, 1024),
    "layer14": (3, 2, 1024),
    "embedding": (1024,),
}


def _random_values() -> dict[str, np.ndarray]:
    """Weights by official name; batch norm far enough from doing nothing to matter."""
    rng = np.random.default_rng(5)
    values = {}

    def convolution(scope, kernel, shape, fan_in):
        width = max(shape[2:]) if kernel == "depthwise_kernel" else shape[-1]
        values[f"{scope}/{kernel}"] = rng.normal(0, np.sqrt(2 / fan_in), shape)
        values[f"{scope}/bn/beta"] = rng.normal(0, 0.2, width)
        values[f"{scope}/bn/moving_mean"] = rng.normal(0, 0.2, width)
        values[f"{scope}/bn/moving_variance"] = rng.uniform(0.5, 1.5, width)

    convolution("layer1/conv", "kernel", (3, 3, 1, 32), 9)
    for index in range(2, 15):
        before, width = _WIDTHS[index - 2 : index]
        scope = f"layer{index}"
        convolution(f"{scope}/depthwise_conv", "depthwise_kernel", (3, 3, before, 1), 9)
        convolution(f"{scope}/pointwise_conv", "kernel", (1, 1, before, width), before)
    values["logits/kernel"] = rng.normal(0, 0.03, (1024, 521))
    values["logits/bias"] = rng.normal(0, 0.5, 521)
    return {name: value.astype(np.float32) for name, value in values.items()}


def _reference(patches, values) -> dict[str, tf.Tensor]:
    """YAMNet in plain tf.nn: `[batch, 96, 64]` -> {tap: activations} and predictions."""

    def batch_norm_relu(net, scope):
        mean, variance = values[f"{scope}/bn/moving_mean"], values[f"{scope}/bn/moving_variance"]
        return tf.nn.relu((net - mean) / tf.sqrt(variance + 1e-4) + values[f"{scope}/bn/beta"])

    taps = {}
    net = tf.nn.conv2d(patches[..., tf.newaxis], values["layer1/conv/kernel"], 2, "SAME")
    net = taps["layer1"] = batch_norm_relu(net, "layer1/conv")
    for index in range(2, 15):
        stride = 2 if index in _HALVING else 1
        scope = f"layer{index}/depthwise_conv"
        kernel = values[f"{scope}/depthwise_kernel"]
        net = tf.nn.depthwise_conv2d(net, kernel, [1, stride, stride, 1], "SAME")
        net = batch_norm_relu(net, scope)
        scope = f"layer{index}/pointwise_conv"
        net = tf.nn.conv2d(net, values[f"{scope}/kernel"], 1, "SAME")
        net = taps[f"layer{index}"] = batch_norm_relu(net, scope)
    taps["embedding"] = tf.reduce_mean(net, [1, 2])
    logits = taps["embedding"] @ values["logits/kernel"] + values["logits/bias"]
    return taps | {"predictions": tf.sigmoid(logits)}


class _PublishedModule(tf.Module):
    """Under the names of the official export for TF-Hub: a Keras 2 model, exported from a module.

    Its classifier has no name of its own; Keras 2.16 calls that of the second model built, which
    is the one that `export.py` saves, "dense_1".
    """

    def __init__(self, values):
        super().__init__()
        self._layers = [
            tf.Variable(value, name=name.replace("logits/", "dense_1/"))
            for name, value in values.items()
        ]
        self._names = tuple(values)

    @tf.function(input_signature=(tf.TensorSpec([None], tf.float32),))
    def __call__(self, waveform):
        log_mel = features.waveform_to_log_mel(waveform, features.LogMelParams(log_offset=0.001))
        patches = tf.signal.frame(log_mel, 96, 48, axis=0)
        outputs = _reference(patches, dict(zip(self._names, self._layers, strict=True)))
        return outputs["predictions"], outputs["embedding"]


class PublishedFilesTest(tf.test.TestCase):
    """The forms that weights come in hold the same random values, written once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.values = _random_values()
        cls.npz = cls.folder / "yamnet.npz"
        np.savez(cls.npz, **cls.values)

    def test_every_tap_equals_the_reference(self):
        patches = np.random.default_rng(1).uniform(np.log(0.001), 2.0, (2, 96, 64))
        patches = patches.astype(np.float32)
        target = yamnet.load(weights=self.npz)
        expected, actual = _reference(patches, self.values), target.model(patches)
        self.assertEqual(list(actual), list(expected))
        self.assertEqual([*(tap.name for tap in target.taps), "predictions"], list(expected))
        for name, values in expected.items():
            self.assertGreater(np.std(values), 0.02, name)  # or equality would show nothing
            self.assertAllClose(actual[name], values, rtol=1e-4, atol=1e-4, msg=name)

    def test_saved_model_of_tf_hub(self):
        folder = self.folder / "saved_model"
        tf.saved_model.save(_PublishedModule(self.values), str(folder))
        self.assertIn("dense_1/kernel", hub.read_variables(folder))  # and no "logits/kernel"
        target = yamnet.load(weights=str(folder))
        self.assertEqual(target.fingerprint, yamnet.load(weights=self.npz).fingerprint)
        waveform = np.random.default_rng(2).uniform(-0.5, 0.5, 40_000).astype(np.float32)
        predictions, embeddings = tensorflow_hub.load(str(folder))(waveform)
        outputs = target.model(_patches(waveform, target))
        self.assertEqual(predictions.shape, (4, 521))
        self.assertAllClose(outputs["predictions"], predictions, rtol=1e-4, atol=1e-4)
        self.assertAllClose(outputs["embedding"], embeddings, rtol=1e-4, atol=1e-4)

    def test_keras_files(self):
        target = yamnet.load(weights=self.npz)
        target.model.save_weights(self.folder / "yamnet.weights.h5")
        target.model.save(self.folder / "yamnet.keras")
        for name in ("yamnet.weights.h5", "yamnet.keras"):
            loaded = loading.load_target("yamnet", weights=str(self.folder / name))
            self.assertEqual(loaded.fingerprint, target.fingerprint)


def _patches(waveform: np.ndarray, target: encoder.TargetEncoder) -> tf.Tensor:
    log_mel = features.waveform_to_log_mel(waveform, target.log_mel)
    starts = features.patch_starts(log_mel.shape[0], target.log_mel)
    return features.log_mel_to_patches(log_mel, starts, target.log_mel)


class UntrainedTest(tf.test.TestCase):
    """The architecture: what needs no file."""

    def test_every_network_check(self):
        def build():
            target = yamnet.load(weights="untrained", seed=1)
            target.model.trainable = True
            return target.model

        keras_checks.check_keras_model(self, build, (96, 64))

    def test_taps_are_the_table(self):
        target = loading.load_target("yamnet", weights="untrained")
        self.assertEqual({tap.name: tap.shape for tap in target.taps}, _TAP_SHAPES)
        self.assertEqual({tap.activation for tap in target.taps}, {"relu"})
        self.assertEqual(target.model.count_params(), 3_751_369)
        self.assertEmpty(target.model.trainable_weights)
        self.assertEqual(target.log_mel.log_offset, 0.001)
        self.assertEqual(features.patch_starts(200, target.log_mel).tolist(), [0, 48, 96])
        with self.assertRaisesRegex(ValueError, "no layer 'predictions'; its layers are: layer1 "):
            target.tap("predictions")

    def test_up_to_equals_the_whole_and_stops_at_its_tap(self):
        target = yamnet.load(weights="untrained", seed=3)
        patches = np.random.default_rng(0).normal(-3, 2, (2, 96, 64)).astype(np.float32)
        whole = target.model(patches)
        for name in ("layer1", "layer6", "layer14", "embedding"):
            self.assertAllClose(target.up_to(name)(patches), whole[name], rtol=1e-5, atol=1e-5)
        names = {layer.name for layer in target.up_to("layer2").layers}
        self.assertIn("layer2_pointwise_conv", names)
        self.assertNotIn("layer3_depthwise_conv", names)

    def test_activations_keep_their_scale(self):
        target = yamnet.load(weights="untrained", seed=3)
        patches = np.random.default_rng(0).normal(-3, 2, (4, 96, 64)).astype(np.float32)
        outputs = target.model(patches)
        for tap in target.taps:
            values = outputs[tap.name].numpy()
            self.assertBetween(np.sqrt(np.mean(np.square(values))), 0.2, 20.0, tap.name)
            self.assertGreater(np.mean(np.std(values, axis=0)), 0.02, tap.name)  # patches differ

    def test_seed(self):
        fingerprints = [yamnet.load(weights="untrained", seed=i).fingerprint for i in (3, 3, 4)]
        self.assertEqual(fingerprints[0], fingerprints[1])
        self.assertNotEqual(fingerprints[0], fingerprints[2])


class RefusedTest(tf.test.TestCase):
    """Weights that are missing, damaged, another model's, or code."""

    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "yamnet.npz"

    @contextlib.contextmanager
    def assert_refused(self, *parts: str):
        with self.assertRaises(hub.WeightsError) as caught:
            yield
        for part in (str(self.path), *parts):
            self.assertIn(part, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_missing(self):
        with self.assert_refused("no such file", "--target_weights="):
            yamnet.load(weights=self.path)

    def test_wrong_shape_missing_variable_or_not_finite(self):
        values = _random_values()
        kernel = "layer9/pointwise_conv/kernel"
        bias = values["logits/bias"]
        np.savez(self.path, **values | {kernel: np.zeros((1, 1, 512, 256), np.float32)})
        with self.assert_refused(kernel, "[1, 1, 512, 512], found [1, 1, 512, 256]"):
            yamnet.load(weights=self.path)
        np.savez(self.path, **{name: values[name] for name in values if name != kernel})
        with self.assert_refused(f"expected the variable {kernel} [1, 1, 512, 512]"):
            yamnet.load(weights=self.path)
        np.savez(self.path, **values | {"logits/bias": np.where(bias > 1, np.nan, bias)})
        with self.assert_refused("NaN or infinity in logits/bias"):
            yamnet.load(weights=self.path)
        np.savez(self.path, **values | {"logits/bias": bias.astype(np.int32)})
        with self.assert_refused("floating-point numbers, found int32 in logits/bias"):
            yamnet.load(weights=self.path)

    def test_truncated_flipped_or_no_archive(self):
        np.savez(self.path, **_random_values())
        contents = self.path.read_bytes()
        flipped = bytearray(contents)
        flipped[len(flipped) // 2] ^= 1
        for data, found in (
            (contents[: len(contents) // 2], "damaged or cut short; copy the file again"),
            (flipped, "cannot read it (Bad CRC-32"),
            (b"", "an empty file; copy or download the file again"),
            (b"PK\x03\x04", "damaged or cut short; copy the file again"),
            (b"these are words", "a text; check where it comes from"),
        ):
            self.path.write_bytes(data)
            with self.assert_refused(found):
                yamnet.load(weights=self.path)

    def test_a_header_that_claims_too_much(self):
        header = {"shape": (10**15,), "fortran_order": False, "descr": "<f4"}
        with (
            zipfile.ZipFile(self.path, "w") as archive,
            archive.open("layer1/conv/kernel.npy", "w") as file,
        ):
            np.lib.format.write_array_header_1_0(file, header)
        with self.assert_refused("[3, 3, 1, 32], found [1000000000000000]"):
            yamnet.load(weights=self.path)

    def test_pickles_are_not_opened(self):
        values = _random_values() | {"logits/bias": np.array([_Bomb()] * 521)}
        np.savez(self.path, **values)
        with self.assert_refused("pickled Python objects in logits/bias"):
            yamnet.load(weights=self.path)
        self.path.write_bytes(pickle.dumps(_Bomb()))
        with self.assert_refused("found a Python pickle, which may run code"):
            yamnet.load(weights=self.path)


class _Bomb:
    """Unpickled, it would fail the test."""

    def __reduce__(self):
        return _explode, ()


def _explode():
    raise AssertionError("a pickle was opened")


@pytest.mark.weights
@unittest.skipUnless(_WEIGHTS, "VGGISH_INVERSION_YAMNET_WEIGHTS names no weights of YAMNet")
class RealWeightsTest(tf.test.TestCase):
    """What the release hears; VGGISH_INVERSION_SPEECH names another recording of speech."""

    def _mean_predictions(self, waveform: np.ndarray) -> np.ndarray:
        target = loading.load_target("yamnet", weights=_WEIGHTS)
        predictions = target.model(_patches(waveform.astype(np.float32), target))["predictions"]
        return np.mean(predictions, axis=0)

    def test_speech_comes_first(self):
        predictions = self._mean_predictions(audio.read_audio(_CLIP))
        self.assertEqual(np.argmax(predictions), _SPEECH)
        self.assertGreater(predictions[_SPEECH], 0.95)

    def test_the_checks_of_the_release(self):
        """The sounds that `check_model` in its export.py looks for among the first ten."""
        rng = np.random.default_rng(0)
        seconds = np.arange(48_000) / 16_000
        for waveform, expected in (
            (np.zeros(48_000), _SILENCE),
            (rng.uniform(-1, 1, 48_000), _WHITE_NOISE),
            (np.sin(2 * np.pi * 440 * seconds), _SINE_WAVE),
        ):
            self.assertIn(expected, np.argsort(self._mean_predictions(waveform))[-10:])


class ImportTest(tf.test.TestCase):
    """The network is for every Keras backend."""

    @pytest.mark.slow  # conformance_test runs another network without it by default
    def test_runs_without_tensorflow(self):
        program = (
            "import sys; sys.modules['tensorflow'] = None; import numpy as np; "
            "from vggish_inversion.targets import yamnet; "
            "target = yamnet.load(weights=sys.argv[1]); "
            "patches = np.linspace(-6, 2, 96 * 64, dtype='float32').reshape(1, 96, 64); "
            "np.save(sys.argv[2], np.asarray(target.model(patches)['layer14']))"
        )
        with tempfile.TemporaryDirectory() as folder:
            npz, outputs = pathlib.Path(folder, "yamnet.npz"), pathlib.Path(folder, "layer14.npy")
            values = _random_values()
            np.savez(npz, **values)
            command = [sys.executable, "-c", program, str(npz), str(outputs)]
            environment = os.environ | {"KERAS_BACKEND": "jax"}
            root = pathlib.Path(__file__).resolve().parents[2]
            subprocess.run(command, cwd=root, env=environment, check=True)
            actual = np.load(outputs)
        patches = np.linspace(-6, 2, 96 * 64, dtype=np.float32).reshape(1, 96, 64)
        self.assertAllClose(actual, _reference(patches, values)["layer14"], rtol=1e-4, atol=1e-4)


if __name__ == "__main__":
    tf.test.main()
