"""Networks that take bands x frames, as librosa gives them."""

import json
import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from tests import networks, small_runs, speech
from vggish_inversion.inverters import network, run
from vggish_inversion.targets import encoder, loading, receptive_field

layers = keras.layers
_BANDS, _FRAMES = 80, 120
_PATCHES = np.random.default_rng(0).normal(size=(2, _FRAMES, _BANDS)).astype(np.float32)


def _cnn(shape=(_BANDS, _FRAMES, 1)) -> keras.Model:
    """Kernels of 3 bands x 5 frames, a pool of 2 x 3, and what follows without channels."""
    inputs = keras.Input(shape)
    x = inputs if len(shape) == 3 else layers.Reshape((*shape, 1), name="channel")(inputs)
    x = layers.Conv2D(2, (3, 5), padding="same", name="conv")(x)
    x = layers.MaxPooling2D((2, 3), name="pool")(x)
    turned = layers.Permute((2, 1, 3), name="turned")(x)
    turned = layers.Conv2D(1, (5, 3), padding="same", name="frames_conv")(turned)
    sequence = layers.Reshape((turned.shape[1], -1), name="sequence")(turned)
    sequence = layers.Conv1D(3, 3, padding="same", name="along_frames")(sequence)
    mean = layers.GlobalAveragePooling1D(name="mean")(sequence)
    return keras.Model(inputs, layers.Dense(2, name="classes")(mean), name="cnn")


class AxesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_values_are_the_models_own_with_frames_first(self):
        for shape in ((_BANDS, _FRAMES, 1), (_BANDS, _FRAMES), (_BANDS, _FRAMES, 3)):
            model = _cnn(shape)
            target = encoder.TargetEncoder.from_keras(model, axes="bands,frames")
            params = target.log_mel
            self.assertEqual((params.num_bands, params.patch_frames), (_BANDS, _FRAMES))
            self.assertEqual(
                {tap.name: tap.shape for tap in target.taps},
                {
                    "conv": (120, 80, 2),
                    "pool": (40, 40, 2),
                    "frames_conv": (40, 40, 1),
                    "along_frames": (40, 3),
                    "mean": (3,),
                    "classes": (2,),
                },
            )
            images = _PATCHES.swapaxes(1, 2)
            if len(shape) == 3:
                images = np.repeat(images[..., np.newaxis], shape[2], axis=-1)
            for name, found in target.model(_PATCHES).items():
                expected = keras.Model(model.input, model.get_layer(name).output)(images).numpy()
                if name in ("conv", "pool"):  # which the model itself turns later
                    expected = expected.swapaxes(1, 2)
                self.assertAllClose(found, expected, atol=1e-5)
            inverter = network.build_inverter(target.tap("pool").shape, params=params)
            self.assertEqual(inverter.output_shape, (None, _FRAMES, _BANDS))

    def test_receptive_fields(self):
        target = encoder.TargetEncoder.from_keras(_cnn(), axes="bands,frames")
        fields = {
            name: tuple(span and (span.size, span.step) for span in field)
            for name, field in receptive_field.receptive_fields(target).items()
        }
        self.assertEqual(fields["conv"], ((5, 1), (3, 1)))
        self.assertEqual(fields["pool"], ((7, 3), (4, 2)))
        self.assertEqual(fields["frames_conv"], ((19, 3), (8, 2)))
        self.assertEqual(fields["along_frames"], ((25, 3), None))

    def test_a_shape_that_suggests_the_other_order_is_said(self):
        for shape in ((64, 96, 1), (80, None, 1), (128, 130), (64, 64, 3)):
            with self.assertLogs(level="WARNING") as logs:
                target = encoder.TargetEncoder.from_keras(networks.small_cnn(shape))
            self.assertIn(f"read as {shape[0]} frames x", logs.output[0])
            self.assertIn('{"axes": "bands,frames"}', logs.output[0])
            self.assertEqual(target.log_mel.patch_frames, shape[0])
        with self.assertNoLogs(level="WARNING"):
            for shape in ((96, 64), (None, 64, 1), (98, 40, 1), (50, 80, 1)):
                encoder.TargetEncoder.from_keras(networks.small_cnn(shape))
            for axes in ("frames,bands", "bands,frames"):
                encoder.TargetEncoder.from_keras(networks.small_cnn((64, 96)), axes=axes)
        with self.assertRaisesRegex(ValueError, "axes is 'mels', neither"):
            encoder.TargetEncoder.from_keras(networks.small_cnn(), axes="mels")

    def test_a_file_and_its_runs(self):
        path, settings = self.folder / "net.keras", self.folder / "net.json"
        networks.small_cnn((64, 64, 1)).save(path)
        settings.write_text('{"axes": "bands,frames"}')
        target = loading.load_target(str(path))
        trained = small_runs.write(self.folder / "run", target, "pool")
        trained.check_target(trained.load_target())
        for text in ("{}", '{"axes": "frames,bands"}'):
            settings.write_text(text)
            with self.assertRaisesRegex(ValueError, "train it anew"):
                trained.check_target(run.read_run(self.folder / "run").load_target())
        settings.write_text(json.dumps({"axes": ["bands", "frames"]}))
        with self.assertRaisesRegex(ValueError, "net.json: .*neither 'frames,bands' nor"):
            loading.load_target(str(path))

    def test_stated_as_it_was_read_before_is_the_same_network(self):
        model = networks.small_cnn((64, 96))
        plain = encoder.TargetEncoder.from_keras(model)
        stated = encoder.TargetEncoder.from_keras(model, axes="frames,bands")
        self.assertEqual(plain.fingerprint, stated.fingerprint)

    def test_a_saved_model(self):
        module = tf.Module()

        def network_of(log_mel):
            return {"doubled": 2.0 * log_mel, "by_frame": tf.reduce_mean(log_mel, [1, 3])}

        function = tf.function(network_of).get_concrete_function(
            tf.TensorSpec([None, _BANDS, _FRAMES, 1], tf.float32)
        )
        tf.saved_model.save(module, str(self.folder / "net"), signatures=function)
        plain = loading.load_target(str(self.folder / "net"))
        (self.folder / "net" / "log_mel.json").write_text('{"axes": "bands,frames"}')
        target = loading.load_target(str(self.folder / "net"))
        self.assertEqual((target.log_mel.num_bands, target.log_mel.patch_frames), (80, 120))
        taps = target.model(_PATCHES)
        self.assertAllClose(taps["doubled"][..., 0], 2 * _PATCHES)
        self.assertAllClose(taps["by_frame"], _PATCHES.mean(2), atol=1e-6)
        self.assertNotEqual(plain.fingerprint, target.fingerprint)

    def test_a_front_end_of_bands_x_frames_inside_the_model(self):
        inputs = keras.Input((None,))
        mel = layers.MelSpectrogram(
            fft_length=512,
            sequence_stride=160,
            sequence_length=400,
            sampling_rate=16000,
            num_mel_bins=64,
            min_freq=125.0,
            max_freq=7500.0,
            power_to_db=False,
            mag_exp=1.0,
        )(inputs)
        log_mel = layers.Identity(name="log_mel")(keras.ops.log(mel + 0.01))
        image = layers.Reshape((64, -1, 1))(log_mel)
        model = keras.Model(inputs, layers.Conv2D(2, 3, padding="same", name="conv")(image))
        target = encoder.TargetEncoder.from_keras(
            model, log_mel_layer="log_mel", axes="bands,frames"
        )
        self.assertEqual(target.tap("conv").shape, (96, 64, 2))
        waveform = speech.read_clip()[np.newaxis, :16000]
        made, whole = keras.Model(inputs, [log_mel, model.output])(waveform)
        found = target.up_to("conv")(np.swapaxes(made, 1, 2)[:, :96])
        # Padding shows at the patch's end, where the whole clip goes on.
        self.assertAllClose(found[:, :90], np.swapaxes(whole, 1, 2)[:, :90], atol=1e-5)


if __name__ == "__main__":
    tf.test.main()
