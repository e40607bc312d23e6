"""Weight normalisation and reflection padding against NumPy."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from vggish_inversion.vocoders import weight_norm


def _kernel(layer: weight_norm.WeightNormConv1D, *, output_axis: int) -> np.ndarray:
    """The kernel by Salimans and Kingma's formula, from the layer's variables."""
    direction, gain, _ = (np.asarray(item, np.float64) for item in layer.get_weights())
    kernel = np.zeros_like(direction)
    for channel in range(direction.shape[output_axis]):
        place = [slice(None)] * 3
        place[output_axis] = channel
        part = direction[tuple(place)]
        kernel[tuple(place)] = gain.ravel()[channel] * part / np.sqrt((part**2).sum())
    return kernel


def _convolve(inputs, kernel, bias, *, strides: int, dilation: int, groups: int) -> np.ndarray:
    """Place by place."""
    reach = (len(kernel) - 1) * dilation + 1
    num_places = (inputs.shape[1] - reach) // strides + 1
    outputs = np.zeros((inputs.shape[0], num_places, kernel.shape[2]))
    per_group = kernel.shape[2] // groups
    for place in range(num_places):
        seen = inputs[:, place * strides : place * strides + reach : dilation]
        for channel in range(kernel.shape[2]):
            first = channel // per_group * kernel.shape[1]
            part = seen[:, :, first : first + kernel.shape[1]]
            outputs[:, place, channel] = (part * kernel[:, :, channel]).sum(axis=(1, 2))
    return outputs + bias


def _convolve_transposed(inputs, kernel, bias, *, strides: int) -> np.ndarray:
    """Every input lays its kernel down, a stride after the one before; the middle is kept."""
    num_samples = inputs.shape[1] * strides
    outputs = np.zeros((inputs.shape[0], num_samples + len(kernel), kernel.shape[1]))
    for place in range(inputs.shape[1]):
        laid = np.einsum("bi,koi->bko", inputs[:, place], kernel)
        outputs[:, place * strides : place * strides + len(kernel)] += laid
    before = (len(kernel) - strides) // 2
    return outputs[:, before : before + num_samples] + bias


def _trained(layer, inputs):
    """Builds a layer and gives every variable a value that no initialiser would."""
    layer(inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=item.shape) for item in layer.get_weights()])
    return layer


class WeightNormConv1DTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters((1, 1, 1), (3, 1, 1), (1, 9, 1), (4, 1, 2))
    def test_convolution(self, strides, dilation, groups):
        inputs = np.random.default_rng(0).normal(size=(2, 23, 4)).astype(np.float32)
        layer = _trained(
            weight_norm.WeightNormConv1D(
                6, 3, strides=strides, dilation_rate=dilation, groups=groups
            ),
            inputs,
        )
        expected = _convolve(
            inputs,
            _kernel(layer, output_axis=2),
            layer.get_weights()[2],
            strides=strides,
            dilation=dilation,
            groups=groups,
        )
        self.assertAllClose(layer(inputs), expected, atol=1e-4)
        self.assertEqual(layer.compute_output_shape(inputs.shape), expected.shape)

    @parameterized.parameters((8, 16), (5, 10), (2, 4))
    def test_transposed(self, strides, kernel_size):
        inputs = np.random.default_rng(0).normal(size=(2, 7, 4)).astype(np.float32)
        layer = _trained(
            weight_norm.WeightNormConv1D(3, kernel_size, strides=strides, transposed=True), inputs
        )
        expected = _convolve_transposed(
            inputs, _kernel(layer, output_axis=1), layer.get_weights()[2], strides=strides
        )
        self.assertAllClose(layer(inputs), expected, atol=1e-4)
        self.assertEqual(layer.compute_output_shape(inputs.shape), expected.shape)

    def test_begins_as_the_initialiser_says(self):
        inputs = np.random.default_rng(0).normal(size=(1, 30, 4)).astype(np.float32)
        initializer = keras.initializers.HeNormal(0)
        layer = weight_norm.WeightNormConv1D(6, 5, kernel_initializer=initializer)
        plain = keras.layers.Conv1D(6, 5, kernel_initializer=initializer)
        self.assertAllClose(layer(inputs), plain(inputs), atol=1e-5)


class ReflectionPad1DTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(1, 2, 3, 4, 5, 20)
    def test_against_numpy(self, length):
        inputs = np.random.default_rng(0).normal(size=(2, length, 3)).astype(np.float32)
        for width in (1, 3, 9):
            expected = np.pad(inputs, ((0, 0), (width, width), (0, 0)), mode="reflect")
            layer = weight_norm.ReflectionPad1D(width)
            self.assertAllEqual(layer(inputs), expected)
            self.assertEqual(layer.compute_output_shape(inputs.shape), expected.shape)
