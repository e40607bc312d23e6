"""Arrays of an open file by name: the common form of every format of weights.

safetensors is that form as a file, and is read here; other formats have modules of their own.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import safetensors

from vggish_inversion.files import failures, integrity

_KINDS = {"F64", "F32", "F16"}


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


@contextlib.contextmanager
def open_safetensors(path: pathlib.Path) -> Iterator[Arrays]:
    """Opens a `.safetensors` file, which has no code to run and no checksum.

    Its reader checks the header against the length of the file.

    Raises:
        WeightsError: if it is damaged, or holds an array that NumPy has no type for.
    """

    def read(name: str) -> np.ndarray:
        kind = file.get_slice(name).get_dtype()
        if kind not in _KINDS:
            raise integrity.WeightsError(
                f"{path}: expected float32, found {kind} in {name}; save the weights anew with "
                "tensor.float()"
            )
        return file.get_tensor(name)

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  it is no dict
            yield Arrays(shapes, read)
    except (safetensors.SafetensorError, OSError) as error:
        raise integrity.WeightsError(
            f"{path}: expected a safetensors file, cannot read it "
            f"({failures.first_line(error)}); copy the file again"
        ) from error
