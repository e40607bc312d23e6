"""Common Voice: train.tsv, dev.tsv and test.tsv, or validated.tsv alone, beside clips/.

The folder of one language, or a folder of such folders.
"""

import dataclasses
import pathlib
from collections.abc import Iterator

from vggish_inversion.data import matching, recordings, transcripts, utterances
from vggish_inversion.data.layouts import reading
from vggish_inversion.files import tables

_LISTS = {"train.tsv": "train", "dev.tsv": "validation", "test.tsv": "test"}
_VALIDATED = "validated.tsv"
_HEAD = {"client_id", "path"}


def fits(tree: recordings.Tree) -> bool:
    """Whether there is such a table, with a column of paths and one of clients."""
    return bool(languages(tree))


def languages(tree: recordings.Tree) -> list[pathlib.Path]:
    """The folders that hold such tables."""
    found = tree.named(_VALIDATED, *_LISTS)
    return sorted({path.parent for path in found if _has_head(path)})


def _has_head(path: pathlib.Path) -> bool:
    rows = tables.read_rows(path, error=utterances.CorpusError).rows
    return bool(rows) and {tables.column_name(cell) for cell in rows[0].cells} >= _HEAD


def read(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads all languages: the corpus' own lists, or by speaker what is validated."""
    matches = matching.Matches(tree, tally)
    matched = [pair for folder in languages(tree) for pair in clips(tree, folder, matches, tally)]
    matches.finish(tree)
    names = [path.stem for path, _ in matched]
    if len(set(names)) < len(names):
        names = matching.unique_ids([path for path, _ in matched], tree.root)
    return reading.Reading(
        "Common Voice",
        [
            utterances.Utterance(
                name,
                path,
                entry.text,
                entry.speaker,
                entry.split or reading.hashed_split(tally, entry.speaker, name),
            )
            for name, (path, entry) in zip(names, matched, strict=True)
        ],
    )


def clips(
    tree: recordings.Tree, folder: pathlib.Path, matches: matching.Matches, tally: matching.Tally
) -> Iterator[tuple[pathlib.Path, transcripts.Entry]]:
    """The clips of one language; clips on the corpus' own lists have a split.

    Where there are lists, what is validated and on none of them is left out, and the tally told.

    Raises:
        CorpusError: if a table cannot be read, or a clip is on two lists.
    """
    found = {path.name.lower(): path for path in tree.named(_VALIDATED, *_LISTS)
             if path.parent == folder}  # fmt: skip
    validated = found.pop(_VALIDATED, None)
    listed = set()
    for name, path in found.items():
        table = transcripts.read_transcripts(path)
        entries = [dataclasses.replace(entry, split=_LISTS[name]) for entry in table.entries]
        listed |= {entry.name for entry in entries}
        tally.made_by("by the corpus' own lists", _LISTS[name])
        yield from matches.add(dataclasses.replace(table, entries=entries))
    if validated is not None:
        table = transcripts.read_transcripts(validated)
        if not found:
            yield from matches.add(table)
        else:
            num_unlisted = sum(entry.name not in listed for entry in table.entries)
            if num_unlisted:
                tally.remarks.append(
                    f"{folder}: {num_unlisted} clips of {_VALIDATED} are in none of "
                    f"{', '.join(found)}, and left out"
                )
