"""The inverter networks: activations of a tap -> log-mel patch in network range.

Source of the "paper" preset: Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE
SPL 2021): VGGish mirrored at a quarter of its width.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np

from vggish_inversion import features

PRESETS = ("paper",)

# Convolutions after the upsampling to each grid, named by how many halvings it lies under a patch;
# deeper grids take the last row. The output layer follows the convolutions of grid 0.
_PAPER_CHANNELS = ((16,), (32,), (64, 64), (128, 128))

# Fully connected taps are first unfolded to this many halvings of a patch, VGGish's pool4: 6 x 4.
_DENSE_HALVINGS = 4
_DENSE_CHANNELS = 128


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
        preset: "paper".
        params: the target's front end; its patch is the output's shape.
        seed: of the initial weights.

    Returns:
        A model `[batch, *tap_shape]` -> `[batch, patch_frames, bands]` float32 in (-1, 1): log-mel
        as `features.scale_log_mel` gives it.

    Raises:
        ValueError: on an unknown preset or a shape of more than three axes.

    >>> build_inverter((24, 16, 16)).output_shape
    (None, 96, 64)
    """
    if preset not in PRESETS:
        raise ValueError(f"no preset {preset!r}; presets are: {' '.join(PRESETS)}")
    tap_shape = tuple(tap_shape)
    if not 1 <= len(tap_shape) <= 3 or None in tap_shape:
        raise ValueError(
            f"a tap of shape {tap_shape} cannot be inverted; expected (frames, bands, channels), "
            "(frames, channels) or (values,), all known"
        )
    rng = np.random.default_rng(seed)
    embedding = keras.Input(tap_shape, name="embedding")
    if len(tap_shape) == 1:
        halvings = _DENSE_HALVINGS
        x = _unfold(embedding, tap_shape, params, rng)
    else:
        frames, bands, channels = (
            tap_shape if len(tap_shape) == 3 else (tap_shape[0], 1, tap_shape[1])
        )
        x = keras.layers.Reshape((frames, bands, channels), name="grid")(embedding)
        halvings = num_halvings((frames, bands), params)
        if (frames, bands) != grid(halvings, params):
            height, width = grid(halvings, params)
            x = keras.layers.Resizing(height, width, name="resize")(x)
    for level in range(halvings, -1, -1):
        if level < halvings:
            x = _upsample(x, level, params)
        if level < halvings or level == 0:
            for index, channels in enumerate(_PAPER_CHANNELS[min(level, 3)]):
                x = _convolution(x, channels, f"grid_{level}_conv_{index}", rng)
    # The output stays exact under mixed precision: both of the last layers are float32.
    x = keras.layers.Conv2D(
        1,
        3,
        padding="same",
        activation="tanh",
        kernel_initializer=_initializer(rng),
        dtype="float32",
        name="output_conv",
    )(x)
    shape = (params.patch_frames, params.num_bands)
    patches = keras.layers.Reshape(shape, dtype="float32", name="patches")(x)
    return keras.Model(embedding, patches, name=f"{preset}_inverter")


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


def _unfold(x, tap_shape, params: features.LogMelParams, rng):
    """Dense layers from a fully connected tap to the deepest convolutional grid."""
    frames, bands = grid(_DENSE_HALVINGS, params)
    for index, width in enumerate((*dense_widths(tap_shape), frames * bands * _DENSE_CHANNELS)):
        name = f"dense_{index}"
        x = keras.layers.Dense(
            width, use_bias=False, kernel_initializer=_initializer(rng), name=name
        )(x)
        x = _batch_norm_relu(x, name)
    return keras.layers.Reshape((frames, bands, _DENSE_CHANNELS), name="unfold")(x)


def _upsample(x, level: int, params: features.LogMelParams):
    """Doubles the grid by repetition; crops where a halving had been rounded up."""
    frames, bands = grid(level, params)
    x = keras.layers.UpSampling2D(2, name=f"grid_{level}_upsample")(x)
    surplus = ((0, x.shape[1] - frames), (0, x.shape[2] - bands))
    if any(right for _, right in surplus):
        x = keras.layers.Cropping2D(surplus, name=f"grid_{level}_crop")(x)
    return x
