"""Log-mel in TFRecord shards, for corpora that outgrow one machine's disk or memory.

`data.LogMelCache` is one file mapped into memory, read at random places: the best there is for a
local disk. Shards are read from end to end, some at a time, as file systems over a network like it;
memory holds a few utterances and a buffer of patches, however large the corpus is. Both give a run
its batches as a function of seed and step.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging

from vggish_inversion import features
from vggish_inversion.data import corpora, log_mel_cache

_SHARDS_AT_A_TIME = 4
_SHUFFLED_PATCHES = 8192  # 200 MB, in which neighbours of one utterance are spread
_ALGORITHM = "philox"  # "auto_select" would depend on the device
_GRAPH_SEED = 1
WRITE_ANEW = "copy it again, or write it anew with scripts/prepare_dataset.py"


@dataclasses.dataclass(frozen=True)
class LogMelRecords:
    """The shards of one split.

    Attributes:
        shards: TFRecord files; a record is an utterance: its log-mel, float16, nats.
        params: the front end.
        fingerprint: of the recordings.
        num_patches: that fit side by side.
        context_frames: as of `data.LogMelCache`.
    """

    shards: tuple[pathlib.Path, ...]
    params: features.LogMelParams
    fingerprint: str
    num_patches: int
    context_frames: int = 0

    def __repr__(self) -> str:
        """What it is."""
        counts = f"{len(self.shards)} shards, {self.num_patches} patches"
        return f"<LogMelRecords: {counts}, context {self.context_frames}>"

    def with_context(self, context_frames: int) -> "LogMelRecords":
        """The same, whose patches have that much context."""
        return dataclasses.replace(self, context_frames=context_frames)

    def batch_dataset(self, *, batch_size: int, seed: int, first_step: int = 0):
        """Batches of patches cut at random places, from one step on, without end.

        Every pass cuts as many patches out of each utterance as fit side by side.

        Returns:
            tf.data.Dataset of `[batch_size, context + patch_frames + context, bands]` float32.
        """
        import tensorflow as tf

        steps_per_pass = max(1, self.num_patches // batch_size)
        if self.num_patches < batch_size:
            raise corpora.CorpusError(
                f"{self.num_patches} patches are less than a batch of {batch_size}"
            )

        def one_pass(number):
            # Graph's own, or Dataset.shuffle would mix in whatever seed the program has set.
            tf.random.set_seed(_GRAPH_SEED)
            order, cuts, shuffles = _streams(seed, number)
            shards = tf.random.experimental.stateless_shuffle(
                tf.constant([str(path) for path in self.shards]), seed=order, alg=_ALGORITHM
            )
            utterances = tf.data.Dataset.from_tensor_slices(shards).interleave(
                tf.data.TFRecordDataset,
                cycle_length=_SHARDS_AT_A_TIME,
                num_parallel_calls=tf.data.AUTOTUNE,
                deterministic=True,
            )
            patches = utterances.enumerate().flat_map(
                lambda index, record: tf.data.Dataset.from_tensor_slices(
                    self._random_patches(record, _fold_in(cuts, index))
                )
            )
            shuffled = patches.shuffle(
                _SHUFFLED_PATCHES, seed=shuffles[0], reshuffle_each_iteration=False
            )
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
        """Patches side by side, spread evenly if there are too many, as of `data.LogMelCache`.

        Raises:
            corpora.CorpusError: if a shard is damaged.
        """
        places = None
        if max_patches:
            num_starts = sum(len(starts) for _, starts in self._grid())  # the index does not say it
            places = log_mel_cache.spread(num_starts, max_patches)
        found, count = [], 0
        for log_mel, starts in self._grid():
            wanted = starts
            if places is not None:
                first, end = np.searchsorted(places, [count, count + len(starts)])
                wanted = starts[places[first:end] - count]
            if len(wanted):
                found.append(self._cut(log_mel, wanted).numpy())
            count += len(starts)
        return np.concatenate(found).astype(np.float32)

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
            for _ in self._grid():  # which raises at the first shard that is damaged
                pass
            raise

    def _grid(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Every utterance with the starts of its patches that lie side by side.

        Raises:
            corpora.CorpusError: if a shard is damaged, or, in the end, if there was less or more
                than the index says.
        """
        num_patches = 0
        for path in self.shards:
            for log_mel in self._log_mels(path):
                yield log_mel, features.patch_starts(len(log_mel), self.params)
                num_patches += len(log_mel) // self.params.patch_frames
        if num_patches != self.num_patches:
            raise corpora.CorpusError(
                f"{self.shards[0].parent} holds {num_patches} patches, where its index says "
                f"{self.num_patches}; {WRITE_ANEW}"
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
                        f"{self.params.patch_frames}; {WRITE_ANEW}"
                    )
                yield log_mel
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise corpora.CorpusError(
                f"{path}: damaged at or after record {max(1, number)}; {WRITE_ANEW}"
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
            [length // frames], seed, maxval=length - frames + 1, dtype=tf.int32, alg=_ALGORITHM
        )
        return self._cut(log_mel, starts)

    def _cut(self, log_mel, starts):
        return features.log_mel_to_patches(
            log_mel, starts, self.params, context_frames=self.context_frames
        )


def _streams(seed: int, number) -> tuple[Any, ...]:
    """Seeds of one pass: of the order of its shards, of where it cuts, and of what it shuffles.

    Mixed, not added up: passes of neighbouring seeds have nothing in common.

    Args:
        seed: of the run.
        number: of the pass, a tensor.

    Returns:
        Three int64 tensors `[2]`, as the stateless functions of `tf.random` take them.
    """
    import tensorflow as tf

    own = _fold_in(tf.constant([seed, 0], tf.int64), number)
    # Folded in twice: the first of both numbers is one of its own, too.
    return tuple(_fold_in(_fold_in(own, purpose), 0) for purpose in range(3))


def _fold_in(seed, number) -> Any:
    """The seed of one stream of many; see `tf.random.fold_in`."""
    import tensorflow as tf

    return tf.random.fold_in(seed, tf.cast(number, tf.int64), alg=_ALGORITHM)


def write_shards(items, params, folder: pathlib.Path, utterances_per_shard: int) -> dict:
    """Writes the shards of one split into a new folder; see `datasets.write_dataset`.

    Returns:
        The split's row of `dataset.json`.
    """
    import tensorflow as tf

    fingerprint = log_mel_cache.fingerprint(items, params)
    folder.mkdir(parents=True)
    names, counts, num_patches, writer = [], [], 0, None
    try:
        for item, (log_mel, error) in zip(
            items, log_mel_cache.log_mel_dataset(items, params).as_numpy_iterator(), strict=True
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
    log_mel_cache.check_unchanged(items, params, fingerprint)
    return {
        "shards": names,
        "num_utterances": counts,
        "num_patches": num_patches,
        "fingerprint": fingerprint,
    }
