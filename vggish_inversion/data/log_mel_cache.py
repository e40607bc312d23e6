"""Utterances -> a cache on disk, of which training cuts its patches.

The cache is a file of frames, and for networks that take no log-mel one of samples beside it.
"""

import contextlib
import math
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
from absl import logging

from vggish_inversion import features
from vggish_inversion.data import corpora, heard, splits
from vggish_inversion.data.random_patches import DELETE_CACHE, LogMelCache
from vggish_inversion.data.random_windows import WaveformCache, to_int16
from vggish_inversion.files import documents, folders


def cache_log_mel(
    utterances: Sequence[corpora.Utterance],
    source: features.Source,
    cache_dir: str | pathlib.Path,
) -> LogMelCache | WaveformCache:
    """Computes the log-mel of every utterance, or finds it where it was computed before.

    Args:
        utterances: the recordings.
        source: what the target's patches are cut from, `target.source`.
        cache_dir: receives a folder for these recordings as this source has them.

    Returns:
        A `LogMelCache`, or of networks that take no log-mel a `WaveformCache`.

    Recordings that cannot be used are logged, one line each, and left out. All are read to tell
    whether they are those of before.

    Raises:
        corpora.CorpusError: if none can be used, or some are changed while they are read.
    """
    name = heard.fingerprint(utterances, source)
    folder = pathlib.Path(cache_dir) / name

    def write(unfinished: pathlib.Path) -> None:
        _write_cache(utterances, source, unfinished)
        heard.check_unchanged(utterances, source, name)

    folders.write_once(folder, write)
    lengths, params = read_lengths(folder), source.log_mel
    frames = map_file(folder / "frames.f16", np.float16, (int(lengths.sum()), params.num_bands))
    cache = LogMelCache(frames, lengths, params, name)
    if isinstance(source, features.LogMelParams):
        return cache
    num_samples = read_lengths(folder, "num_samples.npy")
    if len(num_samples) != len(lengths):
        raise corpora.CorpusError(
            f"{folder}: frames of {len(lengths)} utterances, samples of {len(num_samples)}; "
            f"{DELETE_CACHE}"
        )
    samples = map_file(folder / "samples.i16", np.int16, (int(num_samples.sum()),))
    return WaveformCache(cache, samples, num_samples, source)


def read_lengths(folder: pathlib.Path, name: str = "lengths.npy") -> np.ndarray:
    """The frames, or samples, of each utterance of a cache, `[utterances]` int64.

    Raises:
        corpora.CorpusError: if they cannot be read, or are none.
    """
    path = folder / name
    lengths = documents.read_array(path, kinds="i", error=corpora.CorpusError)
    # Below 2^40 samples, 2 years of speech, no sum of them overflows.
    if lengths.ndim != 1 or not len(lengths) or lengths.min() < 1 or lengths.max() >= 2**40:
        raise corpora.CorpusError(f"{path}: expected a length of each utterance; {DELETE_CACHE}")
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
    source: features.Source,
    cache_dir: str | pathlib.Path,
    *,
    split: str = "train",
    announce: Callable[[str], None] = logging.info,
) -> dict[str, LogMelCache | WaveformCache]:
    """The caches of "train" and "validation" of some corpora together; see `cache_log_mel`.

    Args:
        data_dirs: corpora.
        source: what the target's patches are cut from, `target.source`.
        cache_dir: runs may share it.
        split: what is trained on; see `splits.training_splits`.
        announce: is told how the corpora were read and split.

    Raises:
        corpora.CorpusError: if there is nothing to train on, or nothing can be held out.
    """
    chosen = splits.training_splits(data_dirs, split=split, announce=announce)
    return {name: cache_log_mel(items, source, cache_dir) for name, items in chosen.items()}


def _write_cache(utterances, source: features.Source, folder: pathlib.Path) -> None:
    lengths, num_samples, num_skipped = [], [], 0
    with contextlib.ExitStack() as files:
        frames = files.enter_context(open(folder / "frames.f16", "wb"))
        samples = None
        if isinstance(source, features.SampleWindows):
            samples = files.enter_context(open(folder / "samples.i16", "wb"))
        for log_mel, waveform, error in heard.heard_dataset(utterances, source).as_numpy_iterator():
            if error:
                num_skipped += 1
                logging.warning("skipped %s", error.decode())
                continue
            frames.write(log_mel.astype(np.float16).tobytes())
            lengths.append(len(log_mel))
            if samples is not None:
                samples.write(to_int16(waveform).tobytes())
                num_samples.append(len(waveform))
    if not lengths:
        raise corpora.CorpusError(f"none of the {len(utterances)} recordings can be used")
    if num_skipped:
        logging.warning("%d of %d recordings were skipped", num_skipped, len(utterances))
    np.save(folder / "lengths.npy", np.array(lengths, np.int64))
    if num_samples:
        np.save(folder / "num_samples.npy", np.array(num_samples, np.int64))
