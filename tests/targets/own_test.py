"""Networks of your own: in memory, as files, with each kind of input; and each way to fail."""

import json
import pathlib
import tempfile
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from tests import networks, speech
from vggish_inversion import features, reconstruction, vocoders
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.files import hub
from vggish_inversion.inverters import run, search, training
from vggish_inversion.targets import encoder, fingerprint, graph, loading

layers = keras.layers


_TAPS = {
    "conv": ((48, 32, 4), "relu"),
    "norm": ((48, 32, 4), "linear"),
    "pool": ((24, 16, 4), "linear"),
    "linear_conv": ((24, 16, 4), "linear"),
    "add": ((24, 16, 4), "linear"),
    "relu6": ((24, 16, 4), "relu6"),
    "average": ((4,), "relu6"),
    "classes": ((3,), "softmax"),
}
_PATCHES = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)


class _FolderTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def assert_refused(self, call, *parts: str):
        """The call raises one line that contains all `parts`."""
        with self.assertRaises(ValueError) as caught:
            call()
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for part in parts:
            self.assertIn(part, message)


class InMemoryTest(_FolderTest):
    def test_every_layer_worth_inverting(self):
        target = encoder.TargetEncoder.from_keras(networks.small_cnn())
        found = {tap.name: (tap.shape, tap.activation) for tap in target.taps}
        self.assertEqual(found, _TAPS)
        self.assertEqual(target.name, "small_cnn")
        self.assertEqual(target.log_mel, features.LogMelParams())
        self.assertEmpty(target.model.trainable_variables)

    def test_values_are_the_models_own(self):
        for shape, images in (
            ((96, 64), _PATCHES),
            ((96, 64, 1), _PATCHES[..., np.newaxis]),
            ((96, 64, 3), np.repeat(_PATCHES[..., np.newaxis], 3, axis=-1)),
            ((None, None, 1), _PATCHES[..., np.newaxis]),
        ):
            model = networks.small_cnn(shape)
            target = encoder.TargetEncoder.from_keras(model)
            self.assertEqual(target.tap("pool").shape, (24, 16, 4))
            expected = keras.Model(model.input, model.get_layer("relu6").output)(images)
            self.assertAllClose(target.model(_PATCHES)["relu6"], expected, atol=1e-6)
            self.assertAllClose(target.up_to("classes")(_PATCHES), model(images), atol=1e-6)

    def test_chosen_taps_in_the_order_of_the_network(self):
        target = encoder.TargetEncoder.from_keras(
            networks.small_cnn(), taps=["add", "dropout", "conv"]
        )
        self.assertEqual([tap.name for tap in target.taps], ["conv", "dropout", "add"])
        self.assertEqual(
            target.fingerprint, fingerprint.of_network(networks.small_cnn(), target.log_mel)
        )

    def test_the_patch_is_the_models(self):
        target = encoder.TargetEncoder.from_keras(
            networks.small_cnn((50, 40)), log_mel=features.LogMelParams(log_offset=0.001)
        )
        params = features.LogMelParams(
            patch_frames=50, num_bands=40, patch_hop_frames=50, log_offset=0.001
        )
        self.assertEqual(target.log_mel, params)
        stated = {"patch_frames": 80, "patch_hop_frames": 40, "high_hz": 8000.0}
        target = encoder.TargetEncoder.from_keras(networks.small_cnn((None, 40, 1)), log_mel=stated)
        self.assertEqual(
            (
                target.log_mel.patch_frames,
                target.log_mel.patch_hop_frames,
                target.log_mel.num_bands,
            ),
            (80, 40, 40),
        )

    def test_sequential(self):
        model = keras.Sequential(
            [keras.Input((96, 64, 1)), layers.Conv2D(2, 3, name="conv"), layers.Flatten()]
        )
        target = encoder.TargetEncoder.from_keras(model)
        self.assertEqual({tap.name: tap.shape for tap in target.taps}, {"conv": (94, 62, 2)})

    def test_models_inside_the_model_are_unfolded(self):
        inner = keras.Sequential(
            [keras.Input((96, 64, 1)), layers.Conv2D(2, 3, name="conv"), layers.ReLU(name="relu")],
            name="inner",
        )
        inputs = keras.Input((96, 64, 1))
        model = keras.Model(inputs, layers.Conv2D(1, 3, name="last")(inner(inputs, training=False)))
        target = encoder.TargetEncoder.from_keras(model)
        self.assertEqual([tap.name for tap in target.taps], ["conv", "relu", "last"])
        self.assertAllClose(
            target.model(_PATCHES)["last"], model(_PATCHES[..., np.newaxis]), atol=1e-6
        )
        # With two layers of one name, the models inside stay closed.
        model = keras.Model(inputs, layers.Conv2D(1, 3, name="conv")(inner(inputs)))
        target = encoder.TargetEncoder.from_keras(model)
        self.assertEqual([tap.name for tap in target.taps], ["inner", "conv"])

    def test_a_layer_that_is_called_twice(self):
        convolution = layers.Conv2D(1, 3, padding="same", name="conv")
        inputs = keras.Input((96, 64, 1))
        model = keras.Model(inputs, convolution(convolution(inputs)))
        target = encoder.TargetEncoder.from_keras(model)
        self.assertEqual([tap.name for tap in target.taps], ["conv", "conv.1"])
        taps = target.model(_PATCHES)
        self.assertAllClose(taps["conv.1"], convolution(taps["conv"]), atol=1e-6)

    def test_refused(self):
        make = encoder.TargetEncoder.from_keras
        self.assert_refused(
            lambda: make(networks.small_cnn(), taps=["pool9"]), "no layer 'pool9'", "conv"
        )
        self.assert_refused(
            lambda: make(networks.small_cnn((96, 64, 2))),
            "is given [None, 96, 64, 2]",
            "last axis of 1 or 3",
        )
        self.assert_refused(
            lambda: make(networks.small_cnn(), log_mel={"num_bands": 40}),
            "num_bands = 64",
            "say 40",
        )
        self.assert_refused(
            lambda: make(networks.small_cnn(), log_mel={"offset": 1.0}),
            "unknown: offset",
            "log_offset",
        )
        self.assert_refused(
            lambda: make(networks.small_cnn(), log_mel={"log_offset": 0}), "log_offset is 0"
        )
        self.assert_refused(
            lambda: make(networks.small_cnn(), log_mel={"num_bands": 64.0}),
            "64.0, not a whole number",
        )
        self.assert_refused(
            lambda: make(networks.small_cnn(), log_mel={"sample_rate_hz": 8000}), "at most half"
        )
        self.assert_refused(
            lambda: make(networks.small_cnn(), log_mel={"high_hz": 9e3}),
            "half of sample_rate_hz, 8000",
        )
        for stated, part in (
            ({"window_seconds": 0.01, "hop_seconds": 0.02}, "windows of 160 samples every 320"),
            ({"hop_seconds": 1e-5}, "every 0; expected a hop of one sample"),
            ({"patch_hop_frames": 97}, "every 97 leave gaps"),
        ):
            self.assert_refused(
                lambda stated=stated: make(networks.small_cnn(), log_mel=stated), part
            )
        # side by side, they see every sample
        make(networks.small_cnn(), log_mel={"window_seconds": 0.01, "hop_seconds": 0.01})
        two = [keras.Input((96, 64), name=name) for name in ("left", "right")]
        model = keras.Model(two, layers.Add()(two))
        self.assert_refused(lambda: make(model), "inputs left, right", "one input")
        model = keras.Sequential([layers.Dense(2)], name="unbuilt")
        self.assert_refused(lambda: make(model), "unbuilt has no graph", "keras.Input")
        self.assert_refused(lambda: make(tf.Module()), "expected a Keras 3 model")
        inputs = keras.Input((4, 4, 4, 1))
        model = keras.Model(inputs, layers.Flatten()(inputs))
        self.assert_refused(lambda: make(model), "expected log-mel patches")
        inputs = keras.Input((96, 64, 1))
        x = layers.Conv2D(2, 3, data_format="channels_first", padding="same", name="conv")
        with mock.patch.object(layers.Conv2D, "call", lambda self, inputs: inputs):
            model = keras.Model(inputs, x(inputs))
            self.assert_refused(lambda: make(model), "conv", "channels first", "channels_last")
        whole = layers.Reshape((96, 8, 8, 1), name="whole")(inputs)
        model = keras.Model(inputs, whole)
        self.assert_refused(lambda: make(model, taps=["whole"]), "whole", "one to three axes")
        self.assert_refused(lambda: make(model), "no layer whose output can be inverted")


