"""Reads the text of recordings from tables, in the forms in which people write them.

With a head, its columns are known by the names that corpora and people give them; without one, by
what is in them (`headless_tables`).
"""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

from vggish_inversion.data import headless_tables, utterances
from vggish_inversion.files import documents, tables

# In the order in which they are taken, where a table has several.
_COLUMNS = {
    "name": (
        *("file_name", "filename", "file", "file_path", "filepath", "path", "audio_file"),
        *("audio_filename", "audio_filepath", "audio_path", "audio", "wav_filename", "wav_file"),
        *("wav_path", "wav", "clip", "recording", "utterance", "utterance_id", "utt_id", "utt"),
        *("id", "name"),
    ),
    "text": (
        *("normalized_text", "normalised_text", "text_normalized", "normalized_transcription"),
        *("text", "transcription", "transcript", "sentence", "raw_text", "raw_transcription"),
        *("words", "utterance"),
    ),
    "speaker": ("speaker", "speaker_id", "speaker_name", "client_id", "spk", "spk_id"),
    "split": ("split",),
}
# A head with none but such a column could be the first row as well.
_NAMES_OF_RECORDINGS = {"audio", "wav", "clip", "recording", "utterance", "utt", "id", "name"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A row that names a recording.

    Attributes:
        line: of the file, from 1.
        name: of the recording, as it is written.
        text: what is said, or None where there is no such column, or nothing in it.
        speaker: name of the speaker, or None.
        split: "train", "validation" or "test", or None.
    """

    line: int
    name: str
    text: str | None = None
    speaker: str | None = None
    split: str | None = None


@dataclasses.dataclass(frozen=True)
class Transcripts:
    """A file's entries.

    Attributes:
        path: of the file.
        has_head: whether its columns are named.
        entries: in the order of the file.
        remarks: how it was read, where that is not plain, a line each.
    """

    path: pathlib.Path
    has_head: bool
    entries: Sequence[Entry]
    remarks: Sequence[str] = ()

    def __repr__(self) -> str:
        """What it is."""
        return f"<Transcripts {self.path}: {len(self.entries)} entries>"


def read_transcripts(path: pathlib.Path) -> Transcripts:
    """Reads a table (see `tables.read_rows`), or JSON objects, one a line, where it ends so.

    Raises:
        CorpusError: if it is neither; the message names the line.
    """
    if path.suffix.lower() == ".jsonl":
        return _read_json_lines(path)
    table = tables.read_rows(path, error=utterances.CorpusError)
    columns = _known_columns(table.rows[0].cells) if table.rows else {}
    if "name" not in columns:
        return _read_without_head(table)
    name = tables.column_name(table.rows[0].cells[columns["name"]])
    if len(columns) == 1 and name in _NAMES_OF_RECORDINGS:
        return _read_without_head(table)
    return _read_with_head(table, columns)


def _known_columns(names: Sequence[str]) -> dict[str, int]:
    """Which column holds what."""
    written = [tables.column_name(name) for name in names]
    found = {}
    for field, candidates in _COLUMNS.items():
        places = [written.index(name) for name in candidates if name in written]
        places = [place for place in places if place not in found.values()]
        if places:
            found[field] = places[0]
    return found


def _read_with_head(table: tables.Table, columns: dict[str, int]) -> Transcripts:
    head, *rows = table.rows
    num_columns = max(place for place, name in enumerate(head.cells) if name.strip()) + 1
    entries = []
    for row in rows:
        cells = [*row.cells[:num_columns], *[""] * (num_columns - len(row.cells))]
        surplus = row.cells[num_columns:]
        if any(map(str.strip, surplus)):
            if columns.get("text") != num_columns - 1:
                raise utterances.CorpusError(
                    f"{table.path} line {row.line}: expected {num_columns} cells, got "
                    f"{len(row.cells)}; put quotes around what has a {table.delimiter!r} in it"
                )
            # A delimiter that was written in the text, which is the last cell.
            cells[-1] = table.delimiter.join((cells[-1], *surplus))
        fields = {field: cells[place].strip() or None for field, place in columns.items()}
        entries.append(_entry(table.path, row.line, fields))
    return Transcripts(table.path, True, entries)


def _read_json_lines(path: pathlib.Path) -> Transcripts:
    entries = []
    for number, line in enumerate(
        documents.read_text(path, error=utterances.CorpusError).split("\n"), 1
    ):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            if not isinstance(found, dict):
                raise ValueError(f"a {type(found).__name__}")
        except (ValueError, RecursionError) as error:
            raise utterances.CorpusError(
                f"{path} line {number}: expected a JSON object ({error}); write it anew"
            ) from error
        columns, cells = _known_columns(list(found)), list(found.values())
        fields = {field: cells[place] for field, place in columns.items()}
        fields = {
            field: str(value).strip() or None
            for field, value in fields.items()
            if value is not None
        }
        entries.append(_entry(path, number, fields))
    return Transcripts(path, True, entries)


def _entry(path: pathlib.Path, line: int, fields: dict[str, str | None]) -> Entry:
    if not fields.get("name"):
        raise utterances.CorpusError(f"{path} line {line}: names no recording; write its file name")
    if fields.get("split") is not None:
        split = utterances.folder_split(fields["split"] or "")
        if split is None:
            raise utterances.CorpusError(
                f"{path} line {line}: the split is {fields['split']!r}; expected one of "
                f"{', '.join(utterances.SPLITS)}"
            )
        fields["split"] = split
    return Entry(line, **fields)  # pyright: ignore[reportArgumentType]


def _read_without_head(table: tables.Table) -> Transcripts:
    if not table.rows:
        return Transcripts(table.path, False, [])
    fields, remarks = headless_tables.read_fields(table)
    entries = [
        _entry(table.path, row.line, found) for row, found in zip(table.rows, fields, strict=True)
    ]
    return Transcripts(table.path, False, entries, remarks)
