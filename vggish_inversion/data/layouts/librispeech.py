"""LibriSpeech: SUBSET/SPEAKER/CHAPTER/ with a *.trans.txt of `ID TEXT` lines; a part of it too."""

from vggish_inversion.data import matching, recordings, transcripts, utterances
from vggish_inversion.data.layouts import reading
from vggish_inversion.files import documents

_TABLE = ".trans.txt"


def fits(tree: recordings.Tree) -> bool:
    """Whether there is such a table anywhere."""
    return bool(tree.ending(_TABLE))


def read(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads all chapters; the subset sets the split, else the speaker does."""
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
    return reading.Reading("LibriSpeech", found)