class FileTest(_FolderTest):
    def setUp(self):
        super().setUp()
        self.path = str(self.folder / "net.keras")
        self.model = networks.small_cnn()
        self.model.save(self.path)

    def test_load(self):
        target = loading.load_target(self.path)
        self.assertEqual(target.name, self.path)
        self.assertEqual({tap.name for tap in target.taps}, set(_TAPS))
        self.assertEqual(target.fingerprint, fingerprint.of_network(self.model, target.log_mel))
        self.assertAllClose(target.up_to("classes")(_PATCHES), self.model(_PATCHES), atol=1e-6)

    def test_settings_beside_the_file(self):
        (self.folder / "log_mel.json").write_text('{"log_offset": 0.5}')
        self.assertEqual(loading.load_target(self.path).log_mel.log_offset, 0.5)
        (self.folder / "net.json").write_text('{"log_offset": 0.25, "patch_hop_frames": 48}')
        params = loading.load_target(self.path).log_mel
        self.assertEqual((params.log_offset, params.patch_hop_frames), (0.25, 48))
        for text, part in (
            ('{"class_name": "Functional"}', "unknown: class_name"),
            ("[1]", "it holds a list"),
            ("{", "net.json"),
            ('{"log_mel_layer": 3}', "not a layer's name"),
        ):
            (self.folder / "net.json").write_text(text)
            self.assert_refused(lambda: loading.load_target(self.path), "net.json", part)

    def test_weights(self):
        other = networks.small_cnn()
        other.set_weights([weight + 1 for weight in other.get_weights()])
        other.save_weights(self.folder / "other.weights.h5")
        target = loading.load_target(self.path, weights=str(self.folder / "other.weights.h5"))
        self.assertEqual(target.fingerprint, fingerprint.of_network(other, target.log_mel))

        moved = pathlib.Path(self.path).rename(self.folder / "moved.keras")
        self.assert_refused(lambda: loading.load_target(self.path), "net.keras: no such file")
        target = loading.load_target(self.path, weights=str(moved))
        self.assertEqual(target.name, self.path)
        self.assertEqual(target.fingerprint, fingerprint.of_network(self.model, target.log_mel))
        self.model.save(self.folder / "whole.h5")  # a network, whatever its name says
        target = loading.load_target(self.path, weights=str(self.folder / "whole.h5"))
        self.assertEqual(target.fingerprint, fingerprint.of_network(self.model, target.log_mel))

    def test_untrained_weights_are_the_seeds_and_keep_the_scale(self):
        def load(seed):
            return loading.load_target(self.path, weights="untrained", seed=seed)

        self.assertEqual(load(1).fingerprint, load(1).fingerprint)
        self.assertNotEqual(load(1).fingerprint, load(2).fingerprint)
        own = loading.load_target(self.path).fingerprint
        self.assertNotEqual(load(1).fingerprint, own)
        self.assertEmpty(load(1).model.trainable_variables)
        self.assertBetween(float(np.std(load(1).model(_PATCHES)["conv"])), 0.3, 3.0)

    def test_refused(self):
        self.assert_refused(lambda: loading.load_target("absent.keras"), "absent.keras: no such")
        self.assert_refused(lambda: loading.load_target(str(self.folder)), "(net.keras)")
        text = self.folder / "net.txt"
        text.write_text("hello")
        self.assert_refused(lambda: loading.load_target(str(text)), "found a text;")
        pathlib.Path(self.path).write_bytes(b"PK not really")
        self.assert_refused(lambda: loading.load_target(self.path), "found a text;")

    def test_code_in_a_file_is_not_run(self):
        inputs = keras.Input((96, 64))
        path = str(self.folder / "lambda.keras")
        keras.Model(inputs, layers.Lambda(lambda x: x + 1)(inputs)).save(path)
        with self.assertRaises(hub.WeightsError):
            loading.load_target(path)

    def test_train_a_run_and_reconstruct_with_it(self):
        (self.folder / "net.json").write_text(json.dumps({"log_offset": 0.02}))
        target = loading.load_target(self.path)
        utterances = corpora.read_corpus(speech.DEMO_SPEECH)[:2]
        cache = log_mel_cache.cache_log_mel(utterances, target.log_mel, self.folder / "cache")
        run_dir = self.folder / "run"
        config = training.TrainConfig(num_epochs=1, batch_size=4)
        training.train_inverter(
            target, "pool", config, train=cache, validation=cache, run_dir=run_dir, settings={}
        )
        frozen = loading.load_target(self.path)
        self.assertEqual(target.fingerprint, frozen.fingerprint)
        self.assertAllEqual(target.model.get_weights()[0], frozen.model.get_weights()[0])

        trained = run.read_run(run_dir)
        again = trained.load_target()
        trained.check_target(again)
        self.assertEqual(again.log_mel.log_offset, 0.02)
        reconstructor = reconstruction.Reconstructor(
            again,
            {"pool": ("pool", trained.load_model())},
            vocoders.load_vocoder("griffin_lim", again.log_mel),
        )
        waveform = speech.read_clip()
        made = reconstructor(waveform)["pool"]
        self.assertEqual(made.waveform.shape, waveform.shape)
        self.assertAllInRange(made.waveform, -10.0, 10.0)
        self.assertLen(search.find_runs(self.folder, again, layers=["pool"]), 1)


