"""What a layout's reader gives, and the rules of splitting that layouts share."""

import dataclasses
import pathlib
from collections.abc import Sequence

from vggish_inversion.data import matching, utterances
from vggish_inversion.files import documents

BY_FOLDER = "by folder"
BY_TABLE = "as the table says"
BY_SPEAKER = "by hash of the speaker"
BY_RECORDING = "by hash of the recording"
BY_SUBSET = "by subset"

_SUBSETS = {"train": "train", "dev": "validation", "test": "test"}


@dataclasses.dataclass(frozen=True)
class Reading:
    """A corpus as one layout reads it.

    Attributes:
        layout: its name.
        utterances: with their splits.
    """

    layout: str
    utterances: Sequence[utterances.Utterance]

    def __repr__(self) -> str:
        """What it is."""
        return f"<Reading: layout {self.layout}, {len(self.utterances)} utterances>"


def hashed_split(tally: matching.Tally, speaker: str | None, name: str) -> str:
    """The split of a speaker, or of a recording whose speaker is not known."""
    rule = BY_SPEAKER if speaker else BY_RECORDING
    return tally.made_by(rule, utterances.hashed_split(speaker or name))


def subset_split(tally: matching.Tally, folder: pathlib.Path, speaker: str) -> str:
    """The split of a subset of LibriSpeech or LibriTTS, such as dev-clean, else the speaker's."""
    names = (folder.name, folder.resolve().name)
    known = [_SUBSETS[name.split("-")[0]] for name in names if name.split("-")[0] in _SUBSETS]
    if known:
        return tally.made_by(BY_SUBSET, known[0])
    return hashed_split(tally, speaker, speaker)


def folder_split(parents: Sequence[str]) -> str | None:
    """The split that the folders above a recording say."""
    said = [utterances.folder_split(name) for name in parents]
    return next((split for split in said if split), None)


def text_beside(path: pathlib.Path, *endings: str) -> str | None:
    """What is in the first of `NAME` + ending beside `NAME.wav`, or None if there is none.

    Raises:
        CorpusError: if it is there, and no text.
    """
    for ending in endings:
        beside = path.with_name(path.stem + ending)
        if beside.is_file():
            return documents.read_text(beside, error=utterances.CorpusError).strip() or None
    return None
