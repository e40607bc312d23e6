"""LibriSpeech and LibriTTS: SUBSET/SPEAKER/CHAPTER/ with recordings and texts; a part of it too.

LibriSpeech has a *.trans.txt of `ID TEXT` lines in each chapter, LibriTTS an ID.normalized.txt
beside each ID.wav. The subset sets the split, else the speaker does.
"""

from vggish_inversion.data import matching, recordings, transcripts, utterances
from vggish_inversion.data.layouts import reading
from vggish_inversion.files import documents

_TABLE = ".trans.txt"
_TEXTS = (".normalized.txt", ".original.txt")


def fits(tree: recordings.Tree) -> bool:
    """Whether there is such a table or such a text anywhere."""
    return bool(tree.ending(_TEXTS[0]) or tree.ending(_TABLE))


def read(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads all chapters; a folder with texts beside recordings is LibriTTS.

    Raises:
        CorpusError: if a table or a text cannot be read.
    """
    if tree.ending(_TEXTS[0]):
        return reading.Reading("LibriTTS", _read_texts(tree, tally))
    return reading.Reading("LibriSpeech", _read_tables(tree, tally))


def _read_texts(tree: recordings.Tree, tally: matching.Tally) -> list[utterances.Utterance]:
    """LibriTTS: the recordings, each with the text beside it."""
    found, told = [], set()
    for path in tree.audio:
        text = reading.text_beside(path, *_TEXTS)
        told.add(path.with_suffix(""))
        if text is None:
            tally.files_without_row.append(path)
        chapter = tree.place(path).parent
        speaker = chapter.parent.name
        split = reading.subset_split(tally, chapter.parent.parent, speaker)
        found.append(utterances.Utterance(path.stem, path, text, speaker, split))
    texts = tree.ending(_TEXTS[0])
    tally.num_rows += len(texts)
    tally.rows_without_file += [
        path.name for path in texts if path.with_name(path.name[: -len(_TEXTS[0])]) not in told
    ]
    return found


def _read_tables(tree: recordings.Tree, tally: matching.Tally) -> list[utterances.Utterance]:
    """LibriSpeech: the rows of each chapter's table, each with its recording."""
    matches = matching.Matches(tree, tally)
    found = []
    for table in tree.ending(_TABLE):
        chapter = tree.place(table).parent
        speaker = chapter.parent.name
        split = reading.subset_split(tally, chapter.parent.parent, speaker)
        lines = documents.read_text(table, error=utterances.CorpusError).split("\n")
        rows = [(number, line.split(maxsplit=1)) for number, line in enumerate(lines, 1)]
        entries = [
            transcripts.Entry(number, name, text[0].strip() if text else None)
            for number, (name, *text) in ((number, cells) for number, cells in rows if cells)
        ]
        found += [
            utterances.Utterance(path.stem, path, entry.text, speaker, split)
            for path, entry in matches.add(transcripts.Transcripts(table, False, entries))
        ]
    matches.finish(tree)
    return found
