"""Reads tables with any separator, with or without quotes.

`documents.read_table` reads what programs write, and is strict. This reads what comes out of Excel,
pandas and text editors: cells between pipes, tabs, semicolons or commas; blank lines; empty columns
at the end; Excel's first line `sep=;`.
"""

import csv
import dataclasses
import io
import pathlib
import re
from collections.abc import Sequence

from vggish_inversion.files import documents

# In the order in which they are believed: text has commas, but hardly ever pipes.
_DELIMITERS = "|\t;,"
_SAMPLED_LINES = 1000


@dataclasses.dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: where it ends in the file, from 1.
        cells: as they were written, without quotes; at least one is not blank.
    """

    line: int
    cells: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """All rows of a file, its head (if it has one) among them.

    Attributes:
        path: of the file.
        delimiter: what separates its cells.
        rows: without those that are blank.
    """

    path: pathlib.Path
    delimiter: str
    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        """What it is."""
        return f"<Table {self.path}: {len(self.rows)} rows>"


def read_rows(path: pathlib.Path, *, error: type[ValueError] = documents.DocumentError) -> Table:
    """Reads a table of cells between pipes, tabs, semicolons or commas, whichever most lines have.

    Between commas and semicolons quotes are those of CSV. Between pipes and tabs, where most
    writers know no quotes, they are a part of the text, but where they can only be CSV's.

    Args:
        path: of the file, in an encoding that `documents.read_text` reads.
        error: what is raised.

    Raises:
        DocumentError: or `error`, if a quote opens and never closes; the message names the line.
    """
    text = documents.read_text(path, error=error)
    first, _, rest = text.partition("\n")
    hint = re.fullmatch(r'"?sep=(.)"?', first.strip(" "))  # how Excel is told the delimiter
    lines = text.split("\n")
    delimiter = hint.group(1) if hint else _likely_delimiter(lines)
    body, before = (rest, 1) if hint else (text, 0)
    filled = [line.strip() for line in body.split("\n") if line.strip()]
    all_quoted = all(line.startswith('"') and line.endswith('"') for line in filled)
    if delimiter in "|\t" and not all_quoted:
        found = [
            (number, [_unquoted(cell, delimiter) for cell in line.split(delimiter)])
            for number, line in enumerate(body.split("\n"), 1)
        ]
    else:
        found = _csv_rows(body, delimiter, path, before, error)
    rows = (Row(number + before, tuple(cells)) for number, cells in found)
    return Table(path, delimiter, tuple(row for row in rows if any(map(str.strip, row.cells))))


def read_named_rows(
    path: pathlib.Path,
    columns: Sequence[str] = (),
    *,
    error: type[ValueError] = documents.DocumentError,
) -> list[tuple[int, dict[str, str]]]:
    """Reads a table with a head: each row's line, and its cells by `column_name`.

    Args:
        path: of the file; see `read_rows`.
        columns: that must be there.
        error: what is raised.

    Raises:
        DocumentError: or `error`, if a column is missing, or a row has more cells than the head.
    """
    rows = read_rows(path, error=error).rows
    names = [column_name(cell) for cell in rows[0].cells] if rows else []
    missing = [name for name in columns if name not in names]
    if missing:
        raise error(f"{path} lacks the column(s) {', '.join(missing)}; write it anew")
    found = []
    for row in rows[1:]:
        if any(map(str.strip, row.cells[len(names) :])):
            raise error(
                f"{path} line {row.line}: expected {len(names)} cells, got {len(row.cells)}"
            )
        padded = [*row.cells, *[""] * len(names)]
        found.append((row.line, dict(zip(names, map(str.strip, padded), strict=False))))
    return found


def column_name(cell: str) -> str:
    """The name in a head, told from how it is written.

    >>> column_name(' "File Name" '), column_name("file-name")
    ('file_name', 'file_name')
    """
    return re.sub(r"[\s_-]+", "_", cell.strip(' \t"').casefold())


def _likely_delimiter(lines: list[str]) -> str:
    """The delimiter of the first line that most lines share; a comma where it has none."""
    filled = [line for line in lines if line.strip()][:_SAMPLED_LINES]
    candidates = [character for character in _DELIMITERS if filled and character in filled[0]]
    shares = [sum(character in line for line in filled) for character in candidates]
    return candidates[shares.index(max(shares))] if candidates else ","


def _unquoted(cell: str, delimiter: str) -> str:
    """A cell without CSV's quotes, where no writer of plain text could have meant them.

    >>> _unquoted('"He said ""no""."', "|"), _unquoted('"No," he said, "no."', "|")
    ('He said "no".', '"No," he said, "no."')
    """
    inner = cell.strip()[1:-1]
    is_wrapped = re.fullmatch(r'\s*"(?:[^"]|"")*"\s*', cell) is not None
    if is_wrapped and ('""' in inner or delimiter in inner):
        return inner.replace('""', '"')
    return cell


def _csv_rows(text, delimiter, path, before, error) -> list[tuple[int, list[str]]]:
    """Rows as of CSV, each with the line that it ends at."""
    # Taken away where quotes stand after it alone: elsewhere it may be a part of the text.
    spaced = re.search(rf'{re.escape(delimiter)} +"', text) is not None

    def parse(strict):
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=delimiter,
            skipinitialspace=spaced,
            strict=strict,
        )
        start = 1
        try:
            for cells in reader:
                yield start, reader.line_num, cells
                start = reader.line_num + 1
        except csv.Error as reason:
            if strict and "expected after" in str(reason):  # "like" this: harmless, on one line
                yield start, 0, []
                return
            raise error(
                f"{path} line {start + before}: a quotation mark opens and does not close "
                f"({reason}); close it"
            ) from reason

    rows = list(parse(True))
    if rows and rows[-1][1] == 0:
        rows = list(parse(False))
        for start, _, cells in rows:
            if any("\n" in cell for cell in cells):
                raise error(
                    f"{path} line {start + before}: a quotation mark opens and does not close on "
                    "its line; close it"
                )
    return [(end, cells) for _, end, cells in rows]
