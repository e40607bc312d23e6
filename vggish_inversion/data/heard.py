"""Recordings as a network hears them, and the log-mel of the same time."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from vggish_inversion import audio, features
from vggish_inversion.data import corpora
from vggish_inversion.files import contents

# Of caches; another number where decoding or the front end comes to give other values.
_FORMAT = 2


def fingerprint(utterances: Sequence[corpora.Utterance], source: features.Source) -> str:
    """Names a set of recordings as one front end hears them, from what the files hold.

    Equal recordings in the same order have equal fingerprints, whatever they are called.
    """
    recordings = contents.digest_all(item.path for item in utterances)
    settings = dataclasses.asdict(source)
    if isinstance(source, features.SampleWindows):
        settings["log_mel"] = dataclasses.asdict(source.log_mel)
    return contents.digest_of([_FORMAT, settings, recordings])


def check_unchanged(
    utterances: Sequence[corpora.Utterance], source: features.Source, name: str
) -> None:
    """Makes sure that what was just read is what its fingerprint was taken of.

    Raises:
        corpora.CorpusError: if a recording was changed in the meantime.
    """
    if fingerprint(utterances, source) != name:
        raise corpora.CorpusError(
            "recordings were changed while they were read; expected a corpus at rest: start again "
            "when it is whole"
        )


def heard_dataset(utterances: Sequence[corpora.Utterance], source: features.Source):
    """Reads audio and computes log-mel, in parallel, in the order given.

    Returns:
        tf.data.Dataset of `(log_mel [frames, bands] float32, samples [samples] float32, error)`.
        Samples are at the rate of the network, and the log-mel is of them; where a file cannot be
        used `error` says why in one line, else it is empty.
    """
    import tensorflow as tf

    rate_hz, log_mel_hz = source.sample_rate_hz, source.log_mel.sample_rate_hz

    def read(path: bytes):
        try:
            waveform = audio.read_audio(path.decode(), sample_rate_hz=rate_hz)
        except audio.AudioError as error:
            return np.zeros(0, np.float32), np.zeros(0, np.float32), str(error)
        error = ""
        if len(waveform) < source.patch_samples:
            error = too_short(path.decode(), len(waveform), source)
        return waveform, audio.resample(waveform, from_hz=rate_hz, to_hz=log_mel_hz), error

    def extract(path):
        waveform, for_log_mel, error = tf.numpy_function(
            read, [path], [tf.float32, tf.float32, tf.string]
        )
        waveform.set_shape([None])
        for_log_mel.set_shape([None])
        return features.waveform_to_log_mel(for_log_mel, source.log_mel), waveform, error

    dataset = tf.data.Dataset.from_tensor_slices([str(item.path) for item in utterances])
    return dataset.map(extract, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(8)


def too_short(name: str, num_samples: int, source: features.Source) -> str:
    """The line that says why a clip cannot be tapped."""
    return (
        f"{name}: {num_samples / source.sample_rate_hz:.2f} s is too short; one patch needs "
        f"{source.patch_samples / source.sample_rate_hz:.3f} s"
    )
