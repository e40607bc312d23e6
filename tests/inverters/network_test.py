"""The decoders are what they are said to be, and any tap has one."""

import keras
import numpy as np
import tensorflow as tf

from tests import keras_checks
from vggish_inversion import features
from vggish_inversion.inverters import adversarial, network

# Channels of all convolutions, in order, of the published decoders (PAPER's table): the mirrored
# VGGish at a quarter of its width, then one channel.
_PUBLISHED = {
    (6, 4, 512): [128, 128, 64, 64, 32, 16, 1],
    (12, 8, 256): [64, 64, 32, 16, 1],
    (24, 16, 128): [32, 16, 1],
    (48, 32, 64): [16, 1],
}


def _layers(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


class PaperPresetTest(tf.test.TestCase):
    def test_convolutions_are_the_published_ones(self):
        for shape, channels in _PUBLISHED.items():
            model = network.build_inverter(shape, params=features.LogMelParams())
            convolutions = _layers(model, keras.layers.Conv2D)
            self.assertEqual([layer.filters for layer in convolutions], channels, shape)
            self.assertEqual({layer.kernel_size for layer in convolutions}, {(3, 3)})
            self.assertLen(
                _layers(model, keras.layers.UpSampling2D), {6: 4, 12: 3, 24: 2, 48: 1}[shape[0]]
            )
            self.assertTrue(all(not layer.use_bias for layer in convolutions[:-1]))
            self.assertEqual(model.get_layer("output").activation, keras.activations.tanh)

    def test_fully_connected_taps_are_unfolded_as_published(self):
        for size, widths in ((128, [128, 3072]), (4096, [4096, 3072])):
            model = network.build_inverter((size,), params=features.LogMelParams())
            dense = _layers(model, keras.layers.Dense)
            self.assertEqual([layer.units for layer in dense], widths)
            channels = [layer.filters for layer in _layers(model, keras.layers.Conv2D)]
            self.assertEqual(channels, _PUBLISHED[6, 4, 512])

    def test_every_tap_of_the_small_encoder(self):
        for shape in ((48, 32, 8), (24, 16, 16), (12, 8, 32), (6, 4, 64), (3, 2, 128), (128,)):
            with self.subTest(shape):
                keras_checks.check_keras_model(
                    self,
                    lambda shape=shape: network.build_inverter(
                        shape, seed=3, params=features.LogMelParams()
                    ),
                    shape,
                )

    def test_shapes_that_no_halving_gives(self):
        for preset in network.PRESETS:
            for shape in ((7, 7, 5), (50, 20), (96, 64, 3), (1, 1, 9), (100, 70, 2)):
                with self.subTest(shape=shape, preset=preset):
                    model = network.build_inverter(
                        shape, preset=preset, params=features.LogMelParams()
                    )
                    self.assertEqual(model.output_shape, (None, 96, 64))

    def test_another_patch(self):
        params = features.LogMelParams(patch_frames=50, num_bands=40)
        for preset in network.PRESETS:
            for shape in ((13, 10, 4), (128,)):
                model = network.build_inverter(shape, preset=preset, params=params)
                self.assertEqual(model.output_shape, (None, 50, 40))

    def test_mixed_precision_ends_in_float32(self):
        mixed = keras_checks.check_keras_model(
            self,
            lambda: network.build_inverter((24, 16, 16), params=features.LogMelParams()),
            (24, 16, 16),
        )
        self.assertEqual(mixed.output.dtype, "float32")
        self.assertEqual(mixed.get_layer("grid_1_conv_0").compute_dtype, "float16")

    def test_the_seed_decides(self):
        one, same, other = (
            network.build_inverter((128,), seed=seed, params=features.LogMelParams())
            for seed in (1, 1, 2)
        )
        self.assertAllEqual(one.trainable_variables[0], same.trainable_variables[0])
        self.assertNotAllClose(one.trainable_variables[0], other.trainable_variables[0])

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "presets are: paper large"):
            network.build_inverter((128,), preset="huge", params=features.LogMelParams())
        with self.assertRaisesRegex(ValueError, "expected .frames, bands, channels."):
            network.build_inverter((1, 2, 3, 4), params=features.LogMelParams())


