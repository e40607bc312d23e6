"""Reads text, JSON, tables and arrays that others wrote, and says in one line what is wrong.

Python's own errors name no file ("Expecting value: line 1 column 1"), and some are none of
ValueError: a csv field beyond the limit, JSON nested deeper than the stack, an array whose header
claims terabytes. Files of users are read here.
"""

import codecs
import csv
import io
import json
import os
import pathlib
import tokenize
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vggish_inversion.files import folders

_ARRAY_ERRORS = (ValueError, EOFError, SyntaxError, MemoryError, OverflowError, RecursionError)
_ARRAY_ERRORS += (tokenize.TokenError, TypeError, KeyError)

# What Notepad and Excel put in front; the longer come first, as UTF-32's begins with UTF-16's.
_MARKED_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Latin text in UTF-16 is half zeros; text in UTF-8 has none.
_MAX_SHARE_OF_ZEROS = 0.2
_CONTROLS = frozenset(range(32)) - set(b"\t\n\v\f\r\x1a")


class DocumentError(ValueError):
    """A file is missing, damaged or of another kind; the message is one line, and names it."""


def read_text(path: pathlib.Path, *, error: type[ValueError] = DocumentError) -> str:
    """Reads a file of UTF-8, with or without a byte order mark, or of UTF-16 or UTF-32 with one.

    Args:
        path: of the file.
        error: what is raised.

    Returns:
        The text without the mark; every line ends with a line feed, however it ended in the file.

    Raises:
        DocumentError: or `error`, if the file cannot be read, or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror}); expected a file") from reason
    except ValueError as reason:  # a name that no file can have
        raise error(f"{path}: cannot be read ({reason}); expected a file") from reason
    marked = (name for mark, name in _MARKED_ENCODINGS if content.startswith(mark))
    encoding = next(marked, "utf-8")
    try:
        if encoding == "utf-8" and content.count(0) > _MAX_SHARE_OF_ZEROS * len(content):
            raise ValueError("it has as many zeros as UTF-16")
        text = content.decode(encoding)
    except ValueError as reason:
        raise error(
            f"{path}: expected text in UTF-8 ({reason}); {_next_step(path, content)}"
        ) from reason
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _next_step(path: pathlib.Path, content: bytes) -> str:
    """What to do about text in some other encoding: it is an older one, or it is damaged."""
    if content.count(0) > _MAX_SHARE_OF_ZEROS * len(content):
        return f"save it as UTF-8, or run: iconv -f UTF-16LE -t UTF-8 {path.name}"
    if _CONTROLS.isdisjoint(content):
        return (
            "an older encoding, perhaps Windows-1252: save it as UTF-8 (in Excel: CSV UTF-8), or "
            f"run: iconv -f WINDOWS-1252 -t UTF-8 {path.name}"
        )
    return "copy the file again"


def read_json(
    path: pathlib.Path,
    fields: Mapping[str, type | tuple[type, ...]] | None = None,
    *,
    error: type[ValueError] = DocumentError,
) -> dict[str, Any]:
    """Reads a JSON object.

    Args:
        path: of the file.
        fields: names that must be there, with their types; bool is no int.
        error: what is raised.

    Raises:
        DocumentError: or `error`, if the file is not a JSON object, or a field is missing or of
            another type.
    """
    try:
        found = json.loads(read_text(path, error=error))
    except (ValueError, RecursionError) as reason:
        if isinstance(reason, error):
            raise
        raise error(f"{path} is not JSON settings ({reason}); write it anew") from reason
    if not isinstance(found, dict):
        raise error(f"{path} is not JSON settings (it holds a {type(found).__name__})")
    check_fields(found, fields or {}, str(path), error=error)
    return found


def write_json(path: pathlib.Path, content: Mapping) -> None:
    """Writes a JSON file for `read_json`, whole or not at all."""
    with folders.write_file(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def check_fields(
    found: Mapping[str, Any],
    fields: Mapping[str, type | tuple[type, ...]],
    where: str,
    *,
    error: type[ValueError] = DocumentError,
) -> None:
    """Makes sure that settings have fields of some types; see `read_json`."""
    missing = sorted(fields.keys() - found.keys())
    if missing:
        raise error(f"{where} lacks {', '.join(missing)}; write it anew")
    for name, types in fields.items():
        types = types if isinstance(types, tuple) else (types,)
        is_stray_bool = isinstance(found[name], bool) and bool not in types
        if is_stray_bool or not isinstance(found[name], types):
            names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in types)
            shown = repr(found[name])[:40]
            raise error(f"{where}: expected {names} in {name}, got {shown}; write it anew")


def read_table(
    path: pathlib.Path,
    columns: Sequence[str] = (),
    *,
    delimiter: str = ",",
    quoting: Any = csv.QUOTE_MINIMAL,
    error: type[ValueError] = DocumentError,
) -> list[dict[str, str]]:
    """Reads a table with a head; every row has a text in every column.

    Args:
        path: of the file.
        columns: that must be there.
        delimiter: between cells.
        quoting: as of the csv module.
        error: what is raised.

    Raises:
        DocumentError: or `error`, if it is not such a table; the message names the line.
    """
    text = read_text(path, error=error)
    rows = []
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise error(f"{path} lacks the column(s) {', '.join(missing)}; write it anew")
        for row in reader:
            num_cells = len(reader.fieldnames or ())
            if None in row or None in row.values():
                raise error(f"{path} line {reader.line_num}: expected {num_cells} cells")
            rows.append(row)
    except csv.Error as reason:
        raise error(f"{path} line {reader.line_num}: expected a table ({reason})") from reason
    return rows


def read_array(
    path: pathlib.Path, *, kinds: str = "f", error: type[ValueError] = DocumentError
) -> np.ndarray:
    """Reads a `.npy` file, and unpickles nothing.

    Args:
        path: of the file.
        kinds: NumPy's letters for the types it may have.
        error: what is raised.

    Raises:
        DocumentError: or `error`, if it is not such an array, or shorter than its header says.
    """
    try:
        # Mapped, what a header promises takes no memory until it is known to be there.
        mapped = np.lib.format.open_memmap(path, mode="r")
        if mapped.dtype.kind not in kinds:
            raise ValueError(f"its numbers are {mapped.dtype}")
        return np.array(mapped)
    except OSError as reason:
        raise error(f"{path}: cannot be read ({os.strerror(reason.errno or 0)})") from reason
    except _ARRAY_ERRORS as reason:
        line = " ".join((str(reason) or type(reason).__name__).split())[:200]
        raise error(f"{path}: expected a .npy file ({line}); write it anew") from reason
