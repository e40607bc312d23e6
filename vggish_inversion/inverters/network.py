"""The inverter networks: activations of a tap -> log-mel patch in network range.

"paper" is the decoder of Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL
2021): VGGish mirrored at a quarter of its width, which widens the grid step by step.

"large" is this project's own: residual blocks on the tap's own grid and, from deep taps, again on a
grid of a quarter of a patch; between them, and in the end, one sub-pixel convolution (Shi et al.,
"Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
Network", CVPR 2016). Few channels at full size, where the paper's decoder does most of its work,
are what a CPU is slowest at.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np

from vggish_inversion import features

# Convolutions after the upsampling to each grid, named by how many halvings it lies under a patch;
# deeper grids take the last row. The output layer follows the convolutions of grid 0.
_PAPER_CHANNELS = ((16,), (32,), (64, 64), (128, 128))

_DISCRIMINATOR_CHANNELS = (16, 32, 64, 128)

# Fully connected taps are first unfolded to this many halvings of a patch, VGGish's pool4: 6 x 4.
_DENSE_HALVINGS = 4
_DENSE_CHANNELS = 128

# A grid halved once more has a quarter of the places, which pays for twice the channels.
_LARGE_CHANNELS = (16, 32, 64, 128, 192)
_LARGE_BLOCKS = 4
_LARGE_LAST_GRID = 2
_LARGE_OUTPUT_CHANNELS = 8


def grid(halvings: int, params: features.LogMelParams) -> tuple[int, int]:
    """Frames and bands of a patch that was halved so many times, rounding up.

    >>> grid(4, features.LogMelParams())
    (6, 4)
    """
    scale = 2**halvings
    return math.ceil(params.patch_frames / scale), math.ceil(params.num_bands / scale)


def num_halvings(shape: Sequence[int], params: features.LogMelParams) -> int:
    """The deepest grid that is no smaller than a tap's, where the decoder sets in.

    >>> num_halvings((24, 16, 128), features.LogMelParams())
    2
    """
    halvings = 0
    while True:
        frames, bands = grid(halvings + 1, params)
        if frames < shape[0] or bands < shape[1] or (frames, bands) == (1, 1):
            return halvings
        halvings += 1


def dense_widths(tap_shape: Sequence[int]) -> tuple[int, ...]:
    """Hidden layers of the decoder of a fully connected tap: VGGish's own, mirrored."""
    return (128,) if tap_shape[-1] <= 128 else (4096,)


def build_inverter(
    tap_shape: Sequence[int],
    *,
    preset: str = "paper",
    params: features.LogMelParams = features.LogMelParams(),
    seed: int = 0,
) -> keras.Model:
    """Builds the inverter of a tap from the tap's shape alone.

    Args:
        tap_shape: without the batch axis: `(frames, bands, channels)`, `(frames, channels)` or
            `(values,)`. A grid that no halving of a patch gives is resized to the next larger one.
        preset: "paper" or "large".
        params: the target's front end; its patch is the output's shape.
        seed: of the initial weights.

    Returns:
        A model `[batch, *tap_shape]` -> `[batch, patch_frames, bands]` float32 in (-1, 1), log-mel
        as `features.scale_log_mel` gives it.

    Raises:
        ValueError: on an unknown preset or a shape of more than three axes.

    >>> build_inverter((24, 16, 16)).output_shape
    (None, 96, 64)
    """
    if preset not in _DECODERS:
        raise ValueError(f"no preset {preset!r}; presets are: {' '.join(PRESETS)}")
    tap_shape = tuple(tap_shape)
    if not 1 <= len(tap_shape) <= 3 or None in tap_shape:
        raise ValueError(
            f"a tap of shape {tap_shape} cannot be inverted; expected (frames, bands, channels), "
            "(frames, channels) or (values,), all known"
        )
    embedding = keras.Input(tap_shape, name="embedding")
    x = _DECODERS[preset](embedding, params, np.random.default_rng(seed))
    # The output stays exact under mixed precision: what follows the decoder is float32.
    x = keras.layers.Activation("tanh", dtype="float32", name="output")(x)
    shape = (params.patch_frames, params.num_bands)
    patches = keras.layers.Reshape(shape, dtype="float32", name="patches")(x)
    return keras.Model(embedding, patches, name=f"{preset}_inverter")


