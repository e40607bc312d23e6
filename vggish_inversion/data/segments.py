"""Utterances -> waveforms and log-mel on disk -> aligned segments cut at random places.

As with `data.LogMelCache`, two files are mapped into memory, and which segments a step sees depends
on the seed and the number of the step alone.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from absl import logging

from vggish_inversion import audio, features
from vggish_inversion.data import corpora, heard, log_mel_cache, splits
from vggish_inversion.files import contents, folders

_INT16_SCALE = 32767.0
Transform = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class SegmentCache:
    """Waveforms of a set of utterances with the log-mel that a vocoder is given for them.

    Attributes:
        samples: `[all samples]` int16, mapped from disk; of an utterance, the samples that its
            frames see, and no more.
        frames: `[all frames, bands]` float16, nats, mapped from disk.
        lengths: `[utterances]` int64, frames of each.
        params: the front end.
        fingerprint: of the recordings, and of what was done to their log-mel.
    """

    samples: np.ndarray
    frames: np.ndarray
    lengths: np.ndarray
    params: features.LogMelParams
    fingerprint: str

    def __repr__(self) -> str:
        """What it is."""
        return f"<SegmentCache: {len(self.lengths)} utterances, {len(self.frames)} frames>"

    def random_segments(
        self, step: int, *, batch_size: int, segment_frames: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The batch of one training step; every place of the corpus is as likely as any other.

        Args:
            step: number of the step since the run began.
            batch_size: segments.
            segment_frames: their length.
            seed: of the run.

        Returns:
            `[batch_size, segment_frames, bands]` float32 log-mel in nats, and the waveform that a
            vocoder shall make of it, `[batch_size, segment_frames * hop]` float32.

        Raises:
            corpora.CorpusError: if every utterance is shorter than a segment.
        """
        places = np.maximum(0, self.lengths - segment_frames + 1)
        ends = np.cumsum(places)
        if ends[-1] == 0:
            raise corpora.CorpusError(
                f"no recording has {segment_frames} frames; give longer ones, or cut shorter "
                "segments (--segment_frames)"
            )
        draw = np.random.default_rng([seed, step]).integers(0, ends[-1], batch_size)
        utterance = np.searchsorted(ends, draw, side="right")
        return self._gather(utterance, draw - (ends - places)[utterance], segment_frames)

    def whole(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """One utterance: `[1, frames, bands]` log-mel, `[1, frames * hop]` waveform."""
        return self._gather(np.array([index]), np.array([0]), int(self.lengths[index]))

    def _gather(self, utterance, first_frame, num_frames: int):
        params = self.params
        before = (np.cumsum(self.lengths) - self.lengths)[utterance]
        # An utterance's frames see a window less a hop more than a hop each.
        overhang = params.window_samples - params.hop_samples
        first_sample = (before + first_frame) * params.hop_samples + utterance * overhang
        first_sample += overhang // 2  # where a vocoder's output begins
        frames = self.frames[(before + first_frame)[:, np.newaxis] + np.arange(num_frames)]
        samples = self.samples[
            first_sample[:, np.newaxis] + np.arange(num_frames * params.hop_samples)
        ]
        return frames.astype(np.float32), samples.astype(np.float32) / _INT16_SCALE


def cache_segments(
    utterances: Sequence[corpora.Utterance],
    params: features.LogMelParams,
    cache_dir: str | pathlib.Path,
    *,
    transform: Transform | None = None,
    transform_name: str = "",
) -> SegmentCache:
    """Reads every utterance, or finds it where it was read before.

    Recordings that cannot be used are logged, one line each, and left out.

    Args:
        utterances: to be cached.
        params: the front end.
        cache_dir: runs may share it.
        transform: log-mel `[frames, bands]` and the waveform it is of -> the same shape: what a
            vocoder will be given in place of the true log-mel, such as an inverter's output;
            nothing is done if None.
        transform_name: tells one transform from another: such as the digest of its weights.

    Raises:
        corpora.CorpusError: if none can be used, or some are changed while they are read.
        ValueError: if a transform has no name.
    """
    recordings = name = heard.fingerprint(utterances, params)
    if transform is not None:
        if not transform_name:
            raise ValueError("a transform without a name; give transform_name=, such as a digest")
        name = contents.digest_of([recordings, transform_name])
    folder = pathlib.Path(cache_dir) / f"segments-{name}"

    def write(unfinished: pathlib.Path) -> None:
        _write_cache(utterances, params, unfinished, transform)
        heard.check_unchanged(utterances, params, recordings)

    folders.write_once(folder, write)
    lengths = log_mel_cache.read_lengths(folder)
    num_frames, overhang = int(lengths.sum()), params.window_samples - params.hop_samples
    num_samples = num_frames * params.hop_samples + len(lengths) * overhang
    return SegmentCache(
        samples=log_mel_cache.map_file(folder / "samples.i16", np.int16, (num_samples,)),
        frames=log_mel_cache.map_file(
            folder / "frames.f16", np.float16, (num_frames, params.num_bands)
        ),
        lengths=lengths,
        params=params,
        fingerprint=name,
    )


def cache_corpora(
    data_dirs: Sequence[str | pathlib.Path],
    params: features.LogMelParams,
    cache_dir: str | pathlib.Path,
    *,
    split: str = "train",
    announce: Callable[[str], None] = logging.info,
    **transform,
) -> dict[str, SegmentCache]:
    """The caches of "train" and "validation" of some corpora together.

    See `splits.training_splits` and `cache_segments`, also for `transform` and for what they raise.
    """
    chosen = splits.training_splits(data_dirs, split=split, announce=announce)
    return {
        name: cache_segments(items, params, cache_dir, **transform)
        for name, items in chosen.items()
    }


def _write_cache(utterances, params: features.LogMelParams, folder, transform) -> None:
    lengths = []
    with open(folder / "samples.i16", "wb") as samples, open(folder / "frames.f16", "wb") as frames:
        for item in utterances:
            try:
                waveform = audio.read_audio(item.path, sample_rate_hz=params.sample_rate_hz)
            except audio.AudioError as error:
                logging.warning("skipped %s", error)
                continue
            if len(waveform) < params.patch_samples:
                logging.warning(
                    "skipped %s", heard.too_short(str(item.path), len(waveform), params)
                )
                continue
            log_mel = np.asarray(features.waveform_to_log_mel(waveform, params))
            num_samples = params.window_samples + (len(log_mel) - 1) * params.hop_samples
            scaled = np.clip(waveform[:num_samples], -1.0, 1.0) * _INT16_SCALE
            samples.write(scaled.round().astype(np.int16).tobytes())
            log_mel = log_mel if transform is None else np.asarray(transform(log_mel, waveform))
            frames.write(log_mel.astype(np.float16).tobytes())
            lengths.append(len(log_mel))
    if not lengths:
        raise corpora.CorpusError(f"none of the {len(utterances)} recordings can be used")
    np.save(folder / "lengths.npy", np.array(lengths, np.int64))


def segment_batches(
    cache: SegmentCache, *, batch_size: int, segment_frames: int, seed: int, first_step: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of a run from one step on, without end, for any Keras backend."""
    step = first_step
    while True:
        yield cache.random_segments(
            step, batch_size=batch_size, segment_frames=segment_frames, seed=seed
        )
        step += 1


def segment_dataset(
    cache: SegmentCache, *, batch_size: int, segment_frames: int, seed: int, first_step: int = 0
):
    """The same batches as `segment_batches`, as a parallel, prefetching tf.data.Dataset."""
    import tensorflow as tf

    def batch(step):
        log_mel, waveform = tf.numpy_function(
            lambda number: cache.random_segments(
                int(number), batch_size=batch_size, segment_frames=segment_frames, seed=seed
            ),
            [step],
            [tf.float32, tf.float32],
        )
        return (
            tf.ensure_shape(log_mel, [batch_size, segment_frames, cache.params.num_bands]),
            tf.ensure_shape(waveform, [batch_size, segment_frames * cache.params.hop_samples]),
        )

    dataset = tf.data.Dataset.counter(first_step)
    return dataset.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(4)
