"""MelGAN: transposed convolutions from frames to samples, and the discriminators that train them.

Source: Kumar et al., "MelGAN: Generative Adversarial Networks for Conditional Waveform Synthesis"
(NeurIPS 2019), with their layers; Salimans and Kingma, "Weight Normalization" (NIPS 2016), whose
gains are one per output channel here, in transposed convolutions too.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.files import keras_files
from vggish_inversion.vocoders.weight_norm import ReflectionPad1D, WeightNormConv1D

keras_files.set_keras_defaults()

_WIDTH = 512
_RATIOS = (8, 5, 2, 2)
_DILATIONS = (1, 3, 9)
_SLOPE = 0.2
_LAST_SCALE = 0.01  # or tanh would begin where it has no gradient left

_NUM_SCALES = 3
_DISCRIMINATOR_CHANNELS = (16, 64, 256, 1024, 1024)
_DISCRIMINATOR_STRIDE = 4
_CHANNELS_PER_GROUP = 4


def _convolutions(seed: int):
    """Makes weight-normalised convolutions, each with initial weights of its own.

    `scale` is the variance that a convolution gives inputs of variance 1; 2 makes up for what a
    leaky ReLU before it took away.
    """
    rng = np.random.default_rng(seed)

    def make(
        filters: int, kernel_size: int, name: str, *, scale: float = 2.0, **settings
    ) -> WeightNormConv1D:
        initializer = keras.initializers.VarianceScaling(
            scale, "fan_in", "truncated_normal", int(rng.integers(2**31))
        )
        return WeightNormConv1D(
            filters, kernel_size, kernel_initializer=initializer, name=name, **settings
        )

    return make


def _leaky_relu(x, name: str) -> Any:
    return keras.layers.LeakyReLU(_SLOPE, name=name)(x)


def build_generator(
    params: features.LogMelParams,
    *,
    width: int = _WIDTH,
    ratios: Sequence[int] = _RATIOS,
    seed: int = 0,
) -> keras.Model:
    """Builds the generator.

    Args:
        params: the front end whose log-mel it turns into sound.
        width: channels at the rate of frames; halved at each upsampling.
        ratios: of the upsamplings; their product is the hop.
        seed: of the initial weights.

    Returns:
        A model `[batch, frames, bands]` log-mel in nats -> `[batch, frames * hop]` float32 waveform
        in (-1, 1); its sample 0 is sample `(window - hop) / 2` of what the log-mel describes.

    Raises:
        ValueError: if the ratios do not make a hop, or `width` cannot be halved so often.

    >>> build_generator(features.LogMelParams(), width=16)(np.zeros([1, 1, 64])).shape
    TensorShape([1, 160])
    """
    if math.prod(ratios) != params.hop_samples or width % 2 ** len(ratios):
        raise ValueError(
            f"ratios {tuple(ratios)} and width {width}: expected ratios whose product is the hop, "
            f"{params.hop_samples}, and a width divisible by {2 ** len(ratios)}"
        )
    convolution = _convolutions(seed)
    log_mel = keras.Input((None, params.num_bands), name="log_mel")
    # Operations, for the layer Rescaling needs TensorFlow, always.
    x = keras.ops.multiply(0.5, keras.ops.subtract(log_mel, params.log_floor + 3.0))
    x = convolution(width, 7, "first")(ReflectionPad1D(3, name="first_pad")(x))
    for level, ratio in enumerate(ratios):
        width //= 2
        x = _leaky_relu(x, f"level_{level}_relu")
        name = f"level_{level}_upsample"
        x = convolution(width, 2 * ratio, name, strides=ratio, transposed=True)(x)
        for dilation in _DILATIONS:
            x = _residual_block(
                x, width, dilation, f"level_{level}_dilation_{dilation}", convolution
            )
    x = ReflectionPad1D(3, name="last_pad")(_leaky_relu(x, "last_relu"))
    # The waveform stays exact under mixed precision: what makes it is float32.
    x = convolution(1, 7, "last", scale=_LAST_SCALE, dtype="float32")(x)
    x = keras.layers.Activation("tanh", dtype="float32", name="tanh")(x)
    waveform = keras.layers.Reshape((-1,), dtype="float32", name="waveform")(x)
    return keras.Model(log_mel, waveform, name="melgan")


def _residual_block(x, width: int, dilation: int, name: str, convolution):
    y = ReflectionPad1D(dilation, name=f"{name}_pad")(_leaky_relu(x, f"{name}_relu_0"))
    y = convolution(width, 3, f"{name}_conv_0", dilation_rate=dilation)(y)
    # The two ways add up to about the variance that came in: twelve blocks follow each other.
    y = convolution(width, 1, f"{name}_conv_1", scale=1.0)(_leaky_relu(y, f"{name}_relu_1"))
    shortcut = convolution(width, 1, f"{name}_shortcut", scale=0.5)(x)
    return keras.layers.Add(name=name)([shortcut, y])


def build_discriminator(
    *, channels: Sequence[int] = _DISCRIMINATOR_CHANNELS, seed: int = 0
) -> keras.Model:
    """Builds three discriminators: of the waveform, and of it at a half and a quarter of its rate.

    Args:
        channels: of each one's first layers; multiples of 4.
        seed: of the initial weights.

    Returns:
        A model `[batch, samples]` -> `{"logits": [...], "features": [...]}`, lists over the scales
        and over all their layers but the last: `[batch, places, channels]`, logits in float32,
        positive for real.
    """
    convolution = _convolutions(seed)
    waveform = keras.Input((None,), name="samples")
    x: Any = keras.layers.Reshape((-1, 1), name="channel")(waveform)
    logits, maps = [], []
    for scale in range(_NUM_SCALES):
        if scale:
            x = keras.layers.AveragePooling1D(4, 2, "same", name=f"scale_{scale}")(x)
        y = ReflectionPad1D(7, name=f"scale_{scale}_pad")(x)
        y = _leaky_relu(convolution(channels[0], 15, f"scale_{scale}_conv_0")(y), f"relu_{scale}_0")
        maps.append(y)
        for index in range(1, len(channels)):
            y = keras.layers.ZeroPadding1D(5 * _DISCRIMINATOR_STRIDE)(y)
            y = convolution(
                channels[index],
                10 * _DISCRIMINATOR_STRIDE + 1,
                f"scale_{scale}_conv_{index}",
                strides=_DISCRIMINATOR_STRIDE,
                groups=channels[index - 1] // _CHANNELS_PER_GROUP,
            )(y)
            y = _leaky_relu(y, f"relu_{scale}_{index}")
            maps.append(y)
        y = convolution(channels[-1], 5, f"scale_{scale}_dense")(keras.layers.ZeroPadding1D(2)(y))
        y = _leaky_relu(y, f"relu_{scale}_dense")
        maps.append(y)
        y = keras.layers.ZeroPadding1D(1)(y)
        logits.append(convolution(1, 3, f"scale_{scale}_logits", dtype="float32")(y))
    return keras.Model(waveform, {"logits": logits, "features": maps}, name="discriminators")
