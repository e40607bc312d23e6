"""Folders of speech -> utterances with id, text, speaker and split."""

import collections
import dataclasses
import hashlib
import io
import pathlib
from collections.abc import Callable, Sequence

from vggish_inversion import audio
from vggish_inversion.files import documents

SPLITS = ("train", "validation", "test")

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# In the package where it was installed from a wheel, beside it in a checkout.
_SPEECH_ROOTS = tuple(root / "scripts" / "demo_speech" for root in (_PACKAGE, _PACKAGE.parent))

# The published split of LJSpeech takes the last 300 of its 13,100 utterances, in order of id, for
# testing: the last 22 of chapter 49 and all 278 of chapter 50. The id also splits a part of it.
_LJSPEECH_FIRST_TEST_ID = "LJ049-0209"


class CorpusError(ValueError):
    """A folder is not a corpus that can be read; the message says what was expected."""


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One recording of speech.

    Attributes:
        id: unique in its corpus; a relative path without extension where there are no ids.
        path: of the audio file.
        text: what is said, or None where it is not known.
        speaker: who says it, or None where it is not known.
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


def audio_files(folder: str | pathlib.Path) -> list[pathlib.Path]:
    """Every audio file below a folder, sorted.

    Raises:
        CorpusError: if the name of one is no UTF-8, which no table could hold.
    """
    found = sorted(
        path
        for path in pathlib.Path(folder).rglob("*")
        if path.suffix.lower() in audio.AUDIO_EXTENSIONS and path.is_file()
    )
    for path in found:
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            raise CorpusError(
                f"{folder}: the name {path.name!r} is not UTF-8; rename it"
            ) from error
    return found


def _read_ljspeech(folder: pathlib.Path) -> list[Utterance]:
    """LJSpeech: metadata.csv (id|text|normalised text) beside wavs/; one speaker."""
    paths = {path.stem: path for path in audio_files(folder / "wavs")}
    table = folder / "metadata.csv"
    utterances = {}
    lines = io.StringIO(documents.read_text(table, error=CorpusError))
    for number, line in enumerate(map(str.rstrip, lines), 1):
        row = line.split("|")
        if len(row) != 3:
            raise CorpusError(
                f"{table} line {number} has {len(row)} fields; expected 3: id|text|normalised text"
            )
        if row[0] not in paths:
            continue  # a part of the corpus keeps the whole metadata.csv
        if row[0] in utterances:
            raise CorpusError(f"{table} line {number}: {row[0]} is there twice; delete one")
        split = hashed_split(row[0], validation_percent=4, test_percent=0)
        if row[0] >= _LJSPEECH_FIRST_TEST_ID:
            split = "test"
        utterances[row[0]] = Utterance(row[0], paths[row[0]], row[2], "LJ", split)
    return list(utterances.values())


def _read_librispeech(folder: pathlib.Path) -> list[Utterance]:
    """LibriSpeech: SUBSET/SPEAKER/CHAPTER/*.trans.txt; split by subset, else by speaker."""
    splits = {"train": "train", "dev": "validation", "test": "test"}
    utterances = []
    for transcript in sorted(folder.rglob("*.trans.txt")):
        chapter = transcript.parent
        speaker, subset = chapter.parent.name, chapter.parent.parent.resolve().name
        split = splits.get(subset.split("-")[0]) or hashed_split(speaker)
        paths = {path.stem: path for path in audio_files(chapter)}
        for line in documents.read_text(transcript, error=CorpusError).splitlines():
            name, _, text = line.partition(" ")
            if name in paths:
                utterances.append(Utterance(name, paths[name], text, speaker, split))
    return utterances


