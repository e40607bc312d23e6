"""This project's own decoder: residual blocks on few places, and sub-pixel convolutions.

The blocks are on the tap's own grid and, from deep taps, again on a grid of a quarter of a patch;
between them, and in the end, there is one sub-pixel convolution (Shi et al., "Real-Time Single
Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", CVPR
2016). Few channels at full size, where the paper's decoder does most of its work, are what a CPU is
slowest at.
"""

import math

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.inverters import blocks, patch_grid

# A grid halved once more has a quarter of the places, which pays for twice the channels.
_CHANNELS = (16, 32, 64, 128, 192)
_BLOCKS = 4
_LAST_GRID = 2
_OUTPUT_CHANNELS = 8


def decode(embedding, params: features.LogMelParams, rng):
    """Decodes a tap to `[batch, patch_frames, bands, 1]`; see `network`."""
    if len(embedding.shape) == 2:
        halvings, width = patch_grid.DENSE_HALVINGS, _CHANNELS[patch_grid.DENSE_HALVINGS]
        shape = (*patch_grid.grid(halvings, params), width)
        x = keras.layers.Dense(math.prod(shape), kernel_initializer=_he(rng), name="dense")(
            embedding
        )
        x = keras.layers.Reshape(shape, name="unfold")(x)
    else:
        x, halvings = patch_grid.on_grid(embedding, params)
        width = _CHANNELS[min(halvings, len(_CHANNELS) - 1)]
    x = _tower(_he_convolution(x, width, "stem", rng), f"grid_{halvings}", rng)
    if halvings > _LAST_GRID:
        level, width = _LAST_GRID, _CHANNELS[_LAST_GRID]
        x = _sub_pixel(x, width, 2 ** (halvings - level), f"grid_{level}_sub_pixel", rng)
        x = _tower(
            patch_grid.crop(x, patch_grid.grid(level, params), "grid_crop"), f"grid_{level}", rng
        )
        halvings = level
    x = _sub_pixel(x, _OUTPUT_CHANNELS, 2**halvings, "sub_pixel", rng)
    x = patch_grid.crop(x, patch_grid.grid(0, params), "crop")
    return blocks.output_convolution(x, keras.initializers.GlorotUniform(int(rng.integers(2**31))))


def _tower(x, name: str, rng):
    for index in range(_BLOCKS):
        x = _residual_block(x, x.shape[-1], f"{name}_block_{index}", rng)
    return keras.layers.ReLU(name=f"{name}_tower")(x)


def _residual_block(x, channels: int, name: str, rng):
    """Two convolutions beside a skip; it begins as the identity (Goyal et al. 2017)."""
    y = _he_convolution(x, channels, f"{name}_conv_0", rng, use_bias=False)
    y = blocks.batch_norm_relu(y, f"{name}_conv_0")
    y = _he_convolution(y, channels, f"{name}_conv_1", rng, use_bias=False)
    y = keras.layers.BatchNormalization(
        momentum=0.95, gamma_initializer="zeros", name=f"{name}_conv_1_norm"
    )(y)
    return keras.layers.Add(name=name)([x, y])


def _sub_pixel(x, channels: int, scale: int, name: str, rng):
    """Each place becomes `scale` x `scale` places of `channels`, behind a ReLU."""
    x = keras.layers.Conv2D(
        scale * scale * channels, 1, kernel_initializer=_he(rng), name=f"{name}_conv"
    )(x)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    frames, bands = x.shape[1:3]
    x = keras.layers.Reshape((frames, bands, scale, scale, channels), name=f"{name}_split")(x)
    x = keras.layers.Permute((1, 3, 2, 4, 5), name=f"{name}_permute")(x)
    return keras.layers.Reshape((frames * scale, bands * scale, channels), name=name)(x)


def _he_convolution(x, channels: int, name: str, rng, *, use_bias: bool = True):
    return keras.layers.Conv2D(
        channels, 3, padding="same", use_bias=use_bias, kernel_initializer=_he(rng), name=name
    )(x)


def _he(rng: np.random.Generator):
    return keras.initializers.HeNormal(seed=int(rng.integers(2**31)))
