"""A recording of speech, and the rules that give it a speaker and a split."""

import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Iterable

from vggish_inversion import audio

SPLITS = ("train", "validation", "test")

# Folders that say which split they hold: the names of Hugging Face's audiofolder.
_SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
# Folders that hold sound, and do not name the speaker.
_CONTAINERS = {"wav", "wavs", "waves", "audio", "audios", "clip", "clips", "data", "dataset"}
_CONTAINERS |= {"recording", "recordings", "sound", "sounds", "file", "files", "utterances"}
_CONTAINER_FORM = re.compile(r"(wavs?|audio|flac)[_-]?\d+(k|khz|hz)?(_.*)?")


class CorpusError(ValueError):
    """A folder is not a corpus that can be read; the message says what was expected."""


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One recording of speech.

    Attributes:
        id: unique in its corpus; a relative path without extension where there are no ids.
        path: of the audio file.
        text: what is said, or None where it is not known.
        speaker: name of the speaker, or None where it is not known.
        split: "train", "validation" or "test".
    """

    id: str
    path: pathlib.Path
    text: str | None = None
    speaker: str | None = None
    split: str = "train"


def hashed_split(key: str, *, validation_percent: int = 10, test_percent: int = 10) -> str:
    """Assigns a speaker or an utterance to a split by hash, the same on every machine.

    Adding recordings to a folder never moves the others to another split.

    >>> {hashed_split(f"speaker-{number}") for number in range(50)} == set(SPLITS)
    True
    """
    position = int(hashlib.sha1(key.encode()).hexdigest()[:8], 16) % 100
    if position < test_percent:
        return "test"
    return "validation" if position < test_percent + validation_percent else "train"


def folder_split(name: str) -> str | None:
    """The split that a folder's name says, if it says one.

    >>> folder_split("Dev"), folder_split("dev-clean")
    ('validation', None)
    """
    return _SPLIT_FOLDERS.get(name.casefold())


def is_container(name: str) -> bool:
    """Whether a folder of that name holds recordings of anybody.

    >>> [is_container(name) for name in ("wavs", "wav48_silence_trimmed", "flac", "train", "p225")]
    [True, True, True, True, False]
    """
    folded = name.casefold()
    return (
        folded in _CONTAINERS
        or folded in _SPLIT_FOLDERS
        or f".{folded}" in audio.AUDIO_EXTENSIONS
        or _CONTAINER_FORM.fullmatch(folded) is not None
    )


def folder_speaker(folders: Iterable[str]) -> str | None:
    """The first of some nested folders that can name a speaker.

    >>> folder_speaker(("wavs", "anna", "session2"))
    'anna'
    """
    return next((name for name in folders if not is_container(name)), None)
