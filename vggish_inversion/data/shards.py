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

from vggish_inversion import features
from vggish_inversion.data import corpora, random_patches, random_windows, seeds

_SHARDS_AT_A_TIME = 4
_SHUFFLED_PATCHES = 8192  # 200 MB, in which neighbours of one utterance are spread
_SHUFFLED_WINDOWS = 2048  # as much, of a second of samples with half a second on both sides
_GRAPH_SEED = 1
WRITE_ANEW = "copy it again, or write it anew with scripts/prepare_dataset.py"


@dataclasses.dataclass(frozen=True)
class LogMelRecords:
    """The shards of one split.

    Attributes:
        shards: TFRecord files; a record is an utterance: its log-mel, float16, nats; and of
            networks that take no log-mel its samples, int16.
        source: what the target's patches are cut from.
        fingerprint: of the recordings.
        num_patches: that fit side by side.
        context_frames: as of `data.LogMelCache`.
    """

    shards: tuple[pathlib.Path, ...]
    source: features.Source
    fingerprint: str
    num_patches: int
    context_frames: int = 0

    @property
    def params(self) -> features.LogMelParams:
        """The log-mel that is learnt."""
        return self.source.log_mel

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
            tf.data.Dataset of `[batch_size, context + patch_frames + context, bands]` float32; or
            of pairs, as `WaveformCache` gives them.
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
            order, cuts, shuffles = seeds.of_pass(seed, number)
            shards = seeds.in_random_order([str(path) for path in self.shards], order)
            utterances = tf.data.Dataset.from_tensor_slices(shards).interleave(
                tf.data.TFRecordDataset,
                cycle_length=_SHARDS_AT_A_TIME,
                num_parallel_calls=tf.data.AUTOTUNE,
                deterministic=True,
            )
            patches = utterances.enumerate().flat_map(
                lambda index, record: tf.data.Dataset.from_tensor_slices(
                    self._random_patches(record, seeds.fold_in(cuts, index))
                )
            )
            shuffled = patches.shuffle(
                _SHUFFLED_WINDOWS if self._has_samples else _SHUFFLED_PATCHES,
                seed=shuffles[0],
                reshuffle_each_iteration=False,
            )
            batches = shuffled.batch(batch_size, drop_remainder=True).take(steps_per_pass)
            # Shards that hold less than they should would be passed over without end.
            return batches.apply(tf.data.experimental.assert_cardinality(steps_per_pass))

        first_pass, skipped = divmod(first_step, steps_per_pass)
        passes = tf.data.Dataset.counter(first_pass).flat_map(one_pass)
        return passes.skip(skipped).map(lambda *batch: _as_floats(batch)).prefetch(4)

    def batches(self, *, batch_size: int, seed: int, first_step: int = 0) -> Iterator[Any]:
        """The same batches as `batch_dataset`, as arrays.

        Raises:
            corpora.CorpusError: if a shard is damaged.
        """
        place = {"batch_size": batch_size, "seed": seed, "first_step": first_step}
        with self.damage_named():
            yield from self.batch_dataset(**place).as_numpy_iterator()

    @property
    def _has_samples(self) -> bool:
        return isinstance(self.source, features.SampleWindows)

    def grid_patches(self, max_patches: int | None = None) -> Any:
        """Patches side by side, spread evenly if there are too many, as of `data.LogMelCache`.

        Raises:
            corpora.CorpusError: if a shard is damaged.
        """
        places = None
        if max_patches:
            num_starts = sum(len(starts) for _, starts in self._grid())  # the index does not say it
            places = random_patches.spread(num_starts, max_patches)
        found, count = [], 0
        for utterance, starts in self._grid():
            wanted = starts
            if places is not None:
                first, end = np.searchsorted(places, [count, count + len(starts)])
                wanted = starts[places[first:end] - count]
            if len(wanted):
                found.append(self._cut(utterance, wanted))
            count += len(starts)
        made = _as_floats([np.concatenate(parts) for parts in zip(*found, strict=True)])
        return tuple(map(np.asarray, made)) if isinstance(made, tuple) else np.asarray(made)

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

    def _grid(self) -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray]]:
        """Every utterance with the starts of its patches that lie side by side.

        Raises:
            corpora.CorpusError: if a shard is damaged, or, in the end, if there was less or more
                than the index says.
        """
        num_patches = 0
        for path in self.shards:
            for utterance in self._utterances(path):
                num_frames = len(utterance[0])
                yield utterance, features.patch_starts(num_frames, self.params)
                num_patches += num_frames // self.params.patch_frames
        if num_patches != self.num_patches:
            raise corpora.CorpusError(
                f"{self.shards[0].parent} holds {num_patches} patches, where its index says "
                f"{self.num_patches}; {WRITE_ANEW}"
            )

    def _utterances(self, path: pathlib.Path) -> Iterator[tuple[np.ndarray, ...]]:
        import tensorflow as tf

        number = 0
        try:
            for number, record in enumerate(tf.data.TFRecordDataset([str(path)]), 1):
                utterance = tuple(part.numpy() for part in self._parse(record))
                if len(utterance[0]) < self.params.patch_frames:
                    raise corpora.CorpusError(
                        f"{path}: record {number} has {len(utterance[0])} frames, less than "
                        f"a patch of {self.params.patch_frames}; {WRITE_ANEW}"
                    )
                yield utterance
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise corpora.CorpusError(
                f"{path}: damaged at or after record {max(1, number)}; {WRITE_ANEW}"
            ) from error

    def _parse(self, record) -> tuple[Any, ...]:
        """A record's log-mel, and its samples if it has some."""
        import tensorflow as tf

        kinds = {"log_mel": tf.half, **({"samples": tf.int16} if self._has_samples else {})}
        parsed = tf.io.parse_single_example(
            record, {name: tf.io.FixedLenFeature([], tf.string) for name in kinds}
        )
        log_mel, *samples = (tf.io.decode_raw(parsed[name], kind) for name, kind in kinds.items())
        return tf.reshape(log_mel, [-1, self.params.num_bands]), *samples

    def _random_patches(self, record, seed):
        import tensorflow as tf

        utterance, frames = self._parse(record), self.params.patch_frames
        length = tf.shape(utterance[0])[0]
        starts = seeds.random_starts(length // frames, length - frames + 1, seed)
        return self._cut(utterance, starts)

    def _cut(self, utterance: tuple[Any, ...], starts) -> tuple[Any, ...]:
        """Windows of samples if there are some, and patches of log-mel, as they are stored."""
        log_mel, *samples = utterance
        context_frames = self.context_frames
        windows = [
            features.cut_windows(part, starts, self.source, context_frames=context_frames)
            for part in samples
        ]
        patches = features.log_mel_to_patches(
            log_mel, starts, self.params, context_frames=0 if samples else context_frames
        )
        return *windows, patches


def _as_floats(parts) -> Any:
    """A batch as it is trained on: log-mel windows, or windows of samples and their patches."""
    import tensorflow as tf

    *samples, patches = (tf.cast(part, tf.float32) for part in parts)
    if not samples:
        return patches
    return samples[0] / random_windows.FULL_SCALE, patches