class WaveformTest(_FolderTest):
    def test_cut_at_the_log_mel(self):
        model = networks.waveform_cnn()
        target = encoder.TargetEncoder.from_keras(model, log_mel_layer="log_mel")
        shapes = {tap.name: tap.shape for tap in target.taps}
        self.assertEqual(shapes, {"conv": (96, 64, 2), "pool": (2,), "classes": (2,)})
        front_end = keras.Model(model.input, model.get_layer("log_mel").output)
        waveform = speech.read_clip()[np.newaxis, :16000]
        log_mel = front_end(waveform)[:, :96]
        behind = keras.Model(model.input, model.get_layer("conv").output)(waveform)
        # Padding shows at the patch's end, where the whole clip goes on.
        self.assertAllClose(target.up_to("conv")(log_mel)[:, :90], behind[:, :90], atol=1e-5)

    def test_a_file_whose_settings_name_the_layer(self):
        path = str(self.folder / "net.keras")
        model = networks.waveform_cnn()
        model.save(path)
        (self.folder / "net.json").write_text('{"log_mel_layer": "log_mel"}')
        target = loading.load_target(path)
        self.assertEqual([tap.name for tap in target.taps], ["conv", "pool", "classes"])
        in_memory = encoder.TargetEncoder.from_keras(model, log_mel_layer="log_mel")
        self.assertEqual(target.fingerprint, in_memory.fingerprint)

    def test_a_clip_of_fixed_length(self):
        target = encoder.TargetEncoder.from_keras(
            networks.waveform_cnn(samples=16000), log_mel_layer="log_mel"
        )
        frames = target.log_mel.patch_frames
        self.assertEqual(target.tap("conv").shape, (frames, 64, 2))

    def test_refused(self):
        make = encoder.TargetEncoder.from_keras
        # uncut, it is a network of waveforms
        self.assertIsInstance(make(networks.waveform_cnn()).front_end, features.Waveform)
        self.assert_refused(
            lambda: make(networks.waveform_cnn(), front_end=features.LogMel()),
            'its front end is stated as log_mel: expected "waveform"',
        )
        cut = {"log_mel_layer": "log_mel"}
        for model, stated in (
            (networks.waveform_cnn(mag_exp=2.0), None),  # power, not magnitude
            (networks.waveform_cnn(), {"log_offset": 0.02}),
            (networks.waveform_cnn(), {"high_hz": 8000.0}),
        ):
            self.assert_refused(
                lambda model=model, stated=stated: make(model, log_mel=stated, **cut),
                "not the one that its settings say",
                "nats",
            )
        self.assert_refused(
            lambda: make(networks.waveform_cnn(), log_mel_layer="mell"), "no layer 'mell' to cut at"
        )
        self.assert_refused(
            lambda: make(networks.waveform_cnn(), log_mel_layer="pool"),
            "waveform_cnn/pool",
            "yields log-mel",
        )
        self.assert_refused(
            lambda: make(networks.small_cnn(), log_mel_layer="channel"), "waveforms"
        )


