"""What the decoders share: the grids between a patch and a deep tap, and the layers on them.

A grid is a patch that was halved again and again; decoders double it back.
"""

import math
from collections.abc import Sequence

import keras

from vggish_inversion import features

# Fully connected taps are first unfolded to this many halvings of a patch, VGGish's pool4: 6 x 4.
DENSE_HALVINGS = 4


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


def on_grid(embedding, params: features.LogMelParams):
    """Puts a convolutional tap on the smallest grid of halvings that holds it, and the halvings."""
    shape = embedding.shape[1:]
    frames, bands, channels = shape if len(shape) == 3 else (shape[0], 1, shape[1])
    x = keras.layers.Reshape((frames, bands, channels), name="grid")(embedding)
    halvings = num_halvings((frames, bands), params)
    if (frames, bands) != grid(halvings, params):
        x = keras.layers.Resizing(*grid(halvings, params), name="resize")(x)
    return x, halvings


def crop(x, shape: tuple[int, int], name: str):
    """Cuts off the last frames and bands where a halving had been rounded up."""
    surplus = ((0, x.shape[1] - shape[0]), (0, x.shape[2] - shape[1]))
    if any(right for _, right in surplus):
        x = keras.layers.Cropping2D(surplus, name=name)(x)
    return x


def batch_norm_relu(x, name: str):
    """Batch normalisation, with running means that short training can fill, and a ReLU."""
    x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def output_convolution(x, initializer):
    """One band-and-frame value from each place's channels; float32 under any precision."""
    return keras.layers.Conv2D(
        1, 3, padding="same", kernel_initializer=initializer, dtype="float32", name="output_conv"
    )(x)
