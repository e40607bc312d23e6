"""Measures a vocoder on held-out clips as it trains, and shows them in TensorBoard."""

import pathlib
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from vggish_inversion.data import segments


class HeldOutClips(keras.callbacks.Callback):
    """Vocodes whole clips at the end of every epoch, measures them and lets them be heard."""

    def __init__(
        self,
        log_dir: pathlib.Path,
        cache: segments.SegmentCache,
        indices: Sequence[int],
        measures: Mapping[str, Callable],
    ):
        """Chooses the clips.

        Args:
            log_dir: of TensorBoard.
            cache: held-out utterances.
            indices: of the recordings in `cache` to measure; TensorBoard plays the first.
            measures: name -> function of the true and the vocoded waveform, `[samples]` each; the
                mean over the clips is in the logs of the epoch as `val_NAME`.
        """
        super().__init__()
        self._log_dir = log_dir
        self._clips = [cache.whole(index) for index in indices]
        self._measures = measures
        self._sample_rate_hz = cache.params.sample_rate_hz
        self._writer = None

    def __repr__(self) -> str:
        """What it is."""
        return f"<HeldOutClips: {len(self._clips)}, measured by {', '.join(self._measures)}>"

    def on_epoch_end(self, epoch, logs=None):
        """Measures; adds to the logs, which a checkpoint after this callback keeps."""
        assert self.model is not None  # set by fit
        if not np.all(np.isfinite(list((logs or {}).values()))):
            return  # there is nothing to hear, and the checkpoint ends the run
        vocoded = [
            np.asarray(keras.ops.convert_to_numpy(self.model(log_mel, training=False)))[0].clip(
                -1, 1
            )
            for log_mel, _ in self._clips
        ]
        for name, measure in self._measures.items():
            values = [
                measure(natural[0], waveform)
                for (_, natural), waveform in zip(self._clips, vocoded, strict=True)
            ]
            if logs is not None:
                logs[f"val_{name}"] = float(np.mean(values))
        self._write_sound(epoch, vocoded[0])

    def on_train_end(self, logs=None):
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()

    def _write_sound(self, epoch: int, vocoded: np.ndarray):
        import tensorflow as tf  # not at the top: training also runs where there is none

        rate = self._sample_rate_hz
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._log_dir / "examples"))
            with self._writer.as_default(step=0):
                tf.summary.audio("natural", self._clips[0][1][..., np.newaxis], rate)
        with self._writer.as_default(step=epoch + 1):
            tf.summary.audio("vocoded", vocoded[np.newaxis, :, np.newaxis], rate)


def tensorboard_callbacks(
    run_dir: str | pathlib.Path,
    validation: segments.SegmentCache,
    *,
    measures: Mapping[str, Callable],
    num_clips: int = 8,
) -> list[keras.callbacks.Callback]:
    """Measures of held-out clips, spread evenly; scalars and sound under `run_dir/tensorboard`."""
    log_dir = pathlib.Path(run_dir) / "tensorboard"
    last = len(validation.lengths) - 1
    indices = sorted({int(index) for index in np.linspace(0, last, num_clips).round()})
    return [
        HeldOutClips(log_dir, validation, indices, measures),
        keras.callbacks.TensorBoard(str(log_dir), write_graph=False),
    ]
