"""The classification tasks that small encoders are trained on: labels, clips and splits."""

import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Callable

from vggish_inversion import audio

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
        read_clips: reads a corpus folder.
        source: what to download, for error messages and model cards.
    """

    name: str
    read_clips: Callable[[pathlib.Path], list[Clip]]
    source: str


def hashed_split(key: str) -> str:
    """Assigns a speaker or a clip to a split by hash: 80 / 10 / 10 %, the same on every machine.

    >>> hashed_split("022cd682") == hashed_split("022cd682")
    True
    """
    position = int(hashlib.sha1(key.encode()).hexdigest()[:8], 16) % 10
    return "test" if position == 0 else "validation" if position == 1 else "train"


def _speech_commands(data_dir: pathlib.Path) -> list[Clip]:
    """Speech Commands v2: the corpus' own split lists, or by speaker where they are absent."""
    listed = {}
    for split, name in (("validation", "validation_list.txt"), ("test", "testing_list.txt")):
        if (data_dir / name).is_file():
            listed |= dict.fromkeys((data_dir / name).read_text().split(), split)
    clips = []
    for path in sorted(data_dir.glob("*/*")):
        if path.suffix not in audio.AUDIO_EXTENSIONS or path.parent.name == "_background_noise_":
            continue
        relative = path.relative_to(data_dir).as_posix()
        speaker = re.search(r"([0-9a-f]{8})_nohash_", path.name)
        by_hash = hashed_split(speaker.group(1) if speaker else path.name)
        split = listed.get(relative, "train") if listed else by_hash
        clips.append(Clip(path, path.parent.name, split))
    return clips


TASKS = {
    task.name: task
    for task in (
        Task(
            "speech_commands",
            _speech_commands,
            "Speech Commands v0.02 (Warden 2018, CC BY 4.0), one folder of clips per word",
        ),
    )
}


def read_task(name: str, data_dir: str | pathlib.Path) -> list[Clip]:
    """Lists the clips of a task.

    Raises:
        ValueError: on an unknown task, or a folder that does not hold its corpus.
    """
    if name not in TASKS:
        raise ValueError(f"no task {name!r}; tasks are: {' '.join(TASKS)}")
    data_dir = pathlib.Path(data_dir)
    clips = TASKS[name].read_clips(data_dir) if data_dir.is_dir() else []
    missing = [split for split in SPLITS if not any(clip.split == split for clip in clips)]
    if missing:
        raise ValueError(
            f"{data_dir} has no {' or '.join(missing)} clips of {name}; "
            f"expected {TASKS[name].source}"
        )
    return clips
