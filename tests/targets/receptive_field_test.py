"""Receptive fields, against arithmetic by hand and against the network itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vggish_inversion.targets import encoder, loading, receptive_field

layers = keras.layers
Span = receptive_field.Span

# size and step after every layer, by hand: size grows by (kernel - 1) * step, step by the stride.
_VGGISH = {
    "conv1": (3, 1),
    "pool1": (4, 2),
    "conv2": (8, 2),
    "pool2": (10, 4),
    "conv3_1": (18, 4),
    "conv3_2": (26, 4),
    "pool3": (30, 8),
    "conv4_1": (46, 8),
    "conv4_2": (62, 8),
    "pool4": (70, 16),
}
_SMALL_ENCODER = {
    "layer_0": (4, 2),
    "layer_1": (10, 4),
    "layer_2": (22, 8),
    "layer_3": (46, 16),
    "layer_4": (94, 32),
}


def _positive(model: keras.Model) -> keras.Model:
    """Sets all kernels above zero, so that nothing that is seen cancels out."""
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.1, 1.0, weight.shape) for weight in model.weights]
    model.set_weights(weights)
    return model


def _size_and_step(span: Span | None):
    return span and (span.size, span.step)


class ByHandTest(tf.test.TestCase):
    def _assert_sizes(self, name, expected, whole):
        target = loading.load_target(name, weights="untrained")
        for tap, spans in receptive_field.receptive_fields(target).items():
            for span in spans:
                self.assertEqual(_size_and_step(span), expected.get(tap), tap)
            self.assertEqual(tap in whole, tap not in expected)

    @pytest.mark.slow  # 288 MB for arithmetic that the small encoder shares
    def test_vggish(self):
        self._assert_sizes("vggish", _VGGISH, ["fc1_1", "fc1_2", "fc2", "fc2_relu"])

    def test_small_encoder(self):
        name = "small_encoder/speech_commands"
        self._assert_sizes(name, _SMALL_ENCODER, ["layer_5", "layer_6"])


def _mixture() -> keras.Model:
    """Strides, dilation, paddings, branches and a separable convolution, with no maximum."""
    inputs = keras.Input((96, 64, 1))
    x = layers.Conv2D(2, (5, 3), strides=2, padding="same", name="strided")(inputs)
    x = layers.ZeroPadding2D(((0, 1), (2, 0)), name="padded")(x)
    x = layers.DepthwiseConv2D(3, padding="valid", name="depthwise")(x)
    left = layers.Conv2D(2, 3, padding="same", dilation_rate=2, name="dilated")(x)
    right = layers.SeparableConv2D(2, (1, 3), padding="same", name="separable")(x)
    x = layers.Add(name="sum")([left, right])
    x = layers.Cropping2D(((1, 0), (0, 1)), name="cropped")(x)
    x = layers.Concatenate(name="concatenate")([x, x])
    x = layers.AveragePooling2D(2, padding="same", name="pool")(x)
    x = layers.Conv2D(1, 4, strides=(2, 1), padding="same", name="even")(x)
    return keras.Model(inputs, x + 1.0)


class PerturbationTest(tf.test.TestCase):
    """A pixel within the field moves the value at the centre of a tap; one outside does not."""

    def _assert_field(self, target, tap, spans):
        model = target.up_to(tap.name)
        centre = (0, tap.shape[0] // 2, tap.shape[1] // 2)
        lengths = (target.log_mel.patch_frames, target.log_mel.num_bands)
        patch = tf.Variable(np.zeros((1, *lengths), np.float32))
        for axis, (span, length) in enumerate(zip(spans, lengths, strict=True)):
            batch = np.repeat(patch.numpy(), length, axis=0)  # one whole row or column each
            for place in range(length):
                np.moveaxis(batch, axis + 1, 1)[place, place] += 1.0
            values = model(batch).numpy()[:, centre[1], centre[2]].reshape(length, -1)
            still = model(patch.numpy()).numpy()[centre].reshape(-1)
            moved = np.flatnonzero(np.abs(values - still).max(axis=1) > 1e-7)
            first = span.start + centre[axis + 1] * span.step
            self.assertEqual(
                (int(moved[0]), int(moved[-1])),
                (max(first, 0), min(first + span.size, length) - 1),
                f"{tap.name}, axis {axis}",
            )

    def test_each_kind_of_layer(self):
        target = encoder.TargetEncoder.from_keras(_positive(_mixture()), taps=None, log_mel=None)
        fields = receptive_field.receptive_fields(target)
        self.assertEqual(_size_and_step(fields["pool"][0]), (19, 4))
        for tap in target.taps:
            self._assert_field(target, tap, fields[tap.name])
        self.assertLen(target.taps, 8)

    def test_convolutions_along_frames(self):
        inputs = keras.Input((96, 64))
        x = layers.Conv1D(3, 5, padding="causal", name="causal")(inputs)
        x = layers.AveragePooling1D(2, name="pool")(x)
        x = layers.Conv1D(3, 3, strides=2, name="valid")(layers.Dense(4, name="dense")(x))
        target = encoder.TargetEncoder.from_keras(_positive(keras.Model(inputs, x)))
        fields = receptive_field.receptive_fields(target)
        self.assertEqual(fields["causal"], (Span(5, 1, -4), None))
        self.assertEqual(fields["valid"], (Span(10, 4, -4), None))
        model = target.up_to("valid")
        patches = np.zeros((97, 96, 64), np.float32)
        patches[np.arange(96), np.arange(96), 7] = 1.0
        values = model(patches).numpy()[:, 10, 0]
        moved = np.flatnonzero(values != values[-1])
        self.assertEqual((moved[0], moved[-1]), (36, 45))


class WholePatchTest(tf.test.TestCase):
    def _field(self, layer):
        inputs = keras.Input((96, 64, 1))
        x = layers.Conv2D(2, 3, padding="same")(inputs)
        target = encoder.TargetEncoder.from_keras(keras.Model(inputs, layer(x)), taps=["last"])
        return receptive_field.receptive_fields(target)["last"]

    def test_what_mixes_places_or_is_not_known(self):
        class Subclass(layers.Conv2D):
            """May do anything."""

        def gate(x):  # squeeze and excitation
            weights = layers.GlobalAveragePooling2D(keepdims=True)(x)
            return layers.Multiply(name="last")([x, weights])

        for layer in (
            Subclass(2, 3, name="last"),
            layers.Conv2DTranspose(2, 3, name="last"),
            layers.GlobalMaxPooling2D(name="last"),
            layers.Flatten(name="last"),
            layers.LayerNormalization(axis=(1, 2, 3), name="last"),
            gate,
        ):
            self.assertEqual(self._field(layer), (None, None))

    def test_what_keeps_one_axis(self):
        frames, bands = self._field(layers.Reshape((96, 128), name="last"))
        self.assertEqual(frames, Span(3, 1, -1))
        self.assertIsNone(bands)
        self.assertEqual(self._field(layers.Dense(3, name="last"))[1], Span(3, 1, -1))


if __name__ == "__main__":
    tf.test.main()
