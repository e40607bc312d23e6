"""Recognises the layout of a folder; one of no known layout is read as any folder of recordings.

Such a folder has transcripts.csv, a NAME.txt beside NAME.wav, or no text at all. transcripts.csv
has the columns utterance, speaker, text and split, or some of them; it may end in .tsv, .txt or
.jsonl as well. The speaker is the table's, else the first folder that is no container. The split is
the table's, else that of folders such as train and test, else by speaker.
"""

import types

from vggish_inversion.data import matching, recordings, transcripts, utterances
from vggish_inversion.data.layouts import common_voice, librispeech, metadata, reading, vctk

# The first that fits is taken.
_LAYOUTS: tuple[types.ModuleType, ...] = (metadata, common_voice, vctk, librispeech)
LAYOUT_NAMES = ("LJSpeech", "LibriSpeech", "LibriTTS", "VCTK", "Common Voice", "audiofolder")
_MAX_WRAPPERS = 3
_TABLES = ("transcripts.csv", "transcripts.tsv", "transcripts.txt", "transcripts.jsonl")


def read_tree(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads a tree by its layout; archives wrap a corpus in a folder, or in two of one name.

    Raises:
        CorpusError: if a table in it cannot be read.
    """
    inner = tree
    for _ in range(_MAX_WRAPPERS):
        for layout in _LAYOUTS:
            if layout.fits(inner):
                return layout.read(inner, tally)
        tops = {path.relative_to(inner.root).parts[0] for path in inner.audio}
        folder = inner.root / next(iter(tops), "")
        if len(tops) != 1 or not folder.is_dir():
            break
        inner = inner.below(folder)
    return _read_any_folder(tree, tally)


def _read_any_folder(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads every recording; those that the table does not name have no text but one beside."""
    entries = {}
    tables = [path for path in tree.named(*_TABLES) if path.parent == tree.root]
    if tables:
        matches = matching.Matches(tree, tally)
        entries = dict(matches.add(transcripts.read_transcripts(tables[0])))
        matches.finish(tree)
    splits = {reading.folder_split(tree.parents(path)) for path in tree.audio} - {None}
    found = []
    for name, path in zip(matching.unique_ids(tree.audio, tree.root), tree.audio, strict=True):
        entry = entries.get(path, transcripts.Entry(0, name))
        parents = tree.parents(path)
        speaker = entry.speaker or utterances.folder_speaker(parents)
        by_folder = reading.folder_split(parents) if len(splits) > 1 else None
        if entry.split:
            split = tally.made_by(reading.BY_TABLE, entry.split)
        elif by_folder:
            split = tally.made_by(reading.BY_FOLDER, by_folder)
        else:  # by the name without its extension, so that twins stay together
            key = path.relative_to(tree.root).with_suffix("").as_posix()
            split = reading.hashed_split(tally, speaker, key)
        text = entry.text or reading.text_beside(path, ".txt")
        found.append(utterances.Utterance(name, path, text, speaker, split))
    return reading.Reading("folder", found)
