"""Patches of log-mel that is mapped into memory, cut at random places.

A batch is one gather, whatever the size of the corpus, and the operating system keeps what it has
room for. Which patches a step sees depends on the seed and the number of the step alone, so a run
that is resumed sees what it would have seen.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from vggish_inversion import features
from vggish_inversion.data import corpora

DELETE_CACHE = "delete the folder, and it will be written anew"


@dataclasses.dataclass(frozen=True)
class LogMelCache:
    """The log-mel of a set of utterances.

    Attributes:
        frames: `[all frames, bands]` float16, nats, mapped from disk.
        lengths: `[utterances]` int64, frames of each.
        params: the front end.
        fingerprint: of the recordings.
        context_frames: frames that patches have before and after them; beyond an utterance its
            first and last frame go on.
    """

    frames: np.ndarray
    lengths: np.ndarray
    params: features.LogMelParams
    fingerprint: str
    context_frames: int = 0

    def __repr__(self) -> str:
        """What it is."""
        counts = f"{len(self.lengths)} utterances, {self.num_patches} patches"
        return f"<LogMelCache: {counts}, context {self.context_frames}>"

    @property
    def source(self) -> features.LogMelParams:
        """What patches are cut from."""
        return self.params

    def with_context(self, context_frames: int) -> "LogMelCache":
        """The same, whose patches have that much context."""
        return dataclasses.replace(self, context_frames=context_frames)

    @property
    def num_patches(self) -> int:
        """Patches that fit side by side: what one pass over the corpus sees."""
        return int(np.sum(self.lengths // self.params.patch_frames))

    def random_patches(self, step: int, *, batch_size: int, seed: int) -> np.ndarray:
        """The batch of one training step.

        Every frame of the corpus at which a patch can begin is as likely as any other.

        Args:
            step: number of the step since the run began.
            batch_size: patches.
            seed: of the run.

        Returns:
            `[batch_size, context + patch_frames + context, bands]` float32, nats.
        """
        return self.gather(*self.draw(step, batch_size=batch_size, seed=seed))

    def draw(self, step: int, *, batch_size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The utterances of the patches of one training step, and their first frames in them."""
        places = np.maximum(0, self.lengths - self.params.patch_frames + 1)
        ends = np.cumsum(places)
        if ends[-1] == 0:
            raise corpora.CorpusError(
                f"the cache {self.fingerprint} has no utterance of {self.params.patch_frames} "
                f"frames; {DELETE_CACHE}"
            )
        draw = np.random.default_rng([seed, step]).integers(0, ends[-1], batch_size)
        utterance = np.searchsorted(ends, draw, side="right")
        return utterance, draw - (ends - places)[utterance]

    def grid_patches(self, max_patches: int | None = None) -> np.ndarray:
        """Patches side by side, the same every time, spread evenly if there are too many."""
        return self.gather(*self.grid(max_patches))

    def grid(self, max_patches: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The utterances of patches side by side, and their first frames in them."""
        starts = [features.patch_starts(length, self.params) for length in self.lengths]
        utterance = np.repeat(np.arange(len(starts)), [len(row) for row in starts])
        places = spread(len(utterance), max_patches)
        return utterance[places], np.concatenate(starts)[places]

    def batches(self, *, batch_size: int, seed: int, first_step: int = 0) -> Iterator[np.ndarray]:
        """The batches of a run from one step on, without end, for any Keras backend."""
        for step in itertools.count(first_step):
            yield self.random_patches(step, batch_size=batch_size, seed=seed)

    def damage_named(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to be named: a cache is checked when it is opened; see `shards`."""
        return contextlib.nullcontext()

    def batch_dataset(self, *, batch_size: int, seed: int, first_step: int = 0):
        """The same batches as `batches`, as a parallel, prefetching tf.data.Dataset."""
        import tensorflow as tf

        def batch(step):
            patches = tf.numpy_function(
                lambda number: self.random_patches(int(number), batch_size=batch_size, seed=seed),
                [step],
                tf.float32,
            )
            num_frames = self.params.patch_frames + 2 * self.context_frames
            return tf.ensure_shape(patches, [batch_size, num_frames, self.params.num_bands])

        dataset = tf.data.Dataset.counter(first_step)
        return dataset.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(
            4
        )

    def gather(self, utterance: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The patches that begin so many frames after their utterance does."""
        window = np.arange(-self.context_frames, self.params.patch_frames + self.context_frames)
        lengths = self.lengths[utterance, np.newaxis]
        frames = np.clip(starts[:, np.newaxis] + window, 0, lengths - 1)
        first_frame = (np.cumsum(self.lengths) - self.lengths)[utterance, np.newaxis]
        return self.frames[first_frame + frames].astype(np.float32)


def spread(count: int, limit: int | None) -> np.ndarray:
    """At most `limit` of `count` places, from the first to the last, spread evenly.

    >>> spread(10, 4).tolist()
    [0, 3, 6, 9]
    """
    if not limit or count <= limit:
        return np.arange(count)
    return np.linspace(0, count - 1, limit).round().astype(int)
