"""Arrays of an open file by name: the common form of every format of weights."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Arrays of a file that is open.

    Attributes:
        shapes: by name; they are known, and checked, before a value is read.
        read: gives the values of one.
    """

    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]

    def __repr__(self) -> str:
        """What it is."""
        return f"<Arrays: {len(self.shapes)}>"


@dataclasses.dataclass(frozen=True)
class Place:
    """Which variable of a network an array of a file is.

    Attributes:
        name: of the variable, as the network's own release has it.
        axes: the array's axes in the order of the variable's; None if it is the same.
    """

    name: str
    axes: tuple[int, ...] | None = None

    def shape(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an array with its axes in the variable's order."""
        if self.axes is None or len(self.axes) != len(stored):
            return tuple(stored)
        return tuple(stored[axis] for axis in self.axes)

    def values(self, stored: np.ndarray) -> np.ndarray:
        """An array with its axes in the variable's order."""
        return stored if self.axes is None else np.transpose(stored, self.axes)


# How PyTorch's kernels become Keras'.
CONV_AXES = (2, 3, 1, 0)  # [out, in, height, width] -> [height, width, in, out]
DEPTHWISE_AXES = (2, 3, 0, 1)  # [channels, 1, height, width] -> [height, width, channels, 1]
DENSE_AXES = (1, 0)  # [out, in] -> [in, out]