def build_discriminator(
    params: features.LogMelParams = features.LogMelParams(), *, seed: int = 0
) -> keras.Model:
    """Builds RecGAN's discriminator, which judges a patch part by part.

    Args:
        params: the target's front end; its patch is the input's shape.
        seed: of the initial weights and of dropout.

    Returns:
        A model `[batch, patch_frames, bands]` in network range -> `[batch, frames, bands]` float32
        logits, positive for real.

    >>> build_discriminator().output_shape
    (None, 6, 4)
    """
    rng = np.random.default_rng(seed)
    patches = keras.Input((params.patch_frames, params.num_bands), name="patches")
    x = keras.layers.Reshape((params.patch_frames, params.num_bands, 1), name="channel")(patches)
    for index, channels in enumerate(_DISCRIMINATOR_CHANNELS):
        x = keras.layers.Conv2D(
            channels,
            4,
            strides=2,
            padding="same",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02, int(rng.integers(2**31))),
            name=f"conv_{index}",
        )(x)
        if index:
            x = keras.layers.BatchNormalization(name=f"norm_{index}")(x)
        x = keras.layers.LeakyReLU(0.3, name=f"leaky_relu_{index}")(x)
        x = keras.layers.Dropout(0.3, seed=int(rng.integers(2**31)), name=f"dropout_{index}")(x)
    x = keras.layers.Conv2D(
        1,
        4,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02, int(rng.integers(2**31))),
        dtype="float32",
        name="logit",
    )(x)
    logits = keras.layers.Reshape(x.shape[1:3], dtype="float32", name="logits")(x)
    return keras.Model(patches, logits, name="discriminator")


def _on_grid(embedding, params: features.LogMelParams):
    """A convolutional tap on the smallest grid of halvings that holds it, and the halvings."""
    shape = embedding.shape[1:]
    frames, bands, channels = shape if len(shape) == 3 else (shape[0], 1, shape[1])
    x = keras.layers.Reshape((frames, bands, channels), name="grid")(embedding)
    halvings = num_halvings((frames, bands), params)
    if (frames, bands) != grid(halvings, params):
        x = keras.layers.Resizing(*grid(halvings, params), name="resize")(x)
    return x, halvings


def _paper_decoder(embedding, params: features.LogMelParams, rng):
    if len(embedding.shape) == 2:
        x, halvings = _unfold(embedding, params, rng), _DENSE_HALVINGS
    else:
        x, halvings = _on_grid(embedding, params)
    for level in range(halvings, -1, -1):
        if level < halvings:
            x = _upsample(x, level, params)
        if level < halvings or level == 0:
            for index, channels in enumerate(_PAPER_CHANNELS[min(level, 3)]):
                x = _convolution(x, channels, f"grid_{level}_conv_{index}", rng)
    return _output_convolution(x, _initializer(rng))


