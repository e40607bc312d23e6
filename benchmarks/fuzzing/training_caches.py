"""What training keeps of a corpus (TFRecords, caches), and its readers."""

import dataclasses
import pathlib
import shutil

from fuzzing import readers
from fuzzing.readers import Reader


def _utterances(folder: pathlib.Path) -> list:
    from vggish_inversion import audio
    from vggish_inversion.data import corpora

    (folder / "speech").mkdir()
    for index in range(2):
        audio.write_wav(folder / "speech" / f"{index}.wav", readers.speech(index))
    return corpora.read_corpus(folder / "speech")


def write_records(folder: pathlib.Path) -> None:
    """TFRecord shards and dataset.json."""
    from vggish_inversion import features
    from vggish_inversion.data import training_data

    utterances = _utterances(folder)
    shutil.move(folder / "speech", "speech")
    utterances = [
        dataclasses.replace(item, path=pathlib.Path("speech", item.path.name))
        for item in utterances
    ]
    training_data.write_dataset(
        {"train": utterances, "validation": utterances}, features.LogMelParams(), folder / "shards"
    )


def write_caches(folder: pathlib.Path) -> None:
    """Recordings with the caches of log-mel and of segments that training makes of them."""
    from vggish_inversion import features
    from vggish_inversion.data import log_mel_cache, segments

    utterances, params = _utterances(folder), features.LogMelParams()
    log_mel_cache.cache_log_mel(utterances, params, folder / "cache")
    segments.cache_segments(utterances, params, folder / "cache")


def _read_records(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import training_data

    for part in training_data.read_dataset(folder / "shards", features.LogMelParams()).values():
        part.grid_patches(4)
        batches = part.batches(batch_size=1, seed=0)
        for _ in range(3):
            next(batches)


def _read_log_mel_cache(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import corpora, log_mel_cache

    utterances = corpora.read_corpus(folder / "speech")
    cache = log_mel_cache.cache_log_mel(utterances, features.LogMelParams(), folder / "cache")
    cache.random_patches(0, batch_size=4, seed=0)
    cache.grid_patches(4)


def _read_segment_cache(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import corpora, segments

    utterances = corpora.read_corpus(folder / "speech")
    cache = segments.cache_segments(utterances, features.LogMelParams(), folder / "cache")
    cache.random_segments(0, batch_size=4, segment_frames=16, seed=0)


READERS = (
    Reader("TFRecords", "shards", write_records, "shards/**/*.*", _read_records, 3),
    Reader("caches", "log-mel", write_caches, "cache/[0-9a-f]*/*", _read_log_mel_cache),
    Reader("caches", "segments", write_caches, "cache/segments*/*", _read_segment_cache),
)  # fmt: skip
