"""The classification tasks that small encoders are trained on: labels, clips and splits.

Six are the paper's (Comanducci et al. 2021), each read from its official corpus with that corpus'
own split where it has one. Two stand beside them for those who have ESC-10 or ESC-50 alone:
`environmental_sounds` for `acoustic_scenes`, and `speech_noise` for `speech_music_noise`.
"""

import collections
import csv
import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from vggish_inversion import audio
from vggish_inversion.files import documents, folders

SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class Clip:
    """One labelled recording, in one split."""

    path: pathlib.Path
    label: str
    split: str


@dataclasses.dataclass(frozen=True)
class Task:
    """A classification task: how its corpus is read, and where the corpus comes from.

    Attributes:
        name: as in `small_encoder/NAME`.
        read_clips: reads a corpus folder; clips of other corpora are left out.
        source: what to download, for error messages and model cards.
        split: how the corpus is split, for model cards.
    """

    name: str
    read_clips: Callable[[pathlib.Path], Iterable[Clip]]
    source: str
    split: str


def hashed_split(key: str, *, test_tenths: int = 1) -> str:
    """Assigns a speaker or a clip to a split by hash: a tenth is for validation.

    The same on every machine, whatever else is in the folder.

    >>> hashed_split("022cd682") == hashed_split("022cd682")
    True
    """
    position = int(hashlib.sha1(key.encode()).hexdigest()[:8], 16) % 10
    if position < test_tenths:
        return "test"
    return "validation" if position == test_tenths else "train"


