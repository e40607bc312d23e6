"""Layers called as people call them: spaces, colons, CJK, and what TensorFlow takes in no graph."""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion.inverters import chain, config, grid
from vggish_inversion.targets import encoder, fingerprint, graph, loading

layers = keras.layers
_PATCHES = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)
_NAMES = ("block 1", "block_1", "block:1", "卷积层", "-block", "_", "Блок 1", "a" * 200, "块" * 80)


def _network() -> keras.Model:
    inputs = keras.Input((96, 64, 1))
    x = inputs
    for name in _NAMES:
        x = layers.Conv2D(2, 3, padding="same", activation="relu", name=name)(x)
    inner = keras.Sequential(
        [keras.Input((96, 64, 2)), layers.Conv2D(2, 3, name="in here")], name="a model inside"
    )
    return keras.Model(inputs, inner(x), name="my network, 1")


class OddNamesTest(tf.test.TestCase):
    def test_every_tap_keeps_its_name_and_works_in_a_graph(self):
        model = _network()
        target = encoder.TargetEncoder.from_keras(model)
        self.assertEqual([tap.name for tap in target.taps], [*_NAMES, "in here"])
        expected = {
            name: keras.Model(model.input, model.get_layer(name).output)(_PATCHES[..., np.newaxis])
            for name in _NAMES
        }
        found = tf.function(target.model)(_PATCHES)
        for name in _NAMES:
            self.assertAllClose(found[name], expected[name], atol=1e-6)
            self.assertAllClose(tf.function(target.up_to(name))(_PATCHES), found[name], atol=1e-6)
        self.assertAllClose(found["in here"], model(_PATCHES[..., np.newaxis]), atol=1e-6)
        self.assertEmpty(target.model.trainable_variables)
        self.assertEqual(target.fingerprint, fingerprint.of_network(model, target.log_mel))

    def test_weights_are_shared_not_copied(self):
        model = _network()
        target = encoder.TargetEncoder.from_keras(model)
        kernel = model.get_layer("block 1").kernel
        self.assertIn(id(kernel), {id(weight) for weight in target.model.weights})
        kernel.assign(0.0 * kernel)
        self.assertAllEqual(target.up_to("block 1")(_PATCHES), np.zeros((2, 96, 64, 2)))

    def test_an_inverter_is_trained_through_it(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = f"{folder}/net.keras"
        _network().save(path)
        target = loading.load_target(path)
        for name, precision in ((_NAMES[0], "float32"), (_NAMES[-1], "mixed_bfloat16")):
            settings = config.TrainConfig(precision=precision)
            viewed = chain.view_tap(target, target.tap(name), settings)
            model, _ = chain.build_training_model(target, viewed, settings)
            model.compile("adam", "mae")
            model.fit(_PATCHES, _PATCHES / 10, epochs=1, verbose=0)

    def test_scope_names(self):
        for name in _NAMES:
            with tf.Graph().as_default(), tf.name_scope("a"), tf.name_scope(graph.scope_name(name)):
                pass
        for name in ("conv1", "pool-1", "block_1.2"):
            self.assertEqual(graph.scope_name(name), name)

    def test_runs_of_a_grid(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        settings = config.TrainConfig(preset="large")
        made = [grid.run_folder(folder, name, settings) for name in (*_NAMES, "a:b", "..", "c\0d")]
        self.assertLen(set(made), len(made))
        for path in made:
            path.mkdir(parents=True)
            self.assertEqual(path.parents[1], folder)
        self.assertEqual(made[0], folder / "block 1" / "large-l1")
        # a run that lies under a name that would be made otherwise now is found there
        (folder / "d:e" / "large-l1").mkdir(parents=True)
        self.assertEqual(grid.run_folder(folder, "d:e", settings), folder / "d:e" / "large-l1")


if __name__ == "__main__":
    tf.test.main()
