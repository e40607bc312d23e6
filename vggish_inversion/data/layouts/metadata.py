"""LJSpeech, and Hugging Face's audiofolder: a table, metadata.csv, that lists the recordings.

Without a head it is LJSpeech's: `id|text|normalised text` beside `wavs/`. With one it is
audiofolder's: `file_name` and `text` or `transcription`, and what else is known of a recording. The
table may also be metadata.tsv, metadata.txt or metadata.jsonl. Recordings that it does not list are
no part of the corpus.
"""

import pathlib
import re

from vggish_inversion.data import matching, recordings, transcripts, utterances
from vggish_inversion.data.layouts import reading

_TABLES = ("metadata.csv", "metadata.tsv", "metadata.txt", "metadata.jsonl")
_PUBLISHED = "as published for LJSpeech"
# The published split of LJSpeech takes the last 300 of its 13,100 utterances, in order of id, for
# testing: the last 22 of chapter 49 and all 278 of chapter 50. The id also splits a part of it.
_LJSPEECH_ID = re.compile(r"LJ\d{3}-\d{4}")
_LJSPEECH_FIRST_TEST_ID = "LJ049-0209"


def fits(tree: recordings.Tree) -> bool:
    """Whether there is such a table at the root, or in each folder of a split."""
    return bool(_tables(tree))


def read(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads the table or tables."""
    matches = matching.Matches(tree, tally)
    found = [transcripts.read_transcripts(path) for path in _tables(tree)]
    matched = [pair for table in found for pair in matches.add(table)]
    matches.finish(tree)
    if not matched and tree.audio:
        raise utterances.CorpusError(
            f"no row of {found[0].path} names a recording: {_example(tally.rows_without_file)} of "
            f"its rows, {_example([str(path) for path in tree.audio])} of the recordings; write "
            "file names, or delete the table"
        )
    ids = matching.unique_ids([path for path, _ in matched], tree.root, with_containers=False)
    layout = "audiofolder" if any(table.has_head for table in found) else "LJSpeech"
    return reading.Reading(
        layout,
        [
            _utterance(name, path, tree.parents(path), entry, tally)
            for name, (path, entry) in zip(ids, matched, strict=True)
        ],
    )


def _tables(tree: recordings.Tree) -> list[pathlib.Path]:
    found = tree.named(*_TABLES)
    at_root = [path for path in found if path.parent == tree.root]
    if at_root:
        return at_root[:1]
    # audiofolder may have a table in each of data/train, data/test, ...
    return [path for path in found if all(map(utterances.is_container, tree.parents(path)))]


def _utterance(name, path, parents, entry, tally) -> utterances.Utterance:
    is_ljspeech = _LJSPEECH_ID.fullmatch(name) is not None
    speaker = entry.speaker or ("LJ" if is_ljspeech else utterances.folder_speaker(parents))
    by_folder = reading.folder_split(parents)
    if entry.split:
        split = tally.made_by(reading.BY_TABLE, entry.split)
    elif by_folder:
        split = tally.made_by(reading.BY_FOLDER, by_folder)
    elif is_ljspeech:
        split = tally.made_by(_PUBLISHED, _published_split(name))
    else:
        split = reading.hashed_split(tally, speaker, name)
    return utterances.Utterance(name, path, entry.text, speaker, split)


def _published_split(name: str) -> str:
    """The split of an utterance of LJSpeech: 4 % of what is not for testing is for validation."""
    if name >= _LJSPEECH_FIRST_TEST_ID:
        return "test"
    return utterances.hashed_split(name, validation_percent=4, test_percent=0)


def _example(names: list[str]) -> str:
    return f"{names[0]} is one of {len(names)}" if names else "none"