def _audio_files(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    return sorted(path for path in paths if path.suffix.lower() in audio.AUDIO_EXTENSIONS)


def _rows(
    path: pathlib.Path, delimiter: str, columns: Sequence[str] = ()
) -> Iterator[dict[str, str]]:
    """The rows of a table with a head; none if there is no such file."""
    if path.is_file():
        yield from documents.read_table(path, columns, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def _speech_commands(data_dir: pathlib.Path) -> Iterator[Clip]:
    """One folder per word; the corpus' own split lists, or by speaker where they are absent."""
    listed = {}
    for split, name in (("validation", "validation_list.txt"), ("test", "testing_list.txt")):
        if (data_dir / name).is_file():
            listed |= dict.fromkeys(documents.read_text(data_dir / name).split(), split)
    for path in _audio_files(data_dir.glob("*/*")):
        if path.parent.name == "_background_noise_":
            continue
        speaker = re.search(r"([0-9a-f]{8})_nohash_", path.name)
        by_hash = hashed_split(speaker.group(1) if speaker else path.name)
        relative = path.relative_to(data_dir).as_posix()
        yield Clip(path, path.parent.name, listed.get(relative, "train") if listed else by_hash)


def _librispeech(data_dir: pathlib.Path) -> list[pathlib.Path]:
    """SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac."""
    return [
        path
        for path in _audio_files(data_dir.glob("*/*/*/*"))
        if path.name.startswith(f"{path.parts[-3]}-{path.parts[-2]}-")
    ]


def _speaker_id(data_dir: pathlib.Path) -> Iterator[Clip]:
    """Speakers of the training subsets; every speaker is in every split, an utterance in one."""
    for path in _librispeech(data_dir):
        if path.parts[-4].startswith("train"):
            yield Clip(path, path.parts[-3], hashed_split(path.stem))


def _language_id(data_dir: pathlib.Path) -> Iterator[Clip]:
    """Common Voice (LANGUAGE/validated.tsv, clips/) or VoxForge (LANGUAGE/SPEAKER-.../wav/)."""
    for table in sorted(data_dir.glob("*/validated.tsv")):
        folder = table.parent
        official = {
            row["path"]: split
            for split, name in zip(SPLITS, ("train", "dev", "test"), strict=True)
            for row in _rows(folder / f"{name}.tsv", "\t", ("path",))
        }
        for row in _rows(table, "\t", ("path", "client_id")):
            path = folders.inside(folder / "clips", row["path"])
            split = hashed_split(row["client_id"], test_tenths=2)
            if official:
                split = official.get(row["path"], "")
            if split and path.is_file():
                yield Clip(path, folder.name, split)
    for path in _audio_files(data_dir.glob("*/*/wav/*")):
        speaker = path.parts[-3].split("-")[0]
        yield Clip(path, path.parts[-4], hashed_split(speaker, test_tenths=2))


def _acoustic_scenes(data_dir: pathlib.Path) -> Iterator[Clip]:
    """TUT Urban Acoustic Scenes 2018: the folds of evaluation_setup/, validation by location."""
    meta = _rows(data_dir / "meta.csv", "\t", ("filename", "identifier"))
    location = {row["filename"]: row["identifier"] for row in meta}
    for name in ("train", "evaluate"):
        path = data_dir / "evaluation_setup" / f"fold1_{name}.txt"
        for line in documents.read_text(path).splitlines() if path.is_file() else ():
            file, tab, label = line.partition("\t")
            if not tab:
                raise documents.DocumentError(f"{path}: expected file<TAB>label, got {line[:80]!r}")
            label = label.partition("\t")[0]
            split = "test" if name == "evaluate" else hashed_split(location.get(file, file))
            if split == "test" and name == "train":
                split = "train"  # this corpus keeps its own test locations
            yield Clip(folders.inside(data_dir, file), label, split)


_FOLD_SPLITS = {"4": "validation", "5": "test"}


def _environmental_sounds(data_dir: pathlib.Path) -> Iterator[Clip]:
    """ESC-50 (meta/esc50.csv, audio/) or ESC-10 (001-Dog_bark/1-100032-A.ogg), by fold."""
    for row in _rows(data_dir / "meta" / "esc50.csv", ",", ("fold", "filename", "category")):
        split = _FOLD_SPLITS.get(row["fold"], "train")
        yield Clip(folders.inside(data_dir / "audio", row["filename"]), row["category"], split)
    for path in _audio_files(data_dir.glob("[0-9][0-9][0-9]*/[1-5]-*")):
        label = re.sub(r"^\d+\s*-\s*", "", path.parent.name).lower().replace(" ", "_")
        yield Clip(path, label, _FOLD_SPLITS.get(path.name[0], "train"))


def _bird_detection(data_dir: pathlib.Path) -> Iterator[Clip]:
    """BirdVox or freefield1010 (a csv of itemid,hasbird beside wav/), or ESC's rooster."""
    labels = ("no_bird", "bird")
    by_name = collections.defaultdict(list)
    for path in _audio_files((data_dir / "wav").glob("*")):
        by_name[path.stem].append(path)
    for table in sorted(data_dir.glob("*.csv")):
        for row in _rows(table, ","):
            if not {"itemid", "hasbird"} <= row.keys():
                break  # another table
            if row["hasbird"] not in ("0", "1"):
                shown = row["hasbird"][:40]
                raise documents.DocumentError(f"{table}: expected 0 or 1 in hasbird, got {shown!r}")
            for path in by_name[row["itemid"]]:
                yield Clip(path, labels[int(row["hasbird"])], hashed_split(path.stem))
    for clip in _environmental_sounds(data_dir):
        bird = clip.label in ("rooster", "hen", "crow", "chirping_birds")
        yield Clip(clip.path, labels[bird], clip.split)


def _speech_music_noise(data_dir: pathlib.Path) -> Iterator[Clip]:
    """MUSAN: music/, noise/ and speech/, each with folders of recordings, split by recording."""
    for label in ("music", "noise", "speech"):
        for path in _audio_files((data_dir / label).rglob("*")):
            yield Clip(path, label, hashed_split(path.stem))


def _speech_noise(data_dir: pathlib.Path) -> Iterator[Clip]:
    """Speech of LibriSpeech by speaker, its dev and test subsets for testing; noise of ESC."""
    for path in _librispeech(data_dir):
        split = "test"
        if path.parts[-4].startswith("train"):
            split = {"test": "validation"}.get(hashed_split(path.parts[-3]), "train")
        yield Clip(path, "speech", split)
    for clip in _environmental_sounds(data_dir):
        yield Clip(clip.path, "noise", clip.split)


_ESC = "ESC-10 or ESC-50 (Piczak 2015; ESC-10 is CC BY 3.0)"
_ESC_SPLIT = "folds 1 to 3 for training, 4 for validation, 5 for testing"
TASKS = {
    task.name: task
    for task in (
        Task(
            "speech_commands",
            _speech_commands,
            "Speech Commands v0.02 (Warden 2018, CC BY 4.0), one folder of clips per word",
            "the corpus' own lists where they are there, else by speaker (80, 10 and 10 %), and by "
            "clip only where a clip names no speaker",
        ),
        Task(
            "speaker_id",
            _speaker_id,
            "LibriSpeech (Panayotov et al. 2015, CC BY 4.0), its train-clean-100 or a part of it",
            "by utterance (80, 10 and 10 %): every speaker is in every split",
        ),
        Task(
            "language_id",
            _language_id,
            "Common Voice (CC0), a folder per language with validated.tsv and clips/, or VoxForge "
            "(GPL), a folder per language with SPEAKER-DATE/wav/",
            "the corpus' own lists where they are there, else by speaker (70, 10 and 20 %)",
        ),
        Task(
            "acoustic_scenes",
            _acoustic_scenes,
            "TUT Urban Acoustic Scenes 2018, development dataset (Mesaros et al. 2018, "
            "non-commercial), with meta.csv, evaluation_setup/ and audio/",
            "fold 1 of evaluation_setup; a tenth of the training locations for validation",
        ),
        Task("environmental_sounds", _environmental_sounds, _ESC, _ESC_SPLIT),
        Task(
            "bird_detection",
            _bird_detection,
            "BirdVox-DCASE-20k or freefield1010 (Stowell et al. 2019, CC BY 4.0), a csv of "
            f"itemid,hasbird beside wav/, or {_ESC}, where a rooster is the only bird",
            f"by recording (80, 10 and 10 %); of ESC, {_ESC_SPLIT}",
        ),
        Task(
            "speech_music_noise",
            _speech_music_noise,
            "MUSAN (Snyder et al. 2015, CC BY 4.0), with music/, noise/ and speech/",
            "by recording (80, 10 and 10 %)",
        ),
        Task(
            "speech_noise",
            _speech_noise,
            f"two folders: LibriSpeech (Panayotov et al. 2015, CC BY 4.0), and {_ESC}",
            "speech by speaker, dev and test subsets for testing; noise by fold: 1 to 3, 4 and 5",
        ),
    )
}


def read_task(name: str, data_dirs: Sequence[str | pathlib.Path]) -> list[Clip]:
    """Lists the clips of a task.

    Args:
        name: a key of `TASKS`.
        data_dirs: the corpus' folder, or the folders of its parts.

    Raises:
        ValueError: on an unknown task, or folders that do not hold its corpus.
    """
    if name not in TASKS:
        raise ValueError(f"no task {name!r}; tasks are: {' '.join(TASKS)}")
    clips = [clip for folder in data_dirs for clip in TASKS[name].read_clips(pathlib.Path(folder))]
    where = " and ".join(map(str, data_dirs))
    missing = [split for split in SPLITS if not any(clip.split == split for clip in clips)]
    if missing:
        raise ValueError(
            f"{where} has no {' or '.join(missing)} clips of {name}; expected {TASKS[name].source}"
        )
    labels = {clip.label for clip in clips}
    trained = {clip.label for clip in clips if clip.split == "train"}
    if len(labels) < 2 or trained != labels:
        raise ValueError(
            f"{where} has the classes {', '.join(sorted(labels))} of {name}, of which "
            f"{', '.join(sorted(trained))} can be trained on; expected {TASKS[name].source}"
        )
    return clips
