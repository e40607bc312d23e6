"""Two layers that MelGAN needs and Keras lacks: weight normalisation and reflection padding.

Source: Salimans and Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate
Training of Deep Neural Networks" (NIPS 2016).
"""

from typing import Any

import keras

ops: Any = keras.ops  # Keras ships no types, and what pyright infers of these is wrong
_PACKAGE = "vggish_inversion"


@keras.saving.register_keras_serializable(_PACKAGE)
class ReflectionPad1D(keras.layers.Layer):
    """Mirrors the ends of `[batch, time, channels]`, without repeating the outermost value.

    As numpy.pad(mode="reflect"), it goes back and forth where the input is shorter than the
    padding (keras.ops.pad refuses that), so a single frame can be padded too.
    """

    def __init__(self, width: int, **kwargs):
        """Adds `width` places to either side; kwargs are Keras' own."""
        super().__init__(**kwargs)
        self._width = width

    def call(self, inputs):
        """Pads."""
        length = ops.shape(inputs)[1]
        before = ops.arange(self._width, dtype="int32") - self._width
        after = ops.arange(self._width, dtype="int32") + length
        ends = [ops.take(inputs, _reflected(places, length), axis=1) for places in (before, after)]
        return ops.concatenate([ends[0], inputs, ends[1]], axis=1)

    def compute_output_shape(self, input_shape):
        """Longer by twice the width."""
        batch, length, channels = input_shape
        return (batch, None if length is None else length + 2 * self._width, channels)

    def get_config(self):
        """What `from_config` needs."""
        return {**super().get_config(), "width": self._width}


def _reflected(places, length):
    """Where a place outside `[0, length)` lies after going back and forth."""
    period = ops.maximum(2 * (length - 1), 1)
    places = ops.mod(places, period)
    return ops.minimum(places, period - places)


@keras.saving.register_keras_serializable(_PACKAGE)
class WeightNormConv1D(keras.layers.Layer):
    """A convolution whose kernel is `gain * direction / |direction|`, per output channel.

    Unpadded; where it is transposed, its output is `strides` times as long as its input. The gains
    begin as the norms, so at first the kernel is what the initialiser gave.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        strides: int = 1,
        dilation_rate: int = 1,
        groups: int = 1,
        transposed: bool = False,
        kernel_initializer="he_normal",
        **kwargs,
    ):
        """Takes the settings of `keras.layers.Conv1D`; kwargs are Keras' own."""
        super().__init__(**kwargs)
        self._filters = filters
        self._kernel_size = kernel_size
        self._strides = strides
        self._dilation_rate = dilation_rate
        self._groups = groups
        self._transposed = transposed
        self._kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Makes direction, gain and bias."""
        channels = input_shape[-1] // self._groups
        shape = (self._kernel_size, channels, self._filters)
        if self._transposed:
            shape = (self._kernel_size, self._filters, channels)
        self._output_axis = 1 if self._transposed else 2
        self._direction = self.add_weight(
            name="direction", shape=shape, initializer=self._kernel_initializer
        )
        norms = ops.convert_to_numpy(self._norm(ops.convert_to_tensor(self._direction)))
        self._gain = self.add_weight(
            name="gain", shape=norms.shape, initializer=lambda shape, dtype: norms.astype(dtype)
        )
        self._bias = self.add_weight(name="bias", shape=(self._filters,), initializer="zeros")

    def call(self, inputs):
        """Convolves."""
        # In full precision: half a float32's bits are too few for a sum of squares.
        direction = ops.cast(self._direction.value, "float32")
        gain = ops.cast(self._gain.value, "float32")
        kernel = ops.cast(gain * direction / self._norm(direction), self.compute_dtype)
        if self._transposed:
            outputs = ops.conv_transpose(inputs, kernel, self._strides, "same")
        else:
            outputs = ops.conv(
                inputs, kernel, self._strides, "valid", dilation_rate=self._dilation_rate
            )
        return outputs + self._bias

    def compute_output_shape(self, input_shape):
        """As long as there are places for the kernel."""
        batch, length, _ = input_shape
        if length is not None:
            reach = (self._kernel_size - 1) * self._dilation_rate
            strides = self._strides
            length = length * strides if self._transposed else (length - reach - 1) // strides + 1
        return (batch, length, self._filters)

    def get_config(self):
        """What `from_config` needs."""
        return {
            **super().get_config(),
            "filters": self._filters,
            "kernel_size": self._kernel_size,
            "strides": self._strides,
            "dilation_rate": self._dilation_rate,
            "groups": self._groups,
            "transposed": self._transposed,
            "kernel_initializer": keras.initializers.serialize(self._kernel_initializer),
        }

    def _norm(self, direction):
        axes = [axis for axis in range(3) if axis != self._output_axis]
        return ops.sqrt(ops.sum(direction**2, axis=axes, keepdims=True) + 1e-12)
