"""Random weights that keep the scale of activations through depth: a control.

It shows what an architecture keeps before it has learnt anything. Kernels are drawn as He's (before
an activation that halves the variance) or as Glorot's (before none); vectors are what leaves values
alone. NumPy draws them, so that a seed means the same weights on every Keras backend.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np

_ONES = ("gamma", "moving_variance")


def draw_kernel(
    weight: keras.Variable, key: Sequence[int], *, linear: bool = False, depthwise: bool = False
) -> None:
    """Fills a kernel.

    Args:
        weight: `[..., in, out]`, or `[..., channels, multiplier]` if it is depthwise.
        key: of the random numbers: the seed, and where in the network the kernel is.
        linear: whether no activation follows that sets half of the values to zero.
        depthwise: whether each channel has a kernel of its own, so that channels are not summed.
    """
    shape = tuple(weight.shape)
    fan_in, fan_out = math.prod(shape[:-1]), shape[-1]
    if depthwise:
        fan_in //= shape[-2]
    variance = 2.0 / (fan_in + fan_out if linear else fan_in)
    values = np.random.default_rng(list(key)).standard_normal(shape, np.float32)
    weight.assign(values * np.float32(math.sqrt(variance)))


def reset_vector(weight: keras.Variable) -> None:
    """Fills a bias, or a part of batch norm, with what changes nothing."""
    ones = weight.name in _ONES
    weight.assign(np.full(tuple(weight.shape), float(ones), np.float32))


def assign(model: keras.Model, seed: int) -> None:
    """Fills all weights of a network: kernels, biases, batch norm; others are left alone."""
    model.trainable = True  # or nothing would tell what is learned from what is not
    for layer_index, layer in enumerate(model.layers):
        is_depthwise = isinstance(
            layer, (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
        )
        learned = {id(weight) for weight in layer.trainable_weights}
        for index, weight in enumerate(layer.weights):
            if id(weight) in learned and len(weight.shape) > 1:
                draw_kernel(
                    weight,
                    (seed, layer_index, index),
                    depthwise=is_depthwise or weight.name == "depthwise_kernel",
                )
            elif id(weight) in learned or weight.name in (*_ONES, "moving_mean"):
                reset_vector(weight)
    model.trainable = False
