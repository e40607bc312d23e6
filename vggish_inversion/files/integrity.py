"""Checks that a model file is whole, and belongs to the right model.

TensorFlow's checkpoints, `.keras` and `.npz` files carry checksums of their contents, which their
readers compare. HDF5 carries none: a byte that flips in a `.weights.h5` is another weight. So a
file may have its SHA-256 beside it, in FILE.sha256 as `sha256sum FILE` prints it; whatever this
project saves has one. It shows damage, not forgery: a forger can replace both files.
"""

import os
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np

from vggish_inversion.files.contents import sha256

Source = str | os.PathLike[str]


class WeightsError(ValueError):
    """Model files are missing, damaged, or another model's; the message is one line."""


def write_digest(path: Source) -> pathlib.Path:
    """Writes FILE.sha256 beside a file that was just saved; returns its path."""
    path = pathlib.Path(path)
    digest_path = _digest_path(path)
    digest_path.write_text(f"{sha256(path)}  {path.name}\n", encoding="utf-8")
    return digest_path


def check_digest(path: Source) -> None:
    """Compares a file with the FILE.sha256 beside it, if there is one.

    Raises:
        WeightsError: if they differ.
    """
    path = pathlib.Path(path)
    digest_path = _digest_path(path)
    if not path.is_file() or not digest_path.is_file():  # a checkpoint's prefix is no file
        return
    words = digest_path.read_text(encoding="utf-8", errors="replace").split()
    expected, found = words[0].lower() if words else "nothing", sha256(path)
    if found != expected:
        raise WeightsError(
            f"{path}: expected the SHA-256 {expected[:64]} of {digest_path.name}, found {found}; "
            f"copy both files again, or delete {digest_path.name} if the change is yours"
        )


def check_shapes(
    stored: Mapping[str, Iterable[int]], expected: Mapping[str, tuple[int, ...]], source: Source
) -> None:
    """Makes sure that every expected variable is there and has its shape.

    Raises:
        WeightsError: at the first that is missing or has another.
    """
    for name, shape in expected.items():
        if name not in stored:
            some = ", ".join(sorted(stored)[:3])
            raise WeightsError(
                f"{source}: expected the variable {name} {list(shape)}, found {len(stored)} others "
                f"({some}, ...); give the weights of the right model"
            )
        if tuple(stored[name]) != tuple(shape):
            raise WeightsError(
                f"{source}: expected {name} to have the shape {list(shape)}, found "
                f"{list(stored[name])}; give the weights of the right model"
            )


def check_finite(variables: Mapping[str, np.ndarray], source: Source) -> None:
    """Makes sure that no variable holds NaN or infinity.

    Raises:
        WeightsError: at the first that does.
    """
    for name, value in variables.items():
        if value.dtype.kind != "f":
            continue
        # A sum is finite only if every term is, and it needs no array of its own.
        with np.errstate(invalid="ignore"):
            total = np.sum(value, dtype=np.float64)
        if not np.isfinite(total):
            raise WeightsError(
                f"{source}: expected finite weights, found NaN or infinity in {name}; copy or "
                "train the file again"
            )


def _digest_path(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f"{path.name}.sha256")
