"""The decoder of Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL 2021).

VGGish mirrored at a quarter of its width, which widens the grid step by step.
"""

from collections.abc import Sequence

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.features import views as tap_views
from vggish_inversion.inverters import decoder_parts as parts

# Convolutions after the upsampling to each grid, named by how many halvings it lies under a patch;
# deeper grids take the last row. The output layer follows the convolutions of grid 0.
_CHANNELS = ((16,), (32,), (64, 64), (128, 128))

_DENSE_CHANNELS = 128


def decode(embedding, params: features.LogMelParams, rng, views: tap_views.Views):
    """Decodes a tap to `[batch, patch_frames, bands, 1]`; see `network`.

    Raises:
        ValueError: if there is more than one view, for the published decoder sees a patch alone.
    """
    if views.num_views > 1:
        raise ValueError(
            f'the "paper" preset inverts a patch alone, not {views.num_views} views; use "large"'
        )
    if len(embedding.shape) == 2:
        x, halvings = _unfold(embedding, params, rng), parts.DENSE_HALVINGS
    else:
        x, halvings = parts.on_grid(embedding, params)
    for level in range(halvings, -1, -1):
        if level < halvings:
            x = _upsample(x, level, params)
        if level < halvings or level == 0:
            for index, channels in enumerate(_CHANNELS[min(level, 3)]):
                x = _convolution(x, channels, f"grid_{level}_conv_{index}", rng)
    return parts.output_convolution(x, _initializer(rng))


def dense_widths(tap_shape: Sequence[int]) -> tuple[int, ...]:
    """Hidden layers of the decoder of a fully connected tap: VGGish's own, mirrored."""
    return (128,) if tap_shape[-1] <= 128 else (4096,)


def _unfold(x, params: features.LogMelParams, rng):
    """Dense layers from a fully connected tap to the deepest convolutional grid."""
    frames, bands = parts.grid(parts.DENSE_HALVINGS, params)
    widths = (*dense_widths(x.shape[1:]), frames * bands * _DENSE_CHANNELS)
    for index, width in enumerate(widths):
        name = f"dense_{index}"
        x = keras.layers.Dense(
            width, use_bias=False, kernel_initializer=_initializer(rng), name=name
        )(x)
        x = parts.batch_norm_relu(x, name)
    return keras.layers.Reshape((frames, bands, _DENSE_CHANNELS), name="unfold")(x)


def _upsample(x, level: int, params: features.LogMelParams):
    """Doubles the grid by repetition; crops where a halving had been rounded up."""
    x = keras.layers.UpSampling2D(2, name=f"grid_{level}_upsample")(x)
    return parts.crop(x, parts.grid(level, params), f"grid_{level}_crop")


def _convolution(x, channels: int, name: str, rng):
    x = keras.layers.Conv2D(
        channels,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(rng),
        name=name,
    )(x)
    return parts.batch_norm_relu(x, name)


def _initializer(rng: np.random.Generator):
    return keras.initializers.TruncatedNormal(stddev=0.01, seed=int(rng.integers(2**31)))
