"""Runs learn, go on where they were killed, and refuse to be mixed up."""

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

from tests import small_runs, speech
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.features import views
from vggish_inversion.files import hub
from vggish_inversion.inverters import chain, monitoring, run, search, training
from vggish_inversion.targets import loading
from vggish_inversion.training import run_folder

_CONFIG = training.TrainConfig(
    num_epochs=4, batch_size=4, learning_rate=3e-3, optimizer="adam", seed=1
)


class _KilledError(Exception):
    """Stands for a signal."""


class _Kill(keras.callbacks.Callback):
    """Ends a run in the middle of an epoch, after the checkpoint of the one before."""

    def __init__(self, epoch: int):
        super().__init__()
        self._epoch = epoch
        self._now = -1

    def on_epoch_begin(self, epoch, logs=None):
        self._now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self._now == self._epoch and batch == 1:
            raise _KilledError


class TrainingTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = loading.load_target("small_encoder/speech_commands", weights="untrained")
        cache_dir = cls.enterClassContext(tempfile.TemporaryDirectory())
        utterances = corpora.read_corpus(speech.DEMO_SPEECH)
        cls.train = log_mel_cache.cache_log_mel(utterances[:6], cls.target.log_mel, cache_dir)
        cls.validation = log_mel_cache.cache_log_mel(utterances[6:], cls.target.log_mel, cache_dir)

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def _train(self, name, *, config=_CONFIG, layer="layer_1", callbacks=(), train=None):
        return training.train_inverter(
            self.target,
            layer,
            config,
            train=train or self.train,
            validation=self.validation,
            run_dir=self.folder / name,
            settings={"command": ["python", "-m", "pytest"]},
            callbacks=callbacks,
        )

    def _copy_a_finished_run(self, name) -> keras.Model:
        """A copy of one that is trained once, as `_train(name)` leaves it; returns its inverter."""
        cls = type(self)
        if not hasattr(cls, "finished"):
            scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
            cls.finished = scratch / "run", self._train(scratch / "run")
        folder, inverter = cls.finished
        shutil.copytree(folder, self.folder / name)
        return inverter

    def _history(self, name):
        with open(self.folder / name / "history.csv", newline="") as file:
            return list(csv.DictReader(file))

    def test_a_run_learns_and_leaves_the_target_alone(self):
        before = [np.array(weight) for weight in self.target.model.get_weights()]
        inverter = self._train("run", layer="layer_0")
        history = self._history("run")
        self.assertEqual([row["epoch"] for row in history], ["1", "2", "3", "4"])
        losses = [float(row["val_loss"]) for row in history]
        self.assertLess(losses[-1], 0.9 * losses[0])
        patches_per_epoch = self.train.num_patches // 4 * 4
        self.assertEqual(int(history[-1]["num_patches"]), 4 * patches_per_epoch)
        for weight, kept in zip(self.target.model.get_weights(), before, strict=True):
            self.assertAllEqual(weight, kept)
        # the loss is what it says: mean distance in network range
        patches = np.asarray(self.validation.grid_patches())
        inverted = inverter(self.target.up_to("layer_0")(patches)).numpy()
        self.assertAllClose(np.mean(np.abs(inverted - patches / 10)), losses[-1], rtol=1e-4)

    def test_a_killed_run_ends_where_it_would_have_ended(self):
        whole = self._copy_a_finished_run("whole")
        for epoch in (1, 3):
            with self.assertRaises(_KilledError):
                self._train("killed", callbacks=[_Kill(epoch)])
            self.assertLen(self._history("killed"), epoch)
        resumed = self._train("killed")
        for left, right in zip(whole.get_weights(), resumed.get_weights(), strict=True):
            self.assertAllClose(left, right, atol=1e-6)
        for left, right in zip(self._history("whole"), self._history("killed"), strict=True):
            self.assertEqual(left["num_patches"], right["num_patches"])
            self.assertAllClose(float(left["val_loss"]), float(right["val_loss"]), atol=1e-6)

    def test_an_inverter_of_several_views(self):
        self._check_several_views("l1")

    @pytest.mark.slow
    def test_an_adversarial_inverter_of_several_views_that_is_killed(self):
        config, inverter = self._check_several_views("gan")
        with self.assertRaises(_KilledError):
            self._train("killed", config=config, layer="layer_3", callbacks=[_Kill(1)])
        resumed = self._train("killed", config=config, layer="layer_3")
        for left, right in zip(inverter.get_weights(), resumed.get_weights(), strict=True):
            self.assertAllClose(left, right, atol=1e-6)

    def _check_several_views(self, loss):
        config = dataclasses.replace(_CONFIG, num_epochs=2, preset="large", num_views=5)
        callbacks = monitoring.tensorboard_callbacks(self.folder / loss, self.validation)
        config = dataclasses.replace(config, loss=loss)
        inverter = self._train(loss, config=config, layer="layer_3", callbacks=callbacks)
        self.assertEqual(inverter.input_shape, (None, 5, 6, 4, 64))
        # the loss is that of the patch alone, seen with its context
        to_tap = views.overlapping(
            self.target.up_to("layer_3"), views.Views(5, 96), self.target.source
        )
        inverted = inverter(to_tap(self.validation.with_context(48).grid_patches())).numpy()
        found = np.mean(np.abs(inverted - np.asarray(self.validation.grid_patches()) / 10))
        self.assertAllClose(found, float(self._history(loss)[-1]["val_loss"]), rtol=1e-4)
        return config, inverter

    def test_the_number_of_views_goes_by_the_tap(self):
        for layer, expected in (("layer_1", 1), ("layer_3", 17)):
            config = training.TrainConfig(preset="large")
            viewed = chain.view_tap(self.target, self.target.tap(layer), config)
            self.assertEqual(viewed.views.num_views, expected)
        with self.assertRaisesRegex(ValueError, "inverts a patch alone, not 3 views"):
            self._train("new", config=dataclasses.replace(_CONFIG, num_views=3))

    def test_views_of_before_that_lay_closer_together(self):
        config = dataclasses.replace(_CONFIG, num_epochs=1, preset="large", num_views=11)
        self._train("run", config=config, layer="layer_3")  # 96 frames, 10 gaps
        path = self.folder / "run" / "config.json"
        kept = json.loads(path.read_text())
        self.assertEqual((kept["num_views"], kept["context_frames"]), (11, 48))
        with self.assertRaisesRegex(run_folder.RunError, "num_views 11 -> 9"):
            fewer = dataclasses.replace(config, num_views=9)
            self._train("run", config=fewer, layer="layer_3")
        run.read_run(path.parent).load_model()
        del kept["context_frames"]
        path.write_text(json.dumps(kept))
        with self.assertRaisesRegex(ValueError, "run was trained on 11 views .* train it anew"):
            run.read_run(path.parent).load_model()
        with self.assertRaisesRegex(run_folder.RunError, "context_frames None -> 48"):
            self._train("run", config=config, layer="layer_3")

    def test_a_finished_run_is_not_trained_again(self):
        self._copy_a_finished_run("run")
        written = (self.folder / "run" / "checkpoint.npz").stat().st_mtime_ns
        self._train("run")
        self.assertEqual((self.folder / "run" / "checkpoint.npz").stat().st_mtime_ns, written)

    def test_a_finished_inverter_keeps_its_bytes_and_a_damaged_one_is_mended(self):
        config = dataclasses.replace(_CONFIG, num_epochs=1)
        made = self._train("run", config=config)
        path = self.folder / "run" / "inverter.keras"
        before = path.stat().st_mtime_ns, path.read_bytes()
        again = self._train("run", config=config)
        # evaluation knows an inverter by its bytes, which hold the date
        self.assertEqual((path.stat().st_mtime_ns, path.read_bytes()), before)
        path.write_bytes(before[1][:1000])
        mended = self._train("run", config=config)
        self.assertAllEqual(
            run.read_run(path.parent).load_model().get_weights()[0], made.weights[0]
        )
        for left, middle, right in zip(made.weights, again.weights, mended.weights, strict=True):
            self.assertAllEqual(left, middle)
            self.assertAllEqual(left, right)

    def test_recgan_begins_with_reccnn(self):
        first = self._train("first", config=dataclasses.replace(_CONFIG, num_epochs=1))
        initial = str(self.folder / "first" / "inverter.keras")
        config = dataclasses.replace(
            _CONFIG, num_epochs=1, loss="gan", learning_rate=1e-7, initial_weights=initial
        )
        second = self._train("second", config=config)
        for one, other in zip(
            first.trainable_weights, second.trainable_weights, strict=True
        ):  # the running means of batch norm move on
            self.assertAllClose(one, other, atol=1e-5)
        pathlib.Path(initial).unlink()  # resumed, it goes on from its own checkpoint
        self._train("second", config=config)

    def test_wrong_initial_weights_leave_a_folder_that_can_be_used(self):
        small_runs.write(self.folder / "other_layer", self.target, "layer_4")
        path = self.folder / "other_layer" / "inverter.keras"
        for wrong, said in ((path, "cannot load"), (self.folder / "none.keras", "no such file")):
            config = dataclasses.replace(_CONFIG, num_epochs=1, initial_weights=str(wrong))
            with self.assertRaisesRegex(hub.WeightsError, said):
                self._train("run", config=config)
        self._train("run", config=dataclasses.replace(_CONFIG, num_epochs=1))
        self.assertLen(self._history("run"), 1)

    def test_other_settings_are_refused_by_name(self):
        self._copy_a_finished_run("run")
        other = dataclasses.replace(_CONFIG, num_epochs=5, optimizer="muon")
        different = r"num_epochs 4 -> 5; optimizer 'adam' -> 'muon'"
        with self.assertRaisesRegex(run_folder.RunError, different):
            self._train("run", config=other)
        with self.assertRaisesRegex(run_folder.RunError, "layer 'layer_1' -> 'layer_2'"):
            self._train("run", layer="layer_2")
        with self.assertRaisesRegex(run_folder.RunError, "train_data"):
            self._train("run", train=self.validation)

    def test_bfloat16_learns_alike_and_is_written_in_float32(self):
        self._check_reduced("mixed_bfloat16")
        with self.assertRaisesRegex(ValueError, "no precision 'int3'; there are: float32"):
            self._train("int3", config=dataclasses.replace(_CONFIG, precision="int3"))

    @pytest.mark.slow  # a vocoder learns in float16 by default
    def test_float16_learns_alike_and_is_written_in_float32(self):
        self._check_reduced("mixed_float16")

    def _check_reduced(self, precision):
        config = dataclasses.replace(_CONFIG, num_epochs=2, learning_rate=1e-3)
        self._train("float32", config=config)
        expected = float(self._history("float32")[-1]["val_loss"])
        inverter = self._train("run", config=dataclasses.replace(config, precision=precision))
        self.assertEqual({layer.compute_dtype for layer in inverter.layers}, {"float32"})
        self.assertEqual({weight.dtype for weight in inverter.weights}, {"float32"})
        loss = float(self._history("run")[-1]["val_loss"])
        self.assertAllClose(loss, expected, rtol=0.1)
        self.assertEqual(keras.config.dtype_policy().name, "float32")

    def test_the_frozen_target_computes_in_reduced_precision_too(self):
        patches = self.validation.grid_patches(4)
        for name in ("small_encoder/speech_commands", "yamnet"):
            target = loading.load_target(name, weights="untrained")
            layer = target.taps[3].name
            exact = target.up_to(layer)(patches).numpy()
            config = training.TrainConfig(precision="mixed_bfloat16")
            viewed = chain.view_tap(target, target.taps[3], config)
            model, _ = chain.build_training_model(target, viewed, config)
            frozen = model.layers[1]
            self.assertEqual(
                {layer.compute_dtype for layer in frozen.layers if layer.weights}, {"bfloat16"}
            )
            self.assertEmpty(frozen.trainable_variables)
            reduced = tf.cast(frozen(patches), tf.float32).numpy()
            self.assertAllClose(reduced, exact, atol=0.05 * np.abs(exact).max())
            self.assertEqual({layer.compute_dtype for layer in target.model.layers}, {"float32"})

    def test_rec_gan_learns_both_networks_and_is_resumed_exactly(self):
        config = dataclasses.replace(_CONFIG, loss="gan", num_epochs=3)
        whole = self._train("whole", config=config)
        history = self._history("whole")
        losses = {name: [float(row[name]) for row in history] for name in history[0]}
        self.assertLess(losses["val_loss"][-1], 0.9 * losses["val_loss"][0])
        self.assertLess(losses["discriminator_loss"][-1], losses["discriminator_loss"][0])
        self.assertAllGreaterEqual(losses["adversarial_loss"], 0.0)
        with self.assertRaises(_KilledError):
            self._train("killed", config=config, callbacks=[_Kill(2)])
        resumed = self._train("killed", config=config)
        for left, right in zip(whole.get_weights(), resumed.get_weights(), strict=True):
            self.assertAllClose(left, right, atol=1e-6)
        self.assertEqual(run.read_run(self.folder / "whole").loss, "gan")
        with self.assertRaisesRegex(ValueError, "no optimizer 'sgd'; optimizers are: adam muon"):
            self._train("other", config=dataclasses.replace(_CONFIG, optimizer="sgd"))
        with self.assertRaisesRegex(ValueError, "losses are: l1 gan"):
            self._train("other", config=dataclasses.replace(_CONFIG, loss="l2"))

    def test_a_loss_that_is_not_finite_ends_the_run_with_its_last_good_weights(self):
        class _Poison(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 2 and self.model is not None:
                    kernel = self.model.trainable_variables[0]
                    kernel.assign(np.full(kernel.shape, np.nan))

        with self.assertRaisesRegex(run_folder.RunError, "epoch 3 .*not finite.*learning_rate"):
            self._train("run", callbacks=[_Poison()])
        self.assertLen(self._history("run"), 2)
        with np.load(self.folder / "run" / "checkpoint.npz") as kept:
            self.assertAllInRange(kept["variable_0"], -10.0, 10.0)  # no NaN

    def test_a_run_folder_is_read_back(self):
        inverter = self._copy_a_finished_run("run")
        found = run.read_run(self.folder / "run")
        self.assertEqual((found.layer, found.preset, found.loss), ("layer_1", "paper", "l1"))
        embedding = np.random.default_rng(0).normal(size=(2, 24, 16, 16))
        self.assertAllClose(found.load_model()(embedding), inverter(embedding), atol=1e-6)
        found.check_target(found.load_target())
        other = loading.load_target("small_encoder/speech_commands", weights="untrained", seed=9)
        with self.assertRaisesRegex(ValueError, "name the weights it was trained on"):
            found.check_target(other)

    def test_runs_are_found_by_layer(self):
        small_runs.write(self.folder / "deep", self.target, "layer_2")
        small_runs.write(self.folder / "shallow", self.target, "layer_0")
        runs = search.find_runs(self.folder, self.target, layers=None)
        self.assertEqual([found.layer for found in runs], ["layer_0", "layer_2"])
        with self.assertRaisesRegex(ValueError, "no trained inverter for layer layer_1"):
            search.find_runs(self.folder, self.target, layers=["layer_0", "layer_1"])
        with self.assertRaisesRegex(ValueError, "no layer 'conv4'"):
            search.find_runs(self.folder, self.target, layers=["conv4"])

    def test_tensorboard_gets_losses_pictures_and_sound(self):
        callbacks = monitoring.tensorboard_callbacks(
            self.folder / "run",
            self.validation,
            vocoder=lambda log_mel: np.tanh(log_mel[:, :, :16]).reshape(len(log_mel), -1),
        )
        self._train("run", callbacks=callbacks)
        tags = set()
        for path in (self.folder / "run" / "tensorboard").rglob("events*"):
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                tags |= {value.tag for value in event.summary.value}
        self.assertIn("epoch_loss", tags)
        self.assertIn("epoch_learning_rate", tags)
        self.assertIn("epoch_patches_per_second", tags)
        self.assertIn("original_and_inverted", tags)
        self.assertIn("inverted", tags)

    def test_damaged_run_folders(self):
        with self.assertRaisesRegex(ValueError, "no trained inverter in .*expected inverter.keras"):
            run.read_run(self.folder)
        self._copy_a_finished_run("run")
        (self.folder / "run" / "inverter.keras").write_bytes(b"PK not really")
        with self.assertRaisesRegex(ValueError, "inverter.keras"):
            run.read_run(self.folder / "run").load_model()
        (self.folder / "run" / "config.json").write_text(json.dumps({"layer": "x"}))
        with self.assertRaisesRegex(ValueError, "lacks .*target"):
            run.read_run(self.folder / "run")


_ON_JAX = """
import sys

sys.modules["tensorflow"] = None  # as where it is not installed: importing it fails
import numpy as np
from vggish_inversion import features
from vggish_inversion.data import log_mel_cache
from vggish_inversion.inverters import run, search, training
from vggish_inversion.targets import loading

rng = np.random.default_rng(0)
frames = np.cumsum(rng.normal(0, 0.3, (800, 64)), axis=0).clip(-4, 4).astype(np.float16)
cache = log_mel_cache.LogMelCache(frames, np.array([500, 300]), features.LogMelParams(), "noise")
target = loading.load_target("small_encoder/speech_commands", weights="untrained")
for layer, preset in [item.split(":") for item in sys.argv[2:]]:
    config = training.TrainConfig(preset, num_epochs=3, batch_size=4, learning_rate=3e-3)
    folder = sys.argv[1] + "/" + layer
    training.train_inverter(
        target, layer, config, train=cache, validation=cache, run_dir=folder, settings={}
    )
    history = open(folder + "/history.csv").read().splitlines()
    losses = [float(row.split(",")[2]) for row in history[1:]]
    assert losses[-1] < losses[0], losses
    run.read_run(folder).load_model()
"""


@pytest.mark.parametrize(
    ("layer", "preset", "shape"),
    [
        ("layer_0", "paper", (48, 32, 8)),
        pytest.param("layer_3", "large", (17, 6, 4, 64), marks=pytest.mark.slow),
    ],
)
def test_a_run_on_jax_needs_no_tensorflow(tmp_path, layer, preset, shape):
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", _ON_JAX, str(tmp_path), f"{layer}:{preset}"]
    subprocess.run(command, check=True, env=environment)
    model = run.read_run(tmp_path / layer).load_model()
    assert (model.input_shape[1:], model.output_shape[1:]) == (shape, (96, 64))
