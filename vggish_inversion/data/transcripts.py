"""What is said in which recording, from the tables in which people keep it.

With a head, its columns are known by the names that corpora and people give them. Without one, the
first cell names the recording, and what follows is the text: once, or twice as in LJSpeech, where
the second is the normalised one.
"""

import collections
import dataclasses
import json
import pathlib
import re
from collections.abc import Sequence

from vggish_inversion.data import utterances
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
_MOST_TEXTS = 2  # of a table without a head: as written, and normalised
_SAME_TEXT, _OTHER_TEXT = 0.5, 0.1  # shares of common words


@dataclasses.dataclass(frozen=True)
class Entry:
    """A row that names a recording.

    Attributes:
        line: of the file, from 1.
        name: of the recording, as it is written.
        text: what is said, or None where there is no such column, or nothing in it.
        speaker: who says it, or None.
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
    # Spreadsheets write empty cells at the end.
    rows = [(row, row.cells[: _last_filled(row.cells) + 1]) for row in table.rows]
    num_texts = _num_texts(table, [cells[1:] for _, cells in rows])
    triples = [cells for _, cells in rows if len(cells) == 3]
    may_have_speakers = num_texts == _MOST_TEXTS or len(triples) == len(rows)
    third_is_speaker = may_have_speakers and _are_speakers(triples)
    entries = []
    for row, (name, *texts) in rows:
        speaker = None
        if third_is_speaker and len(texts) > 1:
            *texts, speaker = texts
        if num_texts == 1 or third_is_speaker:
            text = table.delimiter.join(texts)
        else:
            text = table.delimiter.join(texts[_normalised_from(texts) :])
        fields = {"name": name, "text": text, "speaker": speaker}
        fields = {field: cell and cell.strip() or None for field, cell in fields.items()}
        entries.append(_entry(table.path, row.line, fields))
    remark = (
        f"{table.path}: the third cell is one word in every row, and no part of the text: read as "
        "the speaker; a first line id|text|speaker would say so"
    )
    return Transcripts(table.path, False, entries, [remark] if third_is_speaker else [])


def _last_filled(cells: Sequence[str]) -> int:
    return max(place for place, cell in enumerate(cells) if cell.strip())


def _num_texts(table: tables.Table, texts: Sequence[Sequence[str]]) -> int:
    """Whether the text is there once or twice."""
    longer = [row for row in texts if len(row) > 1]
    agreement = [_agreement(row, _normalised_from(row)) for row in longer]
    agree = bool(longer) and sum(agreement) >= _SAME_TEXT * len(longer)
    if table.delimiter != "|":  # commas are a part of text, unless every row has two alike
        return _MOST_TEXTS if agree and all(len(row) == _MOST_TEXTS for row in texts) else 1
    widths = collections.Counter(map(len, texts))
    usual = max(widths, key=lambda width: (widths[width], -width))
    if usual > _MOST_TEXTS and len(texts) > 2:
        raise utterances.CorpusError(
            f"{table.path}: most rows have {usual + 1} cells; expected id|text or "
            "id|text|normalised text; write a first line such as id|text|speaker"
        )
    return _MOST_TEXTS if agree or usual >= _MOST_TEXTS else 1


def _are_speakers(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the last of three cells names who speaks, instead of saying the text again."""
    if len(rows) < 2:
        return False
    last = collections.Counter(cells[2].strip() for cells in rows)
    are_names = all(len(name.split()) == 1 for name in last) and 2 * len(last) <= len(rows)
    are_sentences = sum(len(cells[1].split()) > 2 for cells in rows) * 2 > len(rows)
    common = sum(_common_words(cells[1], cells[2]) for cells in rows) / len(rows)
    return are_names and are_sentences and common < _OTHER_TEXT


def _normalised_from(texts: Sequence[str]) -> int:
    """Where the second text begins: pipes may stand in both, and then the halves agree best.

    >>> _normalised_from(["cats ", " dogs", "cats or dogs"])
    2
    >>> _normalised_from(["a", "b", "a", "b"])
    2
    """

    def rank(cut):
        return _agreement(texts, cut), -abs(2 * cut - len(texts))

    return max(range(1, len(texts)), key=rank, default=0)


def _agreement(texts: Sequence[str], cut: int) -> float:
    return _common_words(" ".join(texts[:cut]), " ".join(texts[cut:]))


def _common_words(one: str, other: str) -> float:
    """The share of words that two texts have in common, in [0, 1]."""
    words = [collections.Counter(re.findall(r"\w+", text.casefold())) for text in (one, other)]
    total = sum(map(collections.Counter.total, words))
    return 2 * (words[0] & words[1]).total() / total if total else 1.0
