"""Reads weights from a NumPy archive; unpickles nothing.

`np.load` believes a header before it has seen the checksum, and allocates what the header claims;
here the archive's checksums come first, then names, shapes and types, and the arrays last.
"""

import contextlib
import pathlib
import zipfile
from collections.abc import Iterator, Mapping

import numpy as np

from vggish_inversion.files import archives, formats, integrity
from vggish_inversion.files.arrays import Arrays
from vggish_inversion.files.integrity import Source, WeightsError

_EXPECTED = "a .npz file of arrays"
_KINDS = {"f": "floating-point numbers", "fiub": "numbers", "U": "a text"}


@contextlib.contextmanager
def open_arrays(path: pathlib.Path) -> Iterator[Arrays]:
    """Opens a NumPy archive, and unpickles nothing.

    Raises:
        WeightsError: if it is damaged, or if an array is read that holds Python objects.
    """
    with archives.open_archive(path, _EXPECTED) as archive:
        members = {_array_name(name): name for name in archive.namelist()}
        headers = {name: _array_header(archive, key) for name, key in members.items()}

        def read(name: str) -> np.ndarray:
            _check_kind(headers[name][1], "f", name, path)
            return _read_array(archive, members[name])

        yield Arrays({name: shape for name, (shape, _) in headers.items()}, read)


def read_npz(path: Source) -> dict[str, np.ndarray]:
    """Reads a NumPy archive of floating-point arrays, and unpickles nothing.

    Args:
        path: a `.npz` file.

    Returns:
        Arrays by name.

    Raises:
        WeightsError: if the file is missing, damaged or holds Python objects, or if an array has a
            value that is not finite.
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; expected {_EXPECTED}; correct the path")
    found = formats.identify(path)
    if found.key not in ("npz", "zip", "zip_cut_short"):
        raise WeightsError(formats.refusal(path, _EXPECTED))
    integrity.check_digest(path)
    with open_arrays(path) as arrays:
        variables = {name: arrays.read(name) for name in arrays.shapes}
    integrity.check_finite(variables, path)
    return variables


def read_state(
    path: Source, *, shapes: Mapping[str, tuple[int, ...]], text: str
) -> tuple[dict[str, np.ndarray], str]:
    """Reads numbers of any type, and one text, of a NumPy archive that holds nothing else.

    Args:
        path: a `.npz` file.
        shapes: the arrays, and the shapes that they must have.
        text: the name of the text.

    Returns:
        Arrays by name, and the text.

    Raises:
        WeightsError: if the file is damaged, or holds other things.
    """
    with archives.open_archive(pathlib.Path(path), _EXPECTED) as archive:
        members = {_array_name(name): name for name in archive.namelist()}
        if members.keys() != {*shapes, text}:
            raise WeightsError(f"{path}: expected {len(shapes) + 1} arrays, found {len(members)}")
        headers = {name: _array_header(archive, key) for name, key in members.items()}
        stored = {name: shape for name, (shape, _) in headers.items()}
        integrity.check_shapes(stored, {**shapes, text: ()}, path)
        for name, (_, dtype) in headers.items():
            _check_kind(dtype, "U" if name == text else "fiub", name, path)
        arrays = {name: _read_array(archive, key) for name, key in members.items()}
    return arrays, str(arrays.pop(text))


def _array_name(member: str) -> str:
    return member.removesuffix(".npy")


def _array_header(archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, ...], np.dtype]:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in read:
            raise ValueError(f"{member} has version {version} of NumPy's format, unknown here")
        shape, _, dtype = read[version](file)
    return shape, dtype


def _read_array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _check_kind(dtype: np.dtype, kinds: str, name: str, source: Source) -> None:
    if dtype.kind == "O":
        raise WeightsError(
            f"{source}: expected numbers, found pickled Python objects in {name}, which could run "
            "code; nothing of them was read: give a file of plain arrays"
        )
    if dtype.kind not in kinds:
        raise WeightsError(
            f"{source}: expected {_KINDS[kinds]}, found {dtype} in {name}; give the weights of the "
            "right model"
        )
