"""Log-mel in TFRecord shards, for corpora that outgrow one machine's disk or memory.

`data.LogMelCache` is one file mapped into memory, read at random places: the best there is for a
local disk. Shards are read from end to end, some at a time, as file systems over a network like it;
memory holds a few utterances and a buffer of patches, however large the corpus is. Both give a run
its batches as a function of seed and step.
"""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from absl import logging

from vggish_inversion import corpora, data, documents, features, folders

INDEX_FILE = "dataset.json"
_SHARDS_AT_A_TIME = 4
_WRITE_ANEW = "copy it again, or write it anew with scripts/prepare_dataset.py"
_SHUFFLED_PATCHES = 8192  # 200 MB, in which neighbours of one utterance are spread


class TrainingData(Protocol):
    """What a run learns from, or measures on."""

    @property
    def params(self) -> features.LogMelParams:
        """The front end."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of the recordings."""
        ...

    @property
    def num_patches(self) -> int:
        """Patches that fit side by side: what one pass over the corpus sees."""
        ...

    def grid_patches(self, max_patches: int | None = None) -> np.ndarray:
        """Patches side by side, the same every time, `[patches, frames, bands]` float32, nats."""
        ...

    def batches(self, *, batch_size: int, seed: int, first_step: int = 0) -> Iterator[np.ndarray]:
        """The batches of a run from one step on, without end, for any Keras backend."""
        ...

    def batch_dataset(self, *, batch_size: int, seed: int, first_step: int = 0) -> Any:
        """The same batches as a tf.data.Dataset."""
        ...

    def damage_named(self) -> contextlib.AbstractContextManager[None]:
        """Lets an error of TensorFlow while such batches are read say which file is damaged."""
        ...


