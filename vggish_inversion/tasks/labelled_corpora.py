"""The classification tasks that small encoders are trained on: their corpora and splits.

Six are the paper's (Comanducci et al. 2021), each read from its official corpus with that corpus'
own split where it has one. Two more need ESC-10 or ESC-50 alone:
`environmental_sounds` for `acoustic_scenes`, and `speech_noise` for `speech_music_noise`.
"""

import collections
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Sequence

from absl import logging

from vggish_inversion.data import matching, recordings
from vggish_inversion.tasks import clips
from vggish_inversion.tasks.clips import SPLITS, Clip

__all__ = ["SPLITS", "TASKS", "Clip", "Task", "read_task"]


@dataclasses.dataclass(frozen=True)
class Task:
    """A classification task: how its corpus is read, and where the corpus comes from.

    Attributes:
        name: as in `small_encoder/NAME`.
        read_clips: reads a corpus folder; clips of other corpora are left out. What its tables name
            and it lacks is told.
        source: what to download, for error messages and model cards.
        split: how the corpus is split, for model cards.
    """

    name: str
    read_clips: Callable[[recordings.Tree, matching.Tally], Iterable[Clip]]
    source: str
    split: str


_ESC = "ESC-10 or ESC-50 (Piczak 2015; ESC-10 is CC BY 3.0)"
_ESC_SPLIT = "folds 1 to 3 for training, 4 for validation, 5 for testing"
TASKS = {
    task.name: task
    for task in (
        Task(
            "speech_commands",
            clips.speech_commands,
            "Speech Commands v0.02 (Warden 2018, CC BY 4.0), one folder of clips per word",
            "the corpus' own lists where they are there, else by speaker (80, 10 and 10 %), and by "
            "clip only where a clip names no speaker",
        ),
        Task(
            "speaker_id",
            clips.speaker_id,
            "LibriSpeech (Panayotov et al. 2015, CC BY 4.0), its train-clean-100 or a part of it",
            "by utterance (80, 10 and 10 %): every speaker is in every split",
        ),
        Task(
            "language_id",
            clips.language_id,
            "Common Voice (CC0), a folder per language with validated.tsv and clips/, or VoxForge "
            "(GPL), a folder per language with SPEAKER-DATE/wav/",
            "the corpus' own lists where they are there, else by speaker (70, 10 and 20 %)",
        ),
        Task(
            "acoustic_scenes",
            clips.acoustic_scenes,
            "TUT Urban Acoustic Scenes 2018, development dataset (Mesaros et al. 2018, "
            "non-commercial), with meta.csv, evaluation_setup/ and audio/",
            "fold 1 of evaluation_setup; a tenth of the training locations for validation",
        ),
        Task("environmental_sounds", clips.environmental_sounds, _ESC, _ESC_SPLIT),
        Task(
            "bird_detection",
            clips.bird_detection,
            "BirdVox-DCASE-20k or freefield1010 (Stowell et al. 2019, CC BY 4.0), a csv of "
            f"itemid,hasbird beside wav/, or {_ESC}, where a rooster is the only bird",
            f"by recording (80, 10 and 10 %); of ESC, {_ESC_SPLIT}",
        ),
        Task(
            "speech_music_noise",
            clips.speech_music_noise,
            "MUSAN (Snyder et al. 2015, CC BY 4.0), with music/, noise/ and speech/",
            "by recording (80, 10 and 10 %)",
        ),
        Task(
            "speech_noise",
            clips.speech_noise,
            f"two folders: LibriSpeech (Panayotov et al. 2015, CC BY 4.0), and {_ESC}",
            "speech by speaker, dev and test subsets for testing; noise by fold: 1 to 3, 4 and 5",
        ),
    )
}


def read_task(
    name: str,
    data_dirs: Sequence[str | pathlib.Path],
    *,
    announce: Callable[[str], None] = logging.info,
) -> list[Clip]:
    """Lists the clips of a task; rows of its tables that name no file are logged.

    Args:
        name: a key of `TASKS`.
        data_dirs: the corpus' folder, or the folders of its parts.
        announce: is told, in one line, how many clips each split has, and how it was made.

    Raises:
        ValueError: on an unknown task, or folders that do not hold its corpus.
    """
    if name not in TASKS:
        raise ValueError(f"no task {name!r}; tasks are: {' '.join(TASKS)}")
    found, remarks, num_recordings = [], [], 0
    for folder in data_dirs:
        tree, tally = recordings.walk(folder), matching.Tally()
        found += TASKS[name].read_clips(tree, tally)
        remarks += [*tree.remarks, *tally.lines(tree.root)]
        num_recordings += len(tree.audio)
    for remark in remarks:
        logging.warning("%s", remark)
    _check(name, " and ".join(map(str, data_dirs)), found)
    sizes = collections.Counter(clip.split for clip in found)
    counts = ", ".join(f"{sizes[split]} {split}" for split in SPLITS)
    num_other = num_recordings - len({clip.path for clip in found})
    announce(
        f"{name}: {len(found)} clips ({counts}; split {TASKS[name].split}); {num_other} other "
        "recordings are not of this task"
    )
    return found


def _check(name: str, where: str, found: Sequence[Clip]) -> None:
    """Refuses clips with an empty split, or with a class that cannot be trained on."""
    missing = [split for split in SPLITS if not any(clip.split == split for clip in found)]
    if missing:
        raise ValueError(
            f"{where} has no {' or '.join(missing)} clips of {name}; expected {TASKS[name].source}"
        )
    labels = {clip.label for clip in found}
    trained = {clip.label for clip in found if clip.split == "train"}
    if len(labels) < 2 or trained != labels:
        raise ValueError(
            f"{where} has the classes {', '.join(sorted(labels))} of {name}, of which "
            f"{', '.join(sorted(trained))} can be trained on; expected {TASKS[name].source}"
        )
