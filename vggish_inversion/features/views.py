"""A tap on patches that overlap: its views around the patch that is inverted.

Halved again and again, a tap has few rows per patch: one in 16 frames at a small encoder's
`layer_3`. A program that runs the network on patches a few frames apart, as one that listens all
the time does, also sees the rows in between.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from vggish_inversion import features
from vggish_inversion.files import keras_files

keras_files.set_keras_defaults()


@dataclasses.dataclass(frozen=True)
class Views:
    """Patches evenly spread from half a patch before to half a patch after the one inverted.

    They lie at whole frames: where no whole hop reaches both ends, distances differ by one frame.

    Attributes:
        num_views: how many, an odd number; 1 is that patch alone.
        patch_frames: of a patch.

    >>> Views(17, 96).hop_frames, Views(17, 96).context_frames
    (6, 48)
    >>> Views(5, 30).starts
    (0, 8, 15, 23, 30)
    """

    num_views: int
    patch_frames: int

    def __post_init__(self):
        """Checks the number.

        Raises:
            ValueError: if it is even, or more than there are places.
        """
        most = self.most(self.patch_frames)
        if self.num_views % 2 != 1 or not 1 <= self.num_views <= most:
            raise ValueError(
                f"{self.num_views} views of a patch of {self.patch_frames} frames; expected an odd "
                f"number up to {most}: its own, and as many before it as after, each at a frame of "
                "its own"
            )

    @staticmethod
    def most(patch_frames: int) -> int:
        """Places from half a patch before to half a patch after, a frame apart.

        >>> Views.most(16), Views.most(1)
        (17, 1)
        """
        return patch_frames // 2 * 2 + 1

    @property
    def starts(self) -> tuple[int, ...]:
        """First frame of each view, counted from that of the first."""
        gaps, span = max(1, self.num_views - 1), 2 * self.context_frames
        return tuple((2 * view * span + gaps) // (2 * gaps) for view in range(self.num_views))

    @property
    def hop_frames(self) -> int:
        """Distance between two views, to the nearest frame."""
        return max(1, round(self.patch_frames // 2 * 2 / max(1, self.num_views - 1)))

    @property
    def context_frames(self) -> int:
        """Frames before the patch, and again after it, that the views see: half a patch."""
        return self.patch_frames // 2 if self.num_views > 1 else 0

    @property
    def is_even(self) -> bool:
        """Whether all distances are alike."""
        return self.num_views == 1 or 2 * self.context_frames % (self.num_views - 1) == 0

    @classmethod
    def taken_by(
        cls,
        inverter: keras.Model,
        tap_shape: Sequence[int],
        params: features.Source,
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


def overlapping(frozen: keras.Model, views: Views, source: features.Source) -> keras.Model:
    """Runs a network on every view.

    Args:
        frozen: `[batch, *source.window_shape()]` -> activations `[batch, *tap_shape]`, or a dict
            of them.
        views: how many, and where.
        source: of the target.

    Returns:
        Patches with their context, `[batch, *source.window_shape(context)]` -> `[batch, views,
        *tap_shape]`; the network itself where there is one view.
    """
    if views.num_views == 1:
        return frozen
    patch_shape = source.window_shape()
    window = keras.Input(source.window_shape(views.context_frames), name="window")
    places = [source.place(first) for first in views.starts]
    patches = keras.ops.stack([window[:, first : first + patch_shape[0]] for first in places], 1)
    seen: Any = frozen(keras.ops.reshape(patches, (-1, *patch_shape)), training=False)

    def unfold(activations):
        return keras.ops.reshape(activations, (-1, views.num_views, *activations.shape[1:]))

    model = keras.Model(window, keras.tree.map_structure(unfold, seen), name="views")
    model.trainable = False
    return model
