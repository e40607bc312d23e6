"""Reads the weights in a NumPy archive, and unpickles nothing.

`np.load` believes a header before it has seen the checksum, and allocates what the header claims;
here the archive's checksums come first, then names, shapes and types, and the arrays last.
"""

import contextlib
import pathlib
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from vggish_inversion.files import integrity
from vggish_inversion.files.integrity import Source, WeightsError

_KINDS = {"f": "floating-point numbers", "fiub": "numbers", "U": "a text"}
# Zeros deflate a thousand times; an archive of more than a few of them is no model's.
_MAX_INFLATION = 200

# What zipfile and NumPy raise at bytes that are no archive of arrays, or no longer.
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    KeyError,
    NotImplementedError,  # of a compression that zipfile does not know
    OverflowError,
    RecursionError,
    TypeError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(
    path: Source,
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    rename: Callable[[str], str] | None = None,
) -> dict[str, np.ndarray]:
    """Reads a NumPy archive of floating-point arrays, and unpickles nothing.

    Args:
        path: a `.npz` file.
        shapes: the arrays to read, and the shapes that they must have, which are checked before
            an array is read; all of them if None.
        rename: maps a stored name to the one meant, where a release did not fix its names.

    Returns:
        Arrays by name.

    Raises:
        WeightsError: if the file is missing, damaged or holds Python objects, or lacks an array,
            or if one has another shape or a value that is not finite.
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file; expected a .npz file of a model's variables; correct the path "
            "(of a target: --target_weights=)"
        )
    integrity.check_digest(path)
    with _open_checked(path) as archive:
        members = renamed({_array_name(name): name for name in archive.namelist()}, rename)
        headers = {name: _array_header(archive, key) for name, key in members.items()}
        if shapes is not None:
            integrity.check_shapes(
                {name: shape for name, (shape, _) in headers.items()}, shapes, path
            )
        for name in shapes or headers:
            _check_kind(headers[name][1], "f", name, path)
        variables = {name: _read_array(archive, members[name]) for name in (shapes or headers)}
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
    with _open_checked(pathlib.Path(path)) as archive:
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


@contextlib.contextmanager
def _open_checked(path: pathlib.Path) -> Iterator[zipfile.ZipFile]:
    """Opens an archive whose checksums hold; what goes wrong inside is a WeightsError."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(item.file_size for item in members) > _MAX_INFLATION * path.stat().st_size:
                raise zipfile.BadZipFile("it would unpack to far more than arrays ever do")
            damaged = archive.testzip()  # or a flipped byte in a header would be believed
            if damaged:
                raise zipfile.BadZipFile(f"Bad CRC-32 for file {damaged!r}")
            yield archive
    except WeightsError:
        raise
    except _READ_ERRORS as error:
        raise WeightsError(
            f"{path}: expected a .npz file of arrays, cannot read it "
            f"({integrity.first_line(error)}); copy the file again"
        ) from error


def renamed(keys: Mapping[str, str], rename: Callable[[str], str] | None) -> dict[str, str]:
    """Keys by name, after `rename` has had its say about the names."""
    return {rename(name) if rename else name: key for name, key in keys.items()}


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
