"""Reads weights in the safetensors format: arrays by name, as PyTorch's users keep them.

The format has no checksum and no code; its reader checks the header against the file's length.
"""

import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
import safetensors

from vggish_inversion.files import integrity
from vggish_inversion.files.arrays import Arrays

_KINDS = {"F64", "F32", "F16"}


@contextlib.contextmanager
def open_arrays(path: pathlib.Path) -> Iterator[Arrays]:
    """Opens a `.safetensors` file.

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
            f"({integrity.first_line(error)}); copy the file again"
        ) from error