class SavedModelTest(_FolderTest):
    def _save(self, function, spec, *, name="net", signature=True, constants=()):
        module = tf.Module()
        module.constants = constants
        concrete = tf.function(function).get_concrete_function(tf.TensorSpec(spec, tf.float32))
        signatures = concrete if signature else None
        tf.saved_model.save(module, str(self.folder / name), signatures=signatures)
        return str(self.folder / name)

    def test_a_dict_of_activations(self):
        model = networks.small_cnn((96, 64, 1))
        kernel = tf.Variable(model.get_layer("conv").kernel.numpy())

        def network(log_mel):
            conv = tf.nn.relu(tf.nn.conv2d(log_mel, kernel, 2, "SAME"))
            classes = tf.argmax(tf.reduce_mean(conv, [1, 2]), -1)
            return {"conv": conv, "mean": tf.reduce_mean(conv, [1, 2]), "classes": classes}

        path = self._save(network, [None, None, None, 1], constants=[kernel])
        (self.folder / "net" / "log_mel.json").write_text('{"log_offset": 0.001}')
        target = loading.load_target(path)
        self.assertEqual(
            {tap.name: tap.shape for tap in target.taps}, {"conv": (48, 32, 4), "mean": (4,)}
        )
        self.assertEqual(target.log_mel.log_offset, 0.001)
        expected = network(_PATCHES[..., np.newaxis])["conv"]
        self.assertAllClose(target.up_to("conv")(_PATCHES), expected, atol=1e-6)
        self.assertEqual(loading.load_target(path).fingerprint, target.fingerprint)
        graph_model = tf.function(target.up_to("conv"))
        self.assertAllClose(graph_model(_PATCHES), expected, atol=1e-6)

        cache = log_mel_cache.cache_log_mel(
            corpora.read_corpus(speech.DEMO_SPEECH)[:1], target.log_mel, self.folder / "cache"
        )
        config = training.TrainConfig(num_epochs=1, batch_size=2)
        before = kernel.numpy()
        training.train_inverter(
            target,
            "conv",
            config,
            train=cache,
            validation=cache,
            run_dir=self.folder / "run",
            settings={},
        )
        self.assertAllEqual(target.model.get_layer("saved_function").weights, [])
        self.assertAllClose(target.up_to("conv")(_PATCHES), expected, atol=1e-6)
        self.assertAllEqual(kernel, before)
        run.read_run(self.folder / "run").check_target(loading.load_target(path))

    def test_what_keras_exports(self):
        model = networks.small_cnn()
        model.export(str(self.folder / "net"), verbose=False)
        target = loading.load_target(str(self.folder / "net"))
        [tap] = target.taps
        self.assertEqual((tap.shape, tap.activation), ((3,), "unknown"))
        self.assertAllClose(target.up_to(tap.name)(_PATCHES), model(_PATCHES), atol=1e-5)

    def test_call_of_one_tensor(self):
        class Module(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None, 96, 64], tf.float32)])
            def __call__(self, log_mel):
                return 2.0 * log_mel

        # Without signatures, and with the one that TensorFlow makes of itself.
        for name, options in (("output", {"signatures": {}}), ("output_0", {})):
            tf.saved_model.save(Module(), str(self.folder / name), **options)
            target = loading.load_target(str(self.folder / name))
            self.assertEqual([(tap.name, tap.shape) for tap in target.taps], [(name, (96, 64))])
            self.assertAllClose(target.model(_PATCHES)[name], 2 * _PATCHES)

    def test_outputs_that_cannot_be_taps_are_left_out_by_name(self):
        class Module(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None, 96, 64], tf.float32)])
            def __call__(self, log_mel):
                loud = tf.reduce_mean(log_mel, 1) > 0.0
                return {
                    "loss": tf.reduce_mean(log_mel),
                    "doubled": 2.0 * log_mel,
                    "score": tf.reduce_mean(log_mel, [1, 2]),
                    "ragged": tf.RaggedTensor.from_tensor(log_mel[..., 0], padding=0.0),
                    "sparse": tf.sparse.from_dense(log_mel),
                    "classes": tf.argmax(log_mel, -1),
                    "weights": tf.ones((64, 3)),
                    "loud": tf.boolean_mask(tf.reduce_mean(log_mel, 1), loud),
                    "longest": log_mel[:, : tf.math.count_nonzero(loud)],
                }

        path = str(self.folder / "net")
        tf.saved_model.save(Module(), path, signatures={})
        with self.assertLogs(level="WARNING") as logs:
            target = loading.load_target(path)
        self.assertEqual([tap.name for tap in target.taps], ["doubled"])
        self.assertAllClose(target.up_to("doubled")(_PATCHES), 2 * _PATCHES)
        self.assertAllClose(target.model(_PATCHES)["doubled"], 2 * _PATCHES)
        for name in ("loss", "score", "ragged", "sparse", "classes", "weights", "loud", "longest"):
            self.assertIn(f"{name} (", "".join(logs.output))
            self.assert_refused(lambda name=name: target.tap(name), f"no layer '{name}' here")

    def test_an_extra_scalar_in_a_signature(self):
        path = self._save(
            lambda x: {"tap": 2.0 * x, "loss": tf.reduce_sum(x), "a": x[:, 0]}, [None, 96, 64]
        )
        target = loading.load_target(path)
        self.assertEqual({tap.name for tap in target.taps}, {"a", "tap"})
        self.assertAllClose(target.model(_PATCHES)["tap"], 2 * _PATCHES)

    def test_outputs_without_names_keep_their_order(self):
        class Module(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None, 96, 64], tf.float32)])
            def __call__(self, log_mel):
                return self.kind(float(number) * log_mel[:, : number + 1] for number in range(12))

        for kind in (tuple, list):
            for options in ({}, {"signatures": {}}):
                module, path = Module(), str(self.folder / f"{kind.__name__}{len(options)}")
                module.kind = kind
                tf.saved_model.save(module, path, **options)
                target = loading.load_target(path)
                self.assertEqual(
                    [(tap.name, tap.shape) for tap in target.taps],
                    [(f"output_{number}", (number + 1, 64)) for number in range(12)],
                )
                for number in (1, 2, 10):
                    found = target.up_to(f"output_{number}")(_PATCHES)
                    self.assertAllClose(found, number * _PATCHES[:, : number + 1])

    def test_a_fixed_batch_of_one_is_called_patch_by_patch(self):
        def network(log_mel):
            loud = log_mel / tf.reduce_max(tf.abs(log_mel))  # of whatever is in the batch
            return {"loud": loud, "mean": tf.reduce_mean(loud, [1, 2])[:, tf.newaxis]}

        target = loading.load_target(self._save(network, [1, 96, 64]))
        self.assertEqual(
            {tap.name: tap.shape for tap in target.taps}, {"loud": (96, 64), "mean": (1,)}
        )
        expected = _PATCHES / np.abs(_PATCHES).max(axis=(1, 2), keepdims=True)
        for function in (target.up_to("loud"), tf.function(target.up_to("loud"))):
            self.assertAllClose(function(_PATCHES), expected)
            self.assertEqual(function(_PATCHES[:0]).shape, (0, 96, 64))
        self.assertAllClose(target.model.predict(_PATCHES, verbose=0)["loud"], expected)

    def test_a_function_that_fails_on_patches(self):
        path = self._save(lambda x: tf.reshape(x, [-1, 100, 64]), [None, None, 64])
        self.assert_refused(
            lambda: loading.load_target(path), "fails on patches of 96 x 64", "state the patch"
        )

    def test_refused(self):
        def refuse(path, *parts, **options):
            self.assert_refused(lambda: loading.load_target(path, **options), *parts)

        path = self._save(lambda waveform: waveform[:, :, :1], [None, None, 5, 7], name="odd")
        refuse(path, "is given [None, None, 5, 7]", "expected log-mel patches")
        path = self._save(lambda x: x, [8, 96, 64], name="eight")
        refuse(path, "a batch of any size, or of 1")
        path = self._save(lambda x: tf.argmax(x, -1), [None, 96, 64], name="integers")
        refuse(path, "expected a dict of float activations")
        path = self._save(lambda x: x, [None, 96, 64], name="none", signature=False)
        refuse(path, "no __call__", "serving_default")
        path = self._save(lambda x: x, [None, 96, 64], name="fine")
        refuse(path, "holds its weights", weights="untrained")
        (self.folder / "fine" / "saved_model.pb").write_bytes(b"damaged")
        refuse(path, "cannot be read as a SavedModel")


class GraphTest(tf.test.TestCase):
    def test_calls_follow_what_they_depend_on(self):
        model = networks.small_cnn()
        seen = {id(model.input)}
        for call in graph.calls(model):
            self.assertLessEqual({id(tensor) for tensor in call.inputs}, seen, call.name)
            seen |= {id(tensor) for tensor in call.outputs}
        self.assertIn(id(model.output), seen)


if __name__ == "__main__":
    tf.test.main()
