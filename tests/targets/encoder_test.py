"""Targets by name, and the small encoder; conformance_test.py has what all targets share."""

import numpy as np
import tensorflow as tf

from tests import keras_checks
from vggish_inversion.targets import loading, small_encoder

_PATCHES = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)
# The layer outputs that the paper's code declares.
_SHAPES = {
    "layer_0": (48, 32, 8),
    "layer_1": (24, 16, 16),
    "layer_2": (12, 8, 32),
    "layer_3": (6, 4, 64),
    "layer_4": (3, 2, 128),
    "layer_5": (128,),
    "layer_6": (128,),
}


class SmallEncoderTest(tf.test.TestCase):
    def test_every_network_check(self):
        keras_checks.check_keras_model(
            self, lambda: small_encoder.build_small_encoder(12), (96, 64), has_gradients=True
        )

    def test_about_an_eighth_of_a_million_parameters(self):
        count = small_encoder.build_small_encoder(12).count_params()
        self.assertBetween(count, 110_000, 130_000)

    def test_taps_are_the_papers(self):
        target = loading.load_target("small_encoder/speech_commands", weights="untrained")
        self.assertEqual({tap.name: tap.shape for tap in target.taps}, _SHAPES)

    def test_untrained_weights_are_the_seeds(self):
        def weights(seed):
            name = "small_encoder/speech_commands"
            return loading.load_target(name, weights="untrained", seed=seed)

        self.assertEqual(weights(1).fingerprint, weights(1).fingerprint)
        self.assertNotEqual(weights(1).fingerprint, weights(2).fingerprint)
        one, same = weights(1).model.get_weights(), weights(1).model.get_weights()
        for left, right in zip(one, same, strict=True):
            self.assertAllEqual(left, right)

    def test_the_shipped_encoder_tells_sound_from_silence(self):
        target = loading.load_target("small_encoder/speech_commands")
        silence = np.full((1, 96, 64), target.log_mel.log_floor, np.float32)
        logits = target.model(silence)["logits"].numpy()
        self.assertEqual(np.argmax(logits), 0)  # "_silence_" is the first label

    def test_errors_list_what_there_is(self):
        target = loading.load_target("small_encoder/speech_commands", weights="untrained")
        with self.assertRaisesRegex(ValueError, "no layer 'layer_9'; its layers are: layer_0 .*"):
            target.tap("layer_9")
        with self.assertRaisesRegex(
            ValueError, "targets are: vggish, yamnet, small_encoder/TASK, "
        ):
            loading.load_target("resnet")
        with self.assertRaisesRegex(ValueError, "small_encoder/speech_commands/1"):
            loading.load_target("small_encoder/absent")
        with self.assertRaisesRegex(ValueError, "no target 'yamnet/2'; yamnet is one network"):
            loading.load_target("yamnet/2")
