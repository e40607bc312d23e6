"""A reader of files: what it is given, which part of that is damaged, and how it reads.

Each module of this folder beside `sandbox` and `mutations` writes the valid inputs of a group of
readers, and lists the readers. Inputs have no FILE.sha256 beside them where the reader can do
without: the digest would refuse all damage, and nothing else would be tried.
"""

import dataclasses
import pathlib
import random
import shutil
from collections.abc import Callable

import numpy as np

from fuzzing import mutations, sandbox

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_CLIPS = sorted((_ROOT / "scripts" / "demo_speech").glob("*.flac"))
STORE = _ROOT / "hub_models"
INVERTER = STORE / "inverter/small_encoder/speech_commands/layer_6/paper-l1/1"


@dataclasses.dataclass(frozen=True)
class Reader:
    """A row of the table.

    Attributes:
        group: of the report's rows.
        name: of the input.
        write: writes the valid input into a folder.
        damage: which of its files are damaged, as a glob pattern.
        read: reads the folder, and may write into a second one.
        share: how many inputs it gets, beside the other readers of its group.
    """

    group: str
    name: str
    write: Callable[[pathlib.Path], None]
    damage: str
    read: Callable[[pathlib.Path, pathlib.Path], object]
    share: int = 1


def speech(index: int = 0, seconds: float = 1.2) -> np.ndarray:
    """The beginning of a clip of the demo."""
    from vggish_inversion import audio

    return audio.read_audio(_CLIPS[index])[: round(16000 * seconds)]


def as_case(reader: Reader, seed_folder: pathlib.Path, seed: int) -> sandbox.Case:
    """The reader's inputs by number: a copy of the valid one in which one file is damaged."""
    files = sorted(path for path in seed_folder.glob(reader.damage) if path.is_file())
    if not files:
        raise ValueError(f"{reader.group}/{reader.name} has no files {reader.damage}")

    def write(index: int | None, folder: pathlib.Path) -> None:
        rng = random.Random(f"{seed}/{reader.group}/{reader.name}/{index}")
        chosen, donor = rng.choice(files), rng.choice(files).read_bytes()
        damaged = chosen.relative_to(seed_folder)
        if reader.group == "audio" and index is not None:  # each file is an input of its own
            (folder / damaged).write_bytes(mutations.mutate("", chosen.read_bytes(), rng, donor))
            return
        shutil.copytree(seed_folder, folder, dirs_exist_ok=True)
        if index is not None:
            content = chosen.read_bytes()
            (folder / damaged).write_bytes(mutations.mutate(chosen.suffix, content, rng, donor))

    return sandbox.Case(write, reader.read)
