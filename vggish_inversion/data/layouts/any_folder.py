"""Any folder of recordings, with transcripts.csv, a NAME.txt beside NAME.wav, or no text at all.

transcripts.csv has the columns utterance, speaker, text and split, or some of them; it may end in
.tsv, .txt or .jsonl as well. The speaker is the table's, else the first folder that is no
container. The split is the table's, else that of folders such as train and test, else by speaker.
"""

from vggish_inversion.data import matching, recordings, transcripts, utterances
from vggish_inversion.data.layouts import reading

_TABLES = ("transcripts.csv", "transcripts.tsv", "transcripts.txt", "transcripts.jsonl")


def fits(tree: recordings.Tree) -> bool:
    """Any does."""
    return bool(tree.root)


def read(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
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
