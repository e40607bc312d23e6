"""A tap as it is seen on patches that overlap: views of it around the patch that is inverted.

Halved again and again, a tap has few rows per patch: one in 16 frames at a small encoder's
`layer_3`. Whoever runs the network on patches a few frames apart, as a program that listens all
the time does, also sees the rows in between.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from vggish_inversion import features


@dataclasses.dataclass(frozen=True)
class Views:
    """Patches evenly spread from half a patch before to half a patch after the one inverted.

    Attributes:
        num_views: how many, an odd number; 1 is that patch alone.
        patch_frames: of a patch.

    >>> Views(17, 96).hop_frames, Views(17, 96).context_frames
    (6, 48)
    """

    num_views: int
    patch_frames: int

    def __post_init__(self):
        """Checks the number.

        Raises:
            ValueError: if it is even, or more than there are frames.
        """
        if self.num_views % 2 != 1 or not 1 <= self.num_views <= self.patch_frames:
            raise ValueError(
                f"{self.num_views} views of a patch; expected an odd number up to "
                f"{self.patch_frames}: its own, and as many before it as after"
            )

    @property
    def hop_frames(self) -> int:
        """Distance between two views."""
        return self.patch_frames // max(1, self.num_views - 1)

    @property
    def context_frames(self) -> int:
        """Frames before the patch, and again after it, that the views see."""
        return self.num_views // 2 * self.hop_frames

    @classmethod
    def taken_by(
        cls,
        inverter: keras.Model,
        tap_shape: Sequence[int],
        params: features.LogMelParams,
    ) -> "Views":
        """What an inverter takes, by the shape of its input: `[batch, views, *tap_shape]`.

        Raises:
            ValueError: if it takes another shape.
        """
        shape, tap_shape = tuple(inverter.input_shape[1:]), tuple(tap_shape)
        if shape == tap_shape:
            return cls(1, params.patch_frames)
        if shape[1:] == tap_shape and shape[0]:
            return cls(shape[0], params.patch_frames)
        raise ValueError(f"an inverter of {shape} cannot invert a tap of {tap_shape}")


def overlapping(frozen: keras.Model, views: Views) -> keras.Model:
    """Runs a network on every view.

    Args:
        frozen: patches `[batch, patch_frames, bands]` -> activations `[batch, *tap_shape]`, or a
            dict of them.
        views: how many, and where.

    Returns:
        Patches with their context, `[batch, context + patch_frames + context, bands]` -> `[batch,
        views, *tap_shape]`; the network itself where there is one view.
    """
    if views.num_views == 1:
        return frozen
    num_frames, num_bands = views.patch_frames, frozen.input_shape[-1]
    window = keras.Input((num_frames + 2 * views.context_frames, num_bands), name="window")
    starts = [number * views.hop_frames for number in range(views.num_views)]
    patches = keras.ops.stack([window[:, first : first + num_frames] for first in starts], axis=1)
    seen: Any = frozen(keras.ops.reshape(patches, (-1, num_frames, num_bands)), training=False)

    def unfold(activations):
        return keras.ops.reshape(activations, (-1, views.num_views, *activations.shape[1:]))

    model = keras.Model(window, keras.tree.map_structure(unfold, seen), name="views")
    model.trainable = False
    return model
