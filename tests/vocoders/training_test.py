"""Training of vocoders: it learns, resumes, stops on nonsense, and what it writes is loadable."""

import csv
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import speech
from vggish_inversion import features, vocoders
from vggish_inversion.data import corpora, segments
from vggish_inversion.files import hub
from vggish_inversion.training import run_folder
from vggish_inversion.vocoders import card, melgan, monitoring, training

_PARAMS = features.LogMelParams()
_SMALL = training.VocoderConfig(
    width=16, num_epochs=3, steps_per_epoch=6, batch_size=2, segment_frames=16, learning_rate=2e-3
)
_LONGER = {"num_epochs": 2, "steps_per_epoch": 12}


def _history(folder: pathlib.Path) -> list[dict[str, str]]:
    return run_folder.read_history(folder)


class TrainVocoderTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        speech.write_ljspeech(folder / "LJSpeech-1.1", ["LJ001-0001", "LJ001-0002"])
        utterances = corpora.read_corpus(folder / "LJSpeech-1.1")
        cls.cache = segments.cache_segments(utterances, _PARAMS, folder / "cache")

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def _train(self, name: str, *, callbacks=(), discriminator=None, **changes) -> keras.Model:
        return training.train_vocoder(
            dataclasses.replace(_SMALL, **changes),
            train=self.cache,
            validation=self.cache,
            run_dir=self.folder / name,
            settings={"data_dir": ["LJSpeech-1.1"], "command": ["python", "train"]},
            callbacks=callbacks,
            discriminator=discriminator or melgan.build_discriminator(channels=(4, 8)),
        )

    def _copy_a_finished_run(self, name: str) -> keras.Model:
        """A copy of one that is trained once, as `_train(name, **_LONGER)` leaves it."""
        cls = type(self)
        if not hasattr(cls, "finished"):
            scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
            callbacks = monitoring.tensorboard_callbacks(
                scratch / "run",
                self.cache,
                measures={"level": lambda natural, vocoded: np.std(vocoded) / np.std(natural)},
            )
            trained = self._train(scratch / "run", callbacks=callbacks, **_LONGER)
            cls.finished = scratch / "run", trained
        folder, trained = cls.finished
        shutil.copytree(folder, self.folder / name)
        return trained

    def test_vocos_learns(self):
        self._copy_a_finished_run("vocos")
        self._check_it_learned("vocos")

    @pytest.mark.slow
    def test_melgan_learns(self):
        self._train("melgan", vocoder="melgan", **_LONGER)
        self._check_it_learned("melgan")

    def _check_it_learned(self, name):
        rows = _history(self.folder / name)
        self.assertEqual([row["num_segments"] for row in rows], ["24", "48"])
        self.assertLess(float(rows[1]["val_loss"]), 0.99 * float(rows[0]["val_loss"]))

    def test_adversarial_training_in_float16(self):
        self._check_adversarial("mixed_float16")

    @pytest.mark.slow
    def test_adversarial_training_in_bfloat16(self):
        self._check_adversarial("mixed_bfloat16")

    def _check_adversarial(self, precision):
        changes = {"adversarial": True, "steps_per_epoch": 1, "num_epochs": 1}
        with run_folder.computing_in(precision):
            discriminator = melgan.build_discriminator(channels=(4, 8))
        generator = self._train("run", precision=precision, discriminator=discriminator, **changes)
        self.assertEqual({weight.dtype for weight in generator.weights}, {"float32"})
        self.assertEqual(generator.get_layer("embed").compute_dtype, "float32")
        self.assertTrue(np.isfinite(float(_history(self.folder / "run")[0]["loss"])))

    @pytest.mark.slow
    def test_an_adversarial_run_that_was_interrupted_ends_as_the_whole_one(self):
        class Interrupt(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 1:
                    raise KeyboardInterrupt

        changes = {"adversarial": True, "steps_per_epoch": 2, "num_epochs": 2}
        whole = self._train("whole", **changes)
        with self.assertRaises(KeyboardInterrupt):
            self._train("parts", callbacks=[Interrupt()], **changes)
        self.assertLen(_history(self.folder / "parts"), 1)
        parts = self._train("parts", **changes)
        for name in ("adversarial_loss", "feature_loss", "discriminator_loss", "val_loss"):
            rows = [_history(self.folder / run)[-1] for run in ("whole", "parts")]
            self.assertAllClose(*(float(row[name]) for row in rows), rtol=1e-2)
        for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
            self.assertAllClose(one, other, atol=1e-5)

    def test_other_settings_do_not_go_on(self):
        self._copy_a_finished_run("run")
        with self.assertRaisesRegex(run_folder.RunError, "learning_rate 0.002 -> 0.1"):
            self._train("run", learning_rate=0.1, **_LONGER)

    @pytest.mark.slow  # an inverter's run is the one by default
    def test_a_loss_that_is_not_finite_keeps_the_last_good_weights(self):
        class Spoil(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                assert self.model is not None
                if epoch == 1:
                    weights = self.model.trainable_variables[0]
                    weights.assign(np.full(weights.shape, np.nan))

        with self.assertRaisesRegex(run_folder.RunError, "epoch 2 .*not finite.*epoch 1 are kept"):
            self._train("spoilt", steps_per_epoch=1, callbacks=[Spoil()])
        self.assertLen(_history(self.folder / "spoilt"), 1)
        vocoder = vocoders.load_vocoder(str(self.folder / "spoilt"), _PARAMS)
        self.assertTrue(np.isfinite(vocoder(np.zeros([1, 9, 64]))).all())

    @pytest.mark.slow  # adversarial training in float16 is the one by default
    def test_reduced_precision(self):
        trained = self._train("run", precision="mixed_float16", num_epochs=1)
        self.assertEqual({weight.dtype for weight in trained.weights}, {"float32"})
        self.assertEqual(trained.get_layer("embed").compute_dtype, "float32")
        self.assertLess(float(_history(self.folder / "run")[0]["val_loss"]), 3.0)

    def test_begins_with_initial_weights(self):
        first = self._copy_a_finished_run("first")
        initial = str(self.folder / "first" / "vocoder.keras")
        changes = {"num_epochs": 1, "steps_per_epoch": 1, "seed": 1, "learning_rate": 1e-7}
        second = self._train("second", initial_weights=initial, **changes)
        for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
            self.assertAllClose(one, other, atol=1e-6)

    def test_monitoring(self):
        self._copy_a_finished_run("run")
        self.assertNear(float(_history(self.folder / "run")[0]["val_level"]), 1.0, 0.5)
        tags = set()
        for path in (self.folder / "run" / "tensorboard").rglob("events*"):
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                tags |= {value.tag for value in event.summary.value}
        self.assertLessEqual(
            {"natural", "vocoded", "epoch_loss", "epoch_learning_rate", "epoch_level"}, tags
        )

    def test_an_unknown_vocoder(self):
        with self.assertRaisesRegex(ValueError, "'griffin_lim' is not a vocoder .*melgan vocos"):
            self._train("run", vocoder="griffin_lim")

    def test_store(self):
        trained = self._copy_a_finished_run("run")
        results = {"num_clips": 2, "data": "some, test"}
        for name in ("neural", "griffin_lim"):
            results |= {f"{name}_times_realtime": 12.3, f"{name}_stoi": 0.9, f"{name}_pesq": 2.5}
            results[f"{name}_log_mel_l1"] = 0.1
        store = self.folder / "store"
        folder = card.store_vocoder(self.folder / "run", store)
        with self.assertRaisesRegex(ValueError, "the results are of weights of another"):
            card.store_vocoder(folder, store, results=results | {"neural_sha256": "of another"})
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        shutil.copytree(self.folder / "run", self.folder / "other")
        other = hub.read_keras_model(self.folder / "other" / "vocoder.keras")
        other.set_weights([1.01 * weights for weights in other.get_weights()])
        other.save(self.folder / "other" / "vocoder.keras")
        with self.assertRaisesRegex(ValueError, "the results are of weights of another"):
            card.store_vocoder(
                self.folder / "other", store, results=results | {"neural_sha256": "of another"}
            )
        self.assertEqual({path.name: path.read_bytes() for path in folder.iterdir()}, before)
        results["neural_sha256"] = hub.sha256(folder / "vocoder.keras")
        card.store_vocoder(folder, store, commit="abc", results=results)
        self.assertEqual(folder, self.folder / "store" / "vocoder" / "vocos" / "1")
        text = (folder / "README.md").read_text()
        for part in (
            "abc",
            "LJSpeech-1.1",
            "24 steps of 2 segments",
            "| vocos | 12 | 0.900 | 2.50",
        ):
            self.assertIn(part, text)
        self.assertIn(hub.sha256(folder / "vocoder.keras"), text)
        stored = hub.read_keras_model(folder / "vocoder.keras")
        for own, small in zip(trained.get_weights(), stored.get_weights(), strict=True):
            rounded = own.astype(np.float16).astype(np.float32) if own.ndim > 1 else own
            self.assertAllEqual(rounded, small)
        sizes = [(path / "vocoder.keras").stat().st_size for path in (self.folder / "run", folder)]
        self.assertLess(sizes[1], 0.8 * sizes[0])
        with self.assertRaisesRegex(hub.WeightsError, "no trained vocoder in"):
            card.store_vocoder(self.folder, self.folder / "store")


_ON_JAX = """
import sys

sys.modules["tensorflow"] = None  # as where it is not installed: importing it fails
import numpy as np
from vggish_inversion import features
from vggish_inversion.data import segments
from vggish_inversion.vocoders import training

rng = np.random.default_rng(0)
params = features.LogMelParams()
frames = rng.normal(-2, 1, (120, 64)).astype(np.float16)
samples = rng.integers(-9000, 9000, 120 * 160 + 2 * 240).astype(np.int16)
cache = segments.SegmentCache(samples, frames, np.array([70, 50]), params, "noise")
config = training.VocoderConfig(
    width=16, num_epochs=3, steps_per_epoch=4, batch_size=2,
    segment_frames=8, learning_rate=3e-3,
)
training.train_vocoder(
    config, train=cache, validation=cache, run_dir=sys.argv[1], settings={}
)
"""


@pytest.mark.slow  # an inverter's run on JAX is the one by default
class JaxTest(tf.test.TestCase):
    def test_a_run_on_jax_needs_no_tensorflow(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "run"
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        command = [sys.executable, "-c", _ON_JAX, str(folder)]
        subprocess.run(command, check=True, env=environment)
        with open(folder / "history.csv", newline="") as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        self.assertLess(losses[-1], losses[0])
        config = json.loads((folder / "config.json").read_text())
        self.assertEqual(config["vocoder"], "vocos")
        waveform = vocoders.load_vocoder(str(folder), _PARAMS)(np.zeros([1, 9, 64]))
        self.assertTrue(np.isfinite(waveform).all())