def _read_folder(folder: pathlib.Path) -> list[Utterance]:
    """Any folder of audio.

    transcripts.csv (utterance,speaker,text) is optional, as is a NAME.txt beside NAME.wav. The
    split is by speaker: the csv's, else the first subfolder, else each file is its own.
    """
    rows = {}
    if (folder / "transcripts.csv").is_file():
        table = documents.read_table(folder / "transcripts.csv", ("utterance",), error=CorpusError)
        rows = {row["utterance"]: row for row in table}
    utterances = []
    for path in audio_files(folder):
        relative = path.relative_to(folder)
        name = relative.with_suffix("").as_posix()
        row = rows.get(name, {})
        speaker = row.get("speaker") or (relative.parts[0] if len(relative.parts) > 1 else None)
        text = row.get("text")
        if text is None and path.with_suffix(".txt").is_file():
            text = documents.read_text(path.with_suffix(".txt"), error=CorpusError).strip()
        split = hashed_split(speaker or name)
        utterances.append(Utterance(name, path, text, speaker, split))
    return utterances


# How a layout is recognised, and its reader; the first that fits is taken.
_LAYOUTS: tuple[tuple[Callable[[pathlib.Path], bool], Callable], ...] = (
    (lambda folder: (folder / "metadata.csv").is_file(), _read_ljspeech),
    (lambda folder: next(folder.rglob("*.trans.txt"), None) is not None, _read_librispeech),
    (lambda folder: True, _read_folder),
)


def read_corpus(data_dir: str | pathlib.Path, *, split: str = "all") -> list[Utterance]:
    """Reads LJSpeech, LibriSpeech (or a part of either), or any folder of audio.

    Args:
        data_dir: the corpus, recognised by its layout.
        split: "train", "validation", "test" or "all".

    Raises:
        CorpusError: if the folder is missing, holds no audio, or has nothing in the split.
        ValueError: on an unknown split.
    """
    if split not in (*SPLITS, "all"):
        raise ValueError(f"no split {split!r}; splits are: {' '.join(SPLITS)} all")
    folder = pathlib.Path(data_dir)
    if not folder.is_dir():
        raise CorpusError(f"no folder {folder}; expected a corpus or a folder of audio")
    utterances = next(read for fits, read in _LAYOUTS if fits(folder))(folder)
    if not utterances:
        raise CorpusError(
            f"no audio in {folder}; expected LJSpeech, LibriSpeech, or "
            f"{' '.join(audio.AUDIO_EXTENSIONS)} files at any depth"
        )
    return _in_split(utterances, split, str(folder))


def bundled_speech() -> list[Utterance]:
    """The nine sentences that ship with the project, by three synthetic voices.

    >>> [utterance.id for utterance in bundled_speech()][-1]
    'slt-train'
    """
    return read_corpus(next((root for root in _SPEECH_ROOTS if root.is_dir()), _SPEECH_ROOTS[-1]))


def read_corpora(data_dirs: Sequence[str | pathlib.Path], *, split: str) -> list[Utterance]:
    """Joins several corpora; one that has nothing in the split adds nothing.

    Raises:
        CorpusError: if none has anything in the split, a folder is no corpus, or two share an id.
    """
    utterances = [item for folder in data_dirs for item in read_corpus(folder)]
    ids = collections.Counter(item.id for item in utterances)
    if len(ids) < len(utterances):
        raise CorpusError(
            f"{ids.most_common(1)[0][0]} is in more than one corpus; results would be mixed up"
        )
    return _in_split(utterances, split, " and ".join(map(str, data_dirs)))


def _in_split(utterances: Sequence[Utterance], split: str, source: str) -> list[Utterance]:
    chosen = [item for item in utterances if split in ("all", item.split)]
    if not chosen:
        sizes = collections.Counter(item.split for item in utterances)
        counts = ", ".join(f"{name} {sizes[name]}" for name in SPLITS)
        raise CorpusError(f"{source} has no {split} utterances ({counts}); use another split")
    return chosen


def thin(utterances: Sequence[Utterance], limit: int | None) -> list[Utterance]:
    """At most `limit` utterances, spread evenly, so that every speaker stays in.

    >>> thin(range(10), 4)
    [0, 3, 6, 9]
    """
    if limit is None or limit >= len(utterances):
        return list(utterances)
    last = len(utterances) - 1
    return [utterances[round(place * last / max(1, limit - 1))] for place in range(limit)]
