"""LibriTTS: SUBSET/SPEAKER/CHAPTER/ with ID.normalized.txt beside each ID.wav; a part of it too."""

from vggish_inversion.data import matching, recordings, utterances
from vggish_inversion.data.layouts import reading

_ENDINGS = (".normalized.txt", ".original.txt")


def fits(tree: recordings.Tree) -> bool:
    """Whether there is such a text anywhere."""
    return bool(tree.ending(_ENDINGS[0]))


def read(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads all chapters; the subset sets the split, else the speaker does."""
    found, told = [], set()
    for path in tree.audio:
        text = reading.text_beside(path, *_ENDINGS)
        told.add(path.with_suffix(""))
        if text is None:
            tally.files_without_row.append(path)
        chapter = tree.place(path).parent
        speaker = chapter.parent.name
        split = reading.subset_split(tally, chapter.parent.parent, speaker)
        found.append(utterances.Utterance(path.stem, path, text, speaker, split))
    texts = tree.ending(_ENDINGS[0])
    tally.num_rows += len(texts)
    tally.rows_without_file += [
        path.name for path in texts if path.with_name(path.name[: -len(_ENDINGS[0])]) not in told
    ]
    return reading.Reading("LibriTTS", found)
