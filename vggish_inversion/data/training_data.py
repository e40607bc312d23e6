"""What inverters train on: corpora that are cached, or a folder of shards with its index."""

import contextlib
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from absl import logging

from vggish_inversion import features
from vggish_inversion.data import (
    corpora,
    log_mel_cache,
    random_windows,
    shard_writing,
    shards,
)
from vggish_inversion.files import documents, folders

INDEX_FILE = "dataset.json"

# Patches of log-mel with their context, `[patches, frames, bands]` float32, nats; or, for networks
# that take none, windows of samples with their context, and the patches in them.
Batch = np.ndarray | random_windows.Examples


class TrainingData(Protocol):
    """What a run learns from, or measures on."""

    @property
    def params(self) -> features.LogMelParams:
        """The log-mel that is learnt."""
        ...

    @property
    def source(self) -> features.Source:
        """What patches are cut from."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of the recordings."""
        ...

    @property
    def num_patches(self) -> int:
        """Patches that fit side by side: what one pass over the corpus sees."""
        ...

    def with_context(self, context_frames: int) -> "TrainingData":
        """The same, whose patches have that many frames before and after them."""
        ...

    def grid_patches(self, max_patches: int | None = None) -> Batch:
        """Patches side by side, the same every time."""
        ...

    def batches(self, *, batch_size: int, seed: int, first_step: int = 0) -> Iterator[Batch]:
        """The batches of a run from one step on, without end, for any Keras backend."""
        ...

    def batch_dataset(self, *, batch_size: int, seed: int, first_step: int = 0) -> Any:
        """The same batches as a tf.data.Dataset."""
        ...

    def damage_named(self) -> contextlib.AbstractContextManager[None]:
        """Lets an error of TensorFlow while such batches are read say which file is damaged."""
        ...


def write_dataset(
    utterances: Mapping[str, Sequence[corpora.Utterance]],
    source: features.Source,
    folder: str | pathlib.Path,
    *,
    utterances_per_shard: int = 1000,
) -> dict[str, int]:
    """Writes shards and `dataset.json`, whole or not at all.

    Recordings that cannot be used are logged, one line each, and left out.

    Args:
        utterances: by split.
        source: `target.source` of the target that they are for.
        folder: must not exist yet.
        utterances_per_shard: how many share a file; an hour of LJSpeech is 550, and 46 MB.

    Returns:
        How many utterances each split got.

    Raises:
        corpora.CorpusError: if a split has none that can be used.
        FileExistsError: if the folder is there.
    """
    folder = pathlib.Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; give a new --output_dir")
    with folders.write_whole(folder) as unfinished:
        splits = {
            split: shard_writing.write_shards(
                items, source, unfinished / split, utterances_per_shard
            )
            for split, items in utterances.items()
        }
        index = {**features.describe_source(source), "splits": splits}
        (unfinished / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return {split: sum(row["num_utterances"]) for split, row in splits.items()}


def read_dataset(
    folder: str | pathlib.Path, source: features.Source
) -> dict[str, shards.LogMelRecords]:
    """Opens what `write_dataset` wrote, by split.

    Raises:
        corpora.CorpusError: if it is not whole, or of another front end than `source`.
    """
    folder = pathlib.Path(folder)
    try:
        index = documents.read_json(folder / INDEX_FILE)
        written = features.described_source(index)
        splits = {
            split: shards.LogMelRecords(
                tuple(folders.inside(folder, name) for name in row["shards"]),
                source,
                str(row["fingerprint"]),
                int(row["num_patches"]),
            )
            for split, row in index["splits"].items()
        }
        if not all(row.shards for row in splits.values()):
            raise ValueError("a split without shards")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise corpora.CorpusError(
            f"{folder / INDEX_FILE} is not the index of shards; write "
            "them anew with scripts/prepare_dataset.py"
        ) from error
    if written != source:
        raise corpora.CorpusError(
            f"{folder} holds patches of {written}; this target needs {source}: prepare it with "
            "the same --target"
        )
    absent = [str(path) for row in splits.values() for path in row.shards if not path.is_file()]
    if absent:
        raise corpora.CorpusError(f"{folder} lacks {', '.join(absent[:3])}; write it anew")
    for split, row in splits.items():
        patch_bytes = source.log_mel.patch_frames * source.log_mel.num_bands * 2
        most = sum(path.stat().st_size for path in row.shards) // patch_bytes
        if not 0 <= row.num_patches <= most:
            raise corpora.CorpusError(
                f"{folder / INDEX_FILE} says {row.num_patches} patches of {split}, but its shards "
                f"have room for {most}; {shards.WRITE_ANEW}"
            )
    return splits


def read_training_data(
    data_dirs: Sequence[str | pathlib.Path],
    source: features.Source,
    cache_dir: str | pathlib.Path,
    *,
    split: str = "train",
    announce: Callable[[str], None] = logging.info,
) -> Mapping[str, TrainingData]:
    """Opens "train" and "validation" of one folder of shards, or of corpora, which are cached.

    Args:
        data_dirs: corpora, or one folder of shards.
        source: `target.source`.
        cache_dir: runs may share it.
        split: what is trained on, of corpora; see `splits.training_splits`.
        announce: is told what there is to train on, and how it was split.

    Raises:
        corpora.CorpusError: if there is nothing to train on, or shards are to be split anew.
    """
    if len(data_dirs) == 1 and (pathlib.Path(data_dirs[0]) / INDEX_FILE).is_file():
        written = read_dataset(data_dirs[0], source)
        if written.keys() != {"train", "validation"}:
            raise corpora.CorpusError(f"{data_dirs[0]} holds no splits train and validation")
        if split != "train":
            raise corpora.CorpusError(
                f"{data_dirs[0]} holds shards that were split when they were written; give "
                f"--split={split} to scripts/prepare_dataset.py"
            )
        counts = [f"{row.num_patches} patches of {name}" for name, row in written.items()]
        announce(f"{data_dirs[0]}: shards of {' and '.join(counts)}, split when they were written")
        return written
    return log_mel_cache.cache_corpora(data_dirs, source, cache_dir, split=split, announce=announce)
