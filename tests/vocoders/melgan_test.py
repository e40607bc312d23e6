"""MelGAN's networks: shapes, sizes and the project's check."""

import numpy as np
import tensorflow as tf

from tests import keras_checks
from vggish_inversion import features
from vggish_inversion.vocoders import melgan


class GeneratorTest(tf.test.TestCase):
    def test_keras_model(self):
        keras_checks.check_keras_model(
            self, lambda: melgan.build_generator(features.LogMelParams(), width=32), (7, 64)
        )

    def test_has_the_layers_of_the_paper(self):
        # With their ratios and bands, by hand: first and last, then per level the upsampling and
        # three blocks of a wide and two narrow convolutions; a gain and a bias per output channel.
        params = features.LogMelParams(num_bands=80, hop_seconds=0.016)
        generator = melgan.build_generator(params, ratios=(8, 8, 2, 2))
        count = 7 * 80 * 512 + 2 * 512 + 7 * 32 + 2
        width = 512
        for ratio in (8, 8, 2, 2):
            count += 2 * ratio * width * (width // 2) + width
            width //= 2
            count += 3 * ((3 + 1 + 1) * width**2 + 3 * 2 * width)
        self.assertEqual(generator.count_params(), count)

    def test_begins_within_the_range_of_speech(self):
        log_mel = np.random.default_rng(0).normal(-2, 2, size=(1, 40, 64))
        self.assertBetween(
            np.std(melgan.build_generator(features.LogMelParams(), width=64)(log_mel)), 0.005, 0.3
        )

    def test_sees_both_sides_of_a_sample(self):
        # Frame i is about the samples of hop i: what it changes lies around them, evenly.
        generator = melgan.build_generator(features.LogMelParams(), width=64)
        log_mel = np.zeros((1, 61, 64), np.float32)
        changed = log_mel.copy()
        changed[:, 30] = 1.0
        moved = np.abs(generator(changed) - generator(log_mel))[0]
        middle = np.sum(np.arange(len(moved)) * moved) / moved.sum()
        self.assertNear(middle, 30.5 * 160, 160)

    def test_unusable_sizes_are_refused(self):
        with self.assertRaisesRegex(ValueError, "product is the hop, 160"):
            melgan.build_generator(features.LogMelParams(), ratios=(8, 8, 2))
        with self.assertRaisesRegex(ValueError, "divisible by 16"):
            melgan.build_generator(features.LogMelParams(), width=24)


class DiscriminatorTest(tf.test.TestCase):
    def test_judges_at_three_rates(self):
        discriminator = melgan.build_discriminator(channels=(4, 8, 16))
        outputs = discriminator(np.random.default_rng(0).normal(size=(2, 3200)))
        # Two strides of 4, at full, half and quarter rate.
        self.assertEqual(
            [logits.shape for logits in outputs["logits"]], [(2, 200, 1), (2, 100, 1), (2, 50, 1)]
        )
        self.assertLen(outputs["features"], 3 * 4)
        self.assertEqual(outputs["features"][2].shape, (2, 200, 16))

    def test_has_the_layers_of_the_paper(self):
        # By hand: 15 x 1 x 16, then 41 x 4 to 64, 256, 1024 and 1024 channels, 5 wide and 3 wide.
        one = 15 * 16 + 41 * 4 * (64 + 256 + 1024 + 1024) + 5 * 1024**2 + 3 * 1024
        one += 2 * (16 + 64 + 256 + 1024 + 1024 + 1024 + 1)
        self.assertEqual(melgan.build_discriminator().count_params(), 3 * one)

    def test_every_weight_has_a_gradient(self):
        discriminator = melgan.build_discriminator(channels=(4, 8))
        waveform = tf.random.stateless_normal([2, 1600], [0, 0])
        with tf.GradientTape() as tape:
            loss = sum(tf.reduce_mean(item**2) for item in discriminator(waveform)["logits"])
        variables = discriminator.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        for variable, gradient in zip(variables, gradients, strict=True):
            self.assertGreater(np.abs(gradient).max(), 0.0, variable.path)
