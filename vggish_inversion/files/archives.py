"""Opens zip archives of arrays, NumPy's or PyTorch's: checksums first, then what is in them."""

import contextlib
import pathlib
import pickle
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator

from vggish_inversion.files import failures
from vggish_inversion.files.integrity import WeightsError

# Zeros deflate a thousand times; an archive of more than a few of them is no model's.
_MAX_INFLATION = 200

# What zipfile, pickle and NumPy raise at bytes that are no archive of arrays, or no longer.
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,  # of a compression that zipfile does not know
    OverflowError,
    RecursionError,
    TypeError,
    pickle.UnpicklingError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextlib.contextmanager
def damage_told(path: pathlib.Path, expected: str) -> Iterator[None]:
    """What goes wrong inside is a WeightsError of one line: the file is damaged.

    Args:
        path: of the file.
        expected: what it should have been, in words.
    """
    try:
        yield
    except WeightsError:
        raise
    except _READ_ERRORS as error:
        raise WeightsError(
            f"{path}: expected {expected}, cannot read it ({failures.first_line(error)}); copy "
            "the file again"
        ) from error


@contextlib.contextmanager
def open_archive(path: pathlib.Path, expected: str) -> Iterator[zipfile.ZipFile]:
    """Opens an archive whose checksums hold; what goes wrong inside is a WeightsError."""
    with damage_told(path, expected), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(item.file_size for item in members) > _MAX_INFLATION * path.stat().st_size:
            raise zipfile.BadZipFile("it would unpack to far more than arrays ever do")
        damaged = archive.testzip()  # or a flipped byte in a header would be believed
        if damaged:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {damaged!r}")
        yield archive
