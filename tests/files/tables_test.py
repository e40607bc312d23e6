"""Any bytes are a table or an error of one line."""

import csv
import io

import hypothesis
import pytest
from hypothesis import strategies

from vggish_inversion.files import documents, tables

_CELL = strategies.text(strategies.characters(codec="utf-8", exclude_characters="\0\r"))


def test_any_bytes_are_read_or_refused(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "table"

    @hypothesis.given(strategies.binary())
    @hypothesis.example(b'a,"\n' + b"x" * 200_000)
    @hypothesis.example(b"sep=,")
    @hypothesis.example(b'"a","b"\n"c')
    def check(content):
        path.write_bytes(content)
        try:
            table = tables.read_rows(path)
        except documents.DocumentError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert all(any(cell.strip() for cell in row.cells) for row in table.rows)

    check()


@hypothesis.given(
    strategies.lists(strategies.tuples(_CELL, _CELL), min_size=1), strategies.sampled_from(",;")
)
def test_what_the_csv_module_writes_comes_back(tmp_path_factory, cells, delimiter):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *cells])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    read = [row.cells for row in tables.read_rows(path).rows[1:]]
    assert read == [row for row in cells if any(cell.strip() for cell in row)]


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("delimiter", ["|", "\t", ";", ","])
def test_delimiters_and_quotes_are_told_from_the_table(tmp_path, quoting, delimiter):
    cells = [("a", 'He said "no".'), ("b", "x | y, z; no\tmore"), ("c", "plain")]
    with open(tmp_path / "table", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting).writerows(cells)
    table = tables.read_rows(tmp_path / "table")
    assert table.delimiter == delimiter
    read = [row.cells for row in table.rows]
    if delimiter in "|\t" and quoting == csv.QUOTE_MINIMAL:  # a delimiter in the text splits it
        read[1] = (read[1][0], delimiter.join(read[1][1:]).strip('"'))
    assert read == cells


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    (tmp_path / "table").write_text('sep=,\n\na,"x\ny"\n\nb,z\n')
    rows = tables.read_rows(tmp_path / "table").rows
    assert [(row.line, row.cells) for row in rows] == [(4, ("a", "x\ny")), (6, ("b", "z"))]
