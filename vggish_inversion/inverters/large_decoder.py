"""This project's own decoder: residual blocks on few places, and sub-pixel convolutions.

The blocks are on the tap's own grid, or on that of all its views (`view_grid`), and, from deep
taps, again on a grid of a quarter of a patch; between them, and in the end, there is one sub-pixel
convolution (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
Sub-Pixel Convolutional Neural Network", CVPR 2016). Few channels at full size, where the paper's
decoder does most of its work, are what a CPU is slowest at.
"""

import math

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.features import views as tap_views
from vggish_inversion.inverters import decoder_parts as parts
from vggish_inversion.inverters import view_grid

# Channels by halvings of the grid, and residual blocks, for one view and for several. A grid halved
# once more has a quarter of the places, which pays for twice the channels; of several views the
# bands alone are halved, and there are up to 16 times as many places.
_SIZES = {
    False: ((16, 32, 64, 128, 192), 4),
    True: ((32, 48, 64, 96, 128, 192), 2),
}
_LAST_GRID = 2
_OUTPUT_CHANNELS = 8


def decode(embedding, params: features.LogMelParams, rng, views: tap_views.Views):
    """Decodes a tap to `[batch, patch_frames, bands, 1]`; see `network`."""
    widths, num_blocks = _SIZES[views.num_views > 1]
    x, frames, halvings = _on_grid(embedding, params, rng, views)
    width = widths[min(halvings, len(widths) - 1)]
    x = _he_convolution(x, width, "stem", rng)
    x = _tower(x, f"grid_{halvings}", rng, num_blocks)
    if views.num_views > 1:
        x = view_grid.without_context(x, views, frames)
    if halvings > _LAST_GRID:
        last_frames = math.gcd(frames, 2**_LAST_GRID)
        scales = (frames // last_frames, 2 ** (halvings - _LAST_GRID))
        frames, halvings, name = last_frames, _LAST_GRID, f"grid_{_LAST_GRID}"
        x = _sub_pixel(x, widths[halvings], scales, f"{name}_sub_pixel", rng)
        num_frames = math.ceil(params.patch_frames / frames)
        x = parts.crop(x, (num_frames, parts.grid(halvings, params)[1]), "grid_crop")
        x = _tower(x, name, rng, num_blocks)
    x = _sub_pixel(x, _OUTPUT_CHANNELS, (frames, 2**halvings), "sub_pixel", rng)
    x = parts.crop(x, parts.grid(0, params), "crop")
    return parts.output_convolution(x, keras.initializers.GlorotUniform(int(rng.integers(2**31))))


def _on_grid(embedding, params: features.LogMelParams, rng, views: tap_views.Views):
    """A grid, the frames of its cells, and how often the bands of a patch are halved to its own."""
    halvings = parts.DENSE_HALVINGS
    dense_frames, dense_bands = parts.grid(halvings, params)
    width = _SIZES[views.num_views > 1][0][halvings]
    if views.num_views > 1:
        x, frames, band_halvings = view_grid.on_grid(embedding, params, views)
        if x.shape[2] > 1 or dense_bands == 1:
            return x, frames, band_halvings
        return _sub_pixel(x, width, (1, dense_bands), "unfold", rng), frames, halvings
    if len(embedding.shape) > 2:
        x, halvings = parts.on_grid(embedding, params)
        return x, 2**halvings, halvings
    shape = (dense_frames, dense_bands, width)
    x = keras.layers.Dense(math.prod(shape), kernel_initializer=_he(rng), name="dense")(embedding)
    return keras.layers.Reshape(shape, name="unfold")(x), 2**halvings, halvings


def _tower(x, name: str, rng, num_blocks: int):
    for index in range(num_blocks):
        x = _residual_block(x, x.shape[-1], f"{name}_block_{index}", rng)
    return keras.layers.ReLU(name=f"{name}_tower")(x)


def _residual_block(x, channels: int, name: str, rng):
    """Two convolutions beside a skip; it begins as the identity (Goyal et al. 2017)."""
    y = _he_convolution(x, channels, f"{name}_conv_0", rng, use_bias=False)
    y = parts.batch_norm_relu(y, f"{name}_conv_0")
    y = _he_convolution(y, channels, f"{name}_conv_1", rng, use_bias=False)
    y = keras.layers.BatchNormalization(
        momentum=0.95, gamma_initializer="zeros", name=f"{name}_conv_1_norm"
    )(y)
    return keras.layers.Add(name=name)([x, y])


def _sub_pixel(x, channels: int, scales: tuple[int, int], name: str, rng):
    """Each place becomes `scales` frames x bands of `channels`, behind a ReLU."""
    x = keras.layers.Conv2D(
        math.prod(scales) * channels, 1, kernel_initializer=_he(rng), name=f"{name}_conv"
    )(x)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    frames, bands = x.shape[1:3]
    x = keras.layers.Reshape((frames, bands, *scales, channels), name=f"{name}_split")(x)
    x = keras.layers.Permute((1, 3, 2, 4, 5), name=f"{name}_permute")(x)
    shape = (frames * scales[0], bands * scales[1], channels)
    return keras.layers.Reshape(shape, name=name)(x)


def _he_convolution(x, channels: int, name: str, rng, *, use_bias: bool = True):
    return keras.layers.Conv2D(
        channels, 3, padding="same", use_bias=use_bias, kernel_initializer=_he(rng), name=name
    )(x)


def _he(rng: np.random.Generator):
    return keras.initializers.HeNormal(seed=int(rng.integers(2**31)))
