"""Windows of samples and the log-mel in them: what networks that take no log-mel train on."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from vggish_inversion import features
from vggish_inversion.data.random_patches import LogMelCache

# Windows, and the log-mel patches in them.
Examples = tuple[np.ndarray, np.ndarray]

FULL_SCALE = 32768  # of 16 bits, which recordings have


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as 16 bits hold them."""
    scaled = np.round(np.asarray(waveform, np.float32) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def to_float(samples: np.ndarray) -> np.ndarray:
    """Inverse of `to_int16`."""
    return samples.astype(np.float32) / FULL_SCALE


@dataclasses.dataclass(frozen=True)
class WaveformCache:
    """The samples of a set of utterances, beside their log-mel.

    A batch is a pair: windows `[batch, *source.window_shape(context)]` float32, and the patches of
    log-mel in them, `[batch, patch_frames, bands]` float32, nats. Places are drawn as `LogMelCache`
    draws them.

    Attributes:
        frames: the log-mel, of `source.log_mel`.
        samples: `[all samples]` int16, mapped from disk.
        num_samples: `[utterances]` int64, of each.
        source: which samples the network hears at a time.
        context_frames: as of `LogMelCache`; beyond an utterance there is silence.
    """

    frames: LogMelCache
    samples: np.ndarray
    num_samples: np.ndarray
    source: features.SampleWindows
    context_frames: int = 0

    def __repr__(self) -> str:
        """What it is."""
        counts = f"{len(self.num_samples)} utterances, {self.num_patches} patches"
        return f"<WaveformCache: {counts}, context {self.context_frames}>"

    @property
    def params(self) -> features.LogMelParams:
        """The log-mel that is learnt."""
        return self.frames.params

    @property
    def fingerprint(self) -> str:
        """Of the recordings."""
        return self.frames.fingerprint

    @property
    def num_patches(self) -> int:
        """Patches that fit side by side: what one pass over the corpus sees."""
        return self.frames.num_patches

    def with_context(self, context_frames: int) -> "WaveformCache":
        """The same, whose windows have that much context."""
        return dataclasses.replace(self, context_frames=context_frames)

    def grid_patches(self, max_patches: int | None = None) -> Examples:
        """Windows side by side and their patches, the same every time, spread evenly."""
        return self._gather(*self.frames.grid(max_patches))

    def random_patches(self, step: int, *, batch_size: int, seed: int) -> Examples:
        """The batch of one training step."""
        return self._gather(*self.frames.draw(step, batch_size=batch_size, seed=seed))

    def batches(self, *, batch_size: int, seed: int, first_step: int = 0) -> Iterator[Examples]:
        """The batches of a run from one step on, without end, for any Keras backend."""
        for step in itertools.count(first_step):
            yield self.random_patches(step, batch_size=batch_size, seed=seed)

    def batch_dataset(self, *, batch_size: int, seed: int, first_step: int = 0):
        """The same batches as `batches`, as a parallel, prefetching tf.data.Dataset."""
        import tensorflow as tf

        patch_shape = (self.params.patch_frames, self.params.num_bands)
        window_shape = self.source.window_shape(self.context_frames)

        def batch(step):
            windows, patches = tf.numpy_function(
                lambda number: self.random_patches(int(number), batch_size=batch_size, seed=seed),
                [step],
                [tf.float32, tf.float32],
            )
            return (
                tf.ensure_shape(windows, [batch_size, *window_shape]),
                tf.ensure_shape(patches, [batch_size, *patch_shape]),
            )

        dataset = tf.data.Dataset.counter(first_step)
        return dataset.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(
            4
        )

    def damage_named(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to be named; see `LogMelCache`."""
        return contextlib.nullcontext()

    def _gather(self, utterance: np.ndarray, starts: np.ndarray) -> Examples:
        [length] = self.source.window_shape(self.context_frames)
        first = self.source.place(starts - self.context_frames)[:, np.newaxis]
        places, ends = first + np.arange(length), self.num_samples[utterance, np.newaxis]
        inside = (places >= 0) & (places < ends)
        begin = (np.cumsum(self.num_samples) - self.num_samples)[utterance, np.newaxis]
        found = to_float(self.samples[begin + np.clip(places, 0, ends - 1)])
        return np.where(inside, found, np.float32(0)), self.frames.gather(utterance, starts)
