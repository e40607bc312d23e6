"""Utterances -> a cache of log-mel on disk -> batches of patches cut at random places.

The cache is one file of frames, mapped into memory: a batch is one gather, whatever the size of the
corpus, and the operating system keeps what it has room for. Which patches a step sees depends on
the seed and the number of the step alone, so a run that is resumed sees what it would have seen.
"""

import contextlib
import dataclasses
import itertools
import math
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from absl import logging

from vggish_inversion import audio, features
from vggish_inversion.data import corpora, splits
from vggish_inversion.files import contents, documents, folders

# Of caches; another number where decoding or the front end comes to give other values.
_FORMAT = 2
DELETE_CACHE = "delete the folder, and it will be written anew"


def fingerprint(utterances: Sequence[corpora.Utterance], params: features.LogMelParams) -> str:
    """Names a set of recordings as one log-mel front end sees them, from what the files hold.

    Equal recordings in the same order have equal fingerprints, whatever they are called.
    """
    recordings = contents.digest_all(item.path for item in utterances)
    return contents.digest_of([_FORMAT, dataclasses.asdict(params), recordings])


def check_unchanged(
    utterances: Sequence[corpora.Utterance], params: features.LogMelParams, name: str
) -> None:
    """Makes sure that what was just read is what its fingerprint was taken of.

    Raises:
        corpora.CorpusError: if a recording was changed in the meantime.
    """
    if fingerprint(utterances, params) != name:
        raise corpora.CorpusError(
            "recordings were changed while they were read; expected a corpus at rest: start again "
            "when it is whole"
        )