@dataclasses.dataclass(frozen=True)
class LogMelRecords:
    """The shards of one split.

    Attributes:
        shards: TFRecord files; a record is an utterance: its log-mel, float16, nats.
        params: the front end.
        fingerprint: of the recordings.
        num_patches: that fit side by side.
    """

    shards: tuple[pathlib.Path, ...]
    params: features.LogMelParams
    fingerprint: str
    num_patches: int

    def batch_dataset(self, *, batch_size: int, seed: int, first_step: int = 0):
        """Batches of patches cut at random places, from one step on, without end.

        Every pass cuts as many patches out of each utterance as fit side by side.

        Returns:
            tf.data.Dataset of `[batch_size, patch_frames, bands]` float32, nats.
        """
        import tensorflow as tf

        steps_per_pass = max(1, self.num_patches // batch_size)
        if self.num_patches < batch_size:
            raise corpora.CorpusError(
                f"{self.num_patches} patches are less than a batch of {batch_size}"
            )

        def one_pass(number):
            order = tf.random.experimental.stateless_shuffle(
                tf.constant([str(path) for path in self.shards]), seed=tf.stack([seed, number])
            )
            utterances = tf.data.Dataset.from_tensor_slices(order).interleave(
                tf.data.TFRecordDataset,
                cycle_length=_SHARDS_AT_A_TIME,
                num_parallel_calls=tf.data.AUTOTUNE,
                deterministic=True,
            )
            patches = utterances.enumerate().flat_map(
                lambda index, record: tf.data.Dataset.from_tensor_slices(
                    self._random_patches(record, tf.stack([seed + number, index]))
                )
            )
            # A seed per pass would have to be known outside the graph; what is cut differs anyway.
            shuffled = patches.shuffle(_SHUFFLED_PATCHES, seed=seed, reshuffle_each_iteration=False)
            batches = shuffled.batch(batch_size, drop_remainder=True).take(steps_per_pass)
            # Shards that hold less than they should would be passed over without end.
            return batches.apply(tf.data.experimental.assert_cardinality(steps_per_pass))

        first_pass, skipped = divmod(first_step, steps_per_pass)
        passes = tf.data.Dataset.counter(first_pass).flat_map(one_pass)
        return passes.skip(skipped).map(lambda batch: tf.cast(batch, tf.float32)).prefetch(4)

    def batches(self, *, batch_size: int, seed: int, first_step: int = 0) -> Iterator[np.ndarray]:
        """The same batches as `batch_dataset`, as arrays.

        Raises:
            corpora.CorpusError: if a shard is damaged.
        """
        place = {"batch_size": batch_size, "seed": seed, "first_step": first_step}
        with self.damage_named():
            yield from self.batch_dataset(**place).as_numpy_iterator()

    def grid_patches(self, max_patches: int | None = None) -> np.ndarray:
        """Patches side by side, spread evenly over the utterances if there are too many.

        Raises:
            corpora.CorpusError: if a shard is damaged.
        """
        every = max(1, self.num_patches // (max_patches or self.num_patches))
        found, count = [], 0
        for path in self.shards:
            for log_mel in self._log_mels(path):
                for start in features.patch_starts(len(log_mel), self.params):
                    if count % every == 0:
                        found.append(log_mel[start : start + self.params.patch_frames])
                    count += 1
        return np.stack(found[:max_patches]).astype(np.float32)

    @contextlib.contextmanager
    def damage_named(self) -> Iterator[None]:
        """Lets an error of TensorFlow inside say which shard is damaged, if one is.

        A graph that reads shards knows none of their names; they are read again to find it.

        Raises:
            corpora.CorpusError: in place of that error.
        """
        import tensorflow as tf

        try:
            yield
        except (tf.errors.OpError, UnicodeDecodeError):  # some of its messages are no UTF-8
            self._check()
            raise

    def _check(self) -> None:
        """Reads all shards; raises CorpusError at the first that is not what it should be."""
        frames = self.params.patch_frames
        num_patches = sum(
            len(log_mel) // frames for path in self.shards for log_mel in self._log_mels(path)
        )
        if num_patches != self.num_patches:
            raise corpora.CorpusError(
                f"{self.shards[0].parent} holds {num_patches} patches, where {INDEX_FILE} says "
                f"{self.num_patches}; {_WRITE_ANEW}"
            )

    def _log_mels(self, path: pathlib.Path) -> Iterator[np.ndarray]:
        import tensorflow as tf

        number = 0
        try:
            for number, record in enumerate(tf.data.TFRecordDataset([str(path)]), 1):
                log_mel = self._parse(record).numpy()
                if len(log_mel) < self.params.patch_frames:
                    raise corpora.CorpusError(
                        f"{path}: record {number} has {len(log_mel)} frames, less than a patch of "
                        f"{self.params.patch_frames}; {_WRITE_ANEW}"
                    )
                yield log_mel
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise corpora.CorpusError(
                f"{path}: damaged at or after record {max(1, number)}; {_WRITE_ANEW}"
            ) from error

    def _parse(self, record):
        import tensorflow as tf

        feature = {"log_mel": tf.io.FixedLenFeature([], tf.string)}
        values = tf.io.decode_raw(tf.io.parse_single_example(record, feature)["log_mel"], tf.half)
        return tf.reshape(values, [-1, self.params.num_bands])

    def _random_patches(self, record, seed):
        import tensorflow as tf

        log_mel, frames = self._parse(record), self.params.patch_frames
        length = tf.shape(log_mel)[0]
        starts = tf.random.stateless_uniform(
            [length // frames], seed, maxval=length - frames + 1, dtype=tf.int32
        )
        return tf.gather(log_mel, starts[:, tf.newaxis] + tf.range(frames))


def write_records(
    utterances: Mapping[str, Sequence[corpora.Utterance]],
    params: features.LogMelParams,
    folder: str | pathlib.Path,
    *,
    utterances_per_shard: int = 1000,
) -> dict[str, int]:
    """Writes shards and `dataset.json`, whole or not at all.

    Recordings that cannot be used are logged, one line each, and left out.

    Args:
        utterances: by split.
        params: the front end of the target that they are for.
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
            split: _write_split(items, params, unfinished / split, utterances_per_shard)
            for split, items in utterances.items()
        }
        index = {"log_mel": dataclasses.asdict(params), "splits": splits}
        (unfinished / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return {split: sum(row["num_utterances"]) for split, row in splits.items()}


def _write_split(items, params, folder: pathlib.Path, utterances_per_shard: int) -> dict:
    import tensorflow as tf

    folder.mkdir(parents=True)
    names, counts, num_patches, writer = [], [], 0, None
    try:
        for item, (log_mel, error) in zip(
            items, data.log_mel_dataset(items, params).as_numpy_iterator(), strict=True
        ):
            if error:
                logging.warning("skipped %s", error.decode())
                continue
            if writer is None or counts[-1] == utterances_per_shard:
                if writer is not None:
                    writer.close()
                names.append(f"{folder.name}/{len(names):05}.tfrecord")
                counts.append(0)
                writer = tf.io.TFRecordWriter(str(folder.parent / names[-1]))
            values = {"id": item.id.encode(), "log_mel": log_mel.astype(np.float16).tobytes()}
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
            counts[-1] += 1
            num_patches += len(log_mel) // params.patch_frames
    finally:
        if writer is not None:
            writer.close()
    if not names:
        raise corpora.CorpusError(f"none of the {len(items)} recordings can be used")
    fingerprint = data.fingerprint(items, params)
    return {
        "shards": names,
        "num_utterances": counts,
        "num_patches": num_patches,
        "fingerprint": fingerprint,
    }


def read_records(
    folder: str | pathlib.Path, params: features.LogMelParams
) -> dict[str, LogMelRecords]:
    """Opens what `write_records` wrote, by split.

    Raises:
        corpora.CorpusError: if it is not whole, or of another front end than `params`.
    """
    folder = pathlib.Path(folder)
    try:
        index = documents.read_json(folder / INDEX_FILE)
        written = features.LogMelParams(**index["log_mel"])
        splits = {
            split: LogMelRecords(
                tuple(folders.inside(folder, name) for name in row["shards"]),
                params,
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
    if written != params:
        raise corpora.CorpusError(
            f"{folder} holds log-mel of {written}; this target needs {params}: prepare it with "
            "the same --target"
        )
    absent = [str(path) for row in splits.values() for path in row.shards if not path.is_file()]
    if absent:
        raise corpora.CorpusError(f"{folder} lacks {', '.join(absent[:3])}; write it anew")
    for split, row in splits.items():
        patch_bytes = params.patch_frames * params.num_bands * 2
        most = sum(path.stat().st_size for path in row.shards) // patch_bytes
        if not 0 <= row.num_patches <= most:
            raise corpora.CorpusError(
                f"{folder / INDEX_FILE} says {row.num_patches} patches of {split}, but its shards "
                f"have room for {most}; {_WRITE_ANEW}"
            )
    return splits


def read_training_data(
    data_dirs: Sequence[str | pathlib.Path],
    params: features.LogMelParams,
    cache_dir: str | pathlib.Path,
) -> Mapping[str, TrainingData]:
    """Opens "train" and "validation" of one folder of shards, or of corpora, which are cached.

    Raises:
        corpora.CorpusError: if there is nothing to train on.
    """
    if len(data_dirs) == 1 and (pathlib.Path(data_dirs[0]) / INDEX_FILE).is_file():
        splits = read_records(data_dirs[0], params)
        if splits.keys() != {"train", "validation"}:
            raise corpora.CorpusError(f"{data_dirs[0]} holds no splits train and validation")
        return splits
    return data.cache_corpora(data_dirs, params, cache_dir)
