"""Writes what networks hear of a corpus, and the log-mel of it, into TFRecord shards."""

import pathlib

import numpy as np
from absl import logging

from vggish_inversion import features
from vggish_inversion.data import corpora, heard, random_windows


def write_shards(
    items, source: features.Source, folder: pathlib.Path, utterances_per_shard: int
) -> dict:
    """Writes the shards of one split into a new folder; see `training_data.write_dataset`.

    Returns:
        The split's row of `dataset.json`.
    """
    import tensorflow as tf

    fingerprint = heard.fingerprint(items, source)
    folder.mkdir(parents=True)
    names, counts, num_patches, writer = [], [], 0, None
    try:
        for item, (log_mel, waveform, error) in zip(
            items, heard.heard_dataset(items, source).as_numpy_iterator(), strict=True
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
            if isinstance(source, features.SampleWindows):
                values["samples"] = random_windows.to_int16(waveform).tobytes()
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
            counts[-1] += 1
            num_patches += len(log_mel) // source.log_mel.patch_frames
    finally:
        if writer is not None:
            writer.close()
    if not names:
        raise corpora.CorpusError(f"none of the {len(items)} recordings can be used")
    heard.check_unchanged(items, source, fingerprint)
    return {
        "shards": names,
        "num_utterances": counts,
        "num_patches": num_patches,
        "fingerprint": fingerprint,
    }