def log_mel_dataset(utterances: Sequence[corpora.Utterance], params: features.LogMelParams):
    """Reads audio and computes log-mel, in parallel, in the order given.

    Returns:
        tf.data.Dataset of `(log_mel [frames, bands] float32, error)`; where a file cannot be used
        `error` says why in one line, else it is empty.
    """
    import tensorflow as tf

    def read(path: bytes):
        try:
            waveform = audio.read_audio(path.decode(), sample_rate_hz=params.sample_rate_hz)
        except audio.AudioError as error:
            return np.zeros(0, np.float32), str(error)
        if len(waveform) < params.patch_samples:
            return waveform, too_short(path.decode(), len(waveform), params)
        return waveform, ""

    def extract(path):
        waveform, error = tf.numpy_function(read, [path], [tf.float32, tf.string])
        waveform.set_shape([None])
        return features.waveform_to_log_mel(waveform, params), error

    dataset = tf.data.Dataset.from_tensor_slices([str(item.path) for item in utterances])
    return dataset.map(extract, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(8)


def too_short(name: str, num_samples: int, params: features.LogMelParams) -> str:
    """The line that says why a clip cannot be tapped."""
    return (
        f"{name}: {num_samples / params.sample_rate_hz:.2f} s is too short; one patch needs "
        f"{params.patch_samples / params.sample_rate_hz:.3f} s"
    )


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
        places = np.maximum(0, self.lengths - self.params.patch_frames + 1)
        ends = np.cumsum(places)
        if ends[-1] == 0:
            raise corpora.CorpusError(
                f"the cache {self.fingerprint} has no utterance of {self.params.patch_frames} "
                f"frames; {DELETE_CACHE}"
            )
        draw = np.random.default_rng([seed, step]).integers(0, ends[-1], batch_size)
        utterance = np.searchsorted(ends, draw, side="right")
        return self._gather(utterance, draw - (ends - places)[utterance])

    def grid_patches(self, max_patches: int | None = None) -> np.ndarray:
        """Patches side by side, the same every time, spread evenly if there are too many."""
        starts = [features.patch_starts(length, self.params) for length in self.lengths]
        utterance = np.repeat(np.arange(len(starts)), [len(row) for row in starts])
        places = spread(len(utterance), max_patches)
        return self._gather(utterance[places], np.concatenate(starts)[places])

    def batches(self, *, batch_size: int, seed: int, first_step: int = 0) -> Iterator[np.ndarray]:
        """The batches of a run from one step on, without end, for any Keras backend."""
        for step in itertools.count(first_step):
            yield self.random_patches(step, batch_size=batch_size, seed=seed)

    def damage_named(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to be named: a cache is checked when it is opened; see `records`."""
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

    def _gather(self, utterance: np.ndarray, starts: np.ndarray) -> np.ndarray:
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


def cache_log_mel(
    utterances: Sequence[corpora.Utterance],
    params: features.LogMelParams,
    cache_dir: str | pathlib.Path,
) -> LogMelCache:
    """Computes the log-mel of every utterance, or finds it where it was computed before.

    Recordings that cannot be used are logged, one line each, and left out. All are read to tell
    whether they are those of before.

    Raises:
        corpora.CorpusError: if none can be used, or some are changed while they are read.
    """
    name = fingerprint(utterances, params)
    folder = pathlib.Path(cache_dir) / name

    def write(unfinished: pathlib.Path) -> None:
        _write_cache(utterances, params, unfinished)
        check_unchanged(utterances, params, name)

    folders.write_once(folder, write)
    lengths = read_lengths(folder)
    frames = map_file(folder / "frames.f16", np.float16, (int(lengths.sum()), params.num_bands))
    return LogMelCache(frames, lengths, params, name)


def read_lengths(folder: pathlib.Path) -> np.ndarray:
    """The frames of each utterance of a cache, `[utterances]` int64.

    Raises:
        corpora.CorpusError: if they cannot be read, or are none.
    """
    path = folder / "lengths.npy"
    lengths = documents.read_array(path, kinds="i", error=corpora.CorpusError)
    # Below 2^40 frames, 300 years of speech, no sum of them overflows.
    if lengths.ndim != 1 or not len(lengths) or lengths.min() < 1 or lengths.max() >= 2**40:
        raise corpora.CorpusError(f"{path}: expected frames of each utterance; {DELETE_CACHE}")
    return lengths.astype(np.int64)


def map_file(path: pathlib.Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """Maps a file of a cache into memory.

    Raises:
        corpora.CorpusError: if it is missing, or not as long as the shape says.
    """
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    found = path.stat().st_size if path.is_file() else 0
    if found != expected:
        raise corpora.CorpusError(
            f"{path}: expected {expected} bytes, found {found}; {DELETE_CACHE}"
        )
    return np.memmap(path, dtype, "r", shape=shape)


def cache_corpora(
    data_dirs: Sequence[str | pathlib.Path],
    params: features.LogMelParams,
    cache_dir: str | pathlib.Path,
    *,
    split: str = "train",
    announce: Callable[[str], None] = logging.info,
) -> dict[str, LogMelCache]:
    """The caches of "train" and "validation" of some corpora together; see `cache_log_mel`.

    Args:
        data_dirs: corpora.
        params: the front end.
        cache_dir: runs may share it.
        split: what is trained on; see `splits.training_splits`.
        announce: is told how the corpora were read and split.

    Raises:
        corpora.CorpusError: if there is nothing to train on, or nothing can be held out.
    """
    chosen = splits.training_splits(data_dirs, split=split, announce=announce)
    return {name: cache_log_mel(items, params, cache_dir) for name, items in chosen.items()}


def _write_cache(utterances, params: features.LogMelParams, folder: pathlib.Path) -> None:
    lengths, num_skipped = [], 0
    with open(folder / "frames.f16", "wb") as file:
        for log_mel, error in log_mel_dataset(utterances, params).as_numpy_iterator():
            if error:
                num_skipped += 1
                logging.warning("skipped %s", error.decode())
                continue
            file.write(log_mel.astype(np.float16).tobytes())
            lengths.append(len(log_mel))
    if not lengths:
        raise corpora.CorpusError(f"none of the {len(utterances)} recordings can be used")
    if num_skipped:
        logging.warning("%d of %d recordings were skipped", num_skipped, len(utterances))
    np.save(folder / "lengths.npy", np.array(lengths, np.int64))