class DiscriminatorTest(tf.test.TestCase):
    def test_every_network_check(self):
        keras_checks.check_keras_model(
            self,
            lambda: adversarial.build_discriminator(features.LogMelParams(), seed=1),
            (96, 64),
            has_gradients=True,
        )

    def test_the_published_one(self):
        model = adversarial.build_discriminator(features.LogMelParams())
        convolutions = _layers(model, keras.layers.Conv2D)
        self.assertEqual([layer.filters for layer in convolutions], [16, 32, 64, 128, 1])
        self.assertEqual({layer.kernel_size for layer in convolutions}, {(4, 4)})
        self.assertEqual([layer.strides[0] for layer in convolutions], [2, 2, 2, 2, 1])
        self.assertLen(_layers(model, keras.layers.BatchNormalization), 3)
        self.assertEqual({layer.rate for layer in _layers(model, keras.layers.Dropout)}, {0.3})


class LargePresetTest(tf.test.TestCase):
    def test_every_tap_of_the_small_encoder(self):
        for shape in ((48, 32, 8), (24, 16, 16), (6, 4, 64), (128,)):
            with self.subTest(shape):
                keras_checks.check_keras_model(
                    self,
                    lambda shape=shape: network.build_inverter(
                        shape, preset="large", seed=3, params=features.LogMelParams()
                    ),
                    shape,
                    # Blocks begin as the identity: behind a scale of zero nothing has a gradient.
                    no_gradient=r"block_\d_conv_(0|1)/kernel|block_\d_conv_0_norm",
                )

    def test_several_views(self):
        for shape in ((12, 8, 32), (6, 4, 64), (10, 8), (128,)):
            with self.subTest(shape):
                keras_checks.check_keras_model(
                    self,
                    lambda shape=shape: network.build_inverter(
                        shape, preset="large", num_views=5, seed=3, params=features.LogMelParams()
                    ),
                    (5, *shape),
                    no_gradient=r"block_\d_conv_(0|1)/kernel|block_\d_conv_0_norm",
                )
        params = features.LogMelParams(patch_frames=50, num_bands=40)
        model = network.build_inverter((7, 5, 8), preset="large", params=params, num_views=9)
        self.assertEqual(model.output_shape, (None, 50, 40))

    def test_every_view_counts(self):
        model = network.build_inverter(
            (6, 4, 64), preset="large", num_views=5, params=features.LogMelParams()
        )
        embedding = np.random.default_rng(0).random((1, 5, 6, 4, 64), np.float32)
        whole = model(embedding).numpy()
        for number in range(5):
            without = embedding.copy()
            without[:, number] = 0
            self.assertGreater(np.abs(model(without).numpy() - whole).max(), 1e-3, number)

    def test_a_place_of_the_grid_becomes_its_own_square_of_the_patch(self):
        model = network.build_inverter((24, 16, 16), preset="large", params=features.LogMelParams())
        inside = model.get_layer("sub_pixel_relu").output
        spread = keras.Model(inside, model.get_layer("sub_pixel").output)
        values = np.random.default_rng(0).normal(size=(1, *inside.shape[1:])).astype(np.float32)
        patches = spread(values).numpy()
        self.assertAllEqual(
            patches[0, 4 * 7 + 2, 4 * 5 + 3], values[0, 7, 5].reshape(4, 4, 8)[2, 3]
        )
        self.assertAllEqual(patches, tf.nn.depth_to_space(values, 4))

    def test_blocks_begin_as_the_identity(self):
        model = network.build_inverter((24, 16, 16), preset="large", params=features.LogMelParams())
        embedding = np.random.default_rng(0).normal(size=(2, 24, 16, 16)).astype(np.float32)
        stem = keras.Model(model.input, model.get_layer("stem").output)
        tower = keras.Model(model.input, model.get_layer("grid_2_tower").output)
        self.assertAllClose(tower(embedding), tf.nn.relu(stem(embedding)))

    def test_the_seed_decides(self):
        one, same, other = (
            network.build_inverter(
                (12, 8, 32), preset="large", seed=seed, params=features.LogMelParams()
            )
            for seed in (1, 1, 2)
        )
        self.assertAllEqual(one.trainable_variables[0], same.trainable_variables[0])
        self.assertNotAllClose(one.trainable_variables[0], other.trainable_variables[0])