def _large_decoder(embedding, params: features.LogMelParams, rng):
    if len(embedding.shape) == 2:
        halvings, width = _DENSE_HALVINGS, _LARGE_CHANNELS[_DENSE_HALVINGS]
        shape = (*grid(halvings, params), width)
        x = keras.layers.Dense(math.prod(shape), kernel_initializer=_he(rng), name="dense")(
            embedding
        )
        x = keras.layers.Reshape(shape, name="unfold")(x)
    else:
        x, halvings = _on_grid(embedding, params)
        width = _LARGE_CHANNELS[min(halvings, len(_LARGE_CHANNELS) - 1)]
    x = _tower(_he_convolution(x, width, "stem", rng), f"grid_{halvings}", rng)
    if halvings > _LARGE_LAST_GRID:
        level, width = _LARGE_LAST_GRID, _LARGE_CHANNELS[_LARGE_LAST_GRID]
        x = _sub_pixel(x, width, 2 ** (halvings - level), f"grid_{level}_sub_pixel", rng)
        x = _tower(_crop(x, grid(level, params), "grid_crop"), f"grid_{level}", rng)
        halvings = level
    x = _sub_pixel(x, _LARGE_OUTPUT_CHANNELS, 2**halvings, "sub_pixel", rng)
    x = _crop(x, grid(0, params), "crop")
    return _output_convolution(x, keras.initializers.GlorotUniform(int(rng.integers(2**31))))


_DECODERS = {"paper": _paper_decoder, "large": _large_decoder}
PRESETS = tuple(_DECODERS)


def _output_convolution(x, initializer):
    return keras.layers.Conv2D(
        1, 3, padding="same", kernel_initializer=initializer, dtype="float32", name="output_conv"
    )(x)


def _he(rng: np.random.Generator):
    return keras.initializers.HeNormal(seed=int(rng.integers(2**31)))


def _he_convolution(x, channels: int, name: str, rng, *, use_bias: bool = True):
    return keras.layers.Conv2D(
        channels, 3, padding="same", use_bias=use_bias, kernel_initializer=_he(rng), name=name
    )(x)


def _residual_block(x, channels: int, name: str, rng):
    """Two convolutions beside a skip; it begins as the identity (Goyal et al. 2017)."""
    y = _he_convolution(x, channels, f"{name}_conv_0", rng, use_bias=False)
    y = _batch_norm_relu(y, f"{name}_conv_0")
    y = _he_convolution(y, channels, f"{name}_conv_1", rng, use_bias=False)
    y = keras.layers.BatchNormalization(
        momentum=0.95, gamma_initializer="zeros", name=f"{name}_conv_1_norm"
    )(y)
    return keras.layers.Add(name=name)([x, y])


def _tower(x, name: str, rng):
    for index in range(_LARGE_BLOCKS):
        x = _residual_block(x, x.shape[-1], f"{name}_block_{index}", rng)
    return keras.layers.ReLU(name=f"{name}_tower")(x)


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


def _crop(x, shape: tuple[int, int], name: str):
    surplus = ((0, x.shape[1] - shape[0]), (0, x.shape[2] - shape[1]))
    if any(right for _, right in surplus):
        x = keras.layers.Cropping2D(surplus, name=name)(x)
    return x


def _initializer(rng: np.random.Generator):
    return keras.initializers.TruncatedNormal(stddev=0.01, seed=int(rng.integers(2**31)))


def _batch_norm_relu(x, name: str):
    x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _convolution(x, channels: int, name: str, rng):
    x = keras.layers.Conv2D(
        channels,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(rng),
        name=name,
    )(x)
    return _batch_norm_relu(x, name)


def _unfold(x, params: features.LogMelParams, rng):
    """Dense layers from a fully connected tap to the deepest convolutional grid."""
    frames, bands = grid(_DENSE_HALVINGS, params)
    widths = (*dense_widths(x.shape[1:]), frames * bands * _DENSE_CHANNELS)
    for index, width in enumerate(widths):
        name = f"dense_{index}"
        x = keras.layers.Dense(
            width, use_bias=False, kernel_initializer=_initializer(rng), name=name
        )(x)
        x = _batch_norm_relu(x, name)
    return keras.layers.Reshape((frames, bands, _DENSE_CHANNELS), name="unfold")(x)


def _upsample(x, level: int, params: features.LogMelParams):
    """Doubles the grid by repetition; crops where a halving had been rounded up."""
    x = keras.layers.UpSampling2D(2, name=f"grid_{level}_upsample")(x)
    return _crop(x, grid(level, params), f"grid_{level}_crop")
