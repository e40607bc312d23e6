"""Decides what each cell means in a table without a head.

The first cell names the recording, and what follows is the text: once, or twice as in LJSpeech,
where the second is the normalised one. A third cell may be the speaker.
"""

import collections
import re
from collections.abc import Sequence

from vggish_inversion.data import utterances
from vggish_inversion.files import tables

_MOST_TEXTS = 2  # of a table without a head: as written, and normalised
_SAME_TEXT, _OTHER_TEXT = 0.5, 0.1  # shares of common words


def read_fields(table: tables.Table) -> tuple[list[dict[str, str | None]], list[str]]:
    """The fields "name", "text" and "speaker" of each row, and how they were told apart.

    Args:
        table: of at least one row.

    Returns:
        The fields, None where a cell is empty; and remarks, a line each, where it is not plain.

    Raises:
        CorpusError: if most rows have more cells than a name and two texts.
    """
    # Spreadsheets write empty cells at the end.
    rows = [row.cells[: _last_filled(row.cells) + 1] for row in table.rows]
    num_texts = _num_texts(table, [cells[1:] for cells in rows])
    triples = [cells for cells in rows if len(cells) == 3]
    may_have_speakers = num_texts == _MOST_TEXTS or len(triples) == len(rows)
    third_is_speaker = may_have_speakers and _are_speakers(triples)
    fields = []
    for name, *texts in rows:
        speaker = None
        if third_is_speaker and len(texts) > 1:
            *texts, speaker = texts
        if num_texts == 1 or third_is_speaker:
            text = table.delimiter.join(texts)
        else:
            text = table.delimiter.join(texts[_normalised_from(texts) :])
        row = {"name": name, "text": text, "speaker": speaker}
        fields.append({field: cell and cell.strip() or None for field, cell in row.items()})
    remark = (
        f"{table.path}: the third cell is one word in every row, and no part of the text: read as "
        "the speaker; a first line id|text|speaker would say so"
    )
    return fields, [remark] if third_is_speaker else []


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
    """Whether the last of three cells names the speaker, instead of repeating the text."""
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
