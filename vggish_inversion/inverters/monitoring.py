"""What TensorBoard shows of a run: losses, learning rate, spectrogram pictures and sound."""

import functools
import pathlib
from collections.abc import Callable

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.data import training_data

_NUM_PICTURES = 4


class Examples(keras.callbacks.Callback):
    """Writes held-out patches beside their reconstructions, as pictures and, if vocoded, sound."""

    def __init__(
        self,
        log_dir: pathlib.Path,
        validation: training_data.TrainingData,
        *,
        vocoder: Callable | None,
        every_epochs: int,
    ):
        """Shows patches of `validation` after every `every_epochs` epochs."""
        super().__init__()
        self._log_dir = log_dir
        self._validation = validation
        self._log_mel = validation.params
        self._vocoder = vocoder
        self._every_epochs = every_epochs
        self._writer = None

    def __repr__(self) -> str:
        """What it is."""
        return f"<Examples in {self._log_dir} every {self._every_epochs} epochs>"

    @functools.cached_property
    def _examples(self) -> tuple[np.ndarray, np.ndarray]:
        """Held-out windows with the context that the model takes, and what it should give."""
        assert self.model is not None  # set by fit
        taken = tuple(self.model.input_shape[1:])
        contexts = (0, self._log_mel.patch_frames // 2)  # of one view, and of several
        source = self._validation.source
        [context] = {context for context in contexts if source.window_shape(context) == taken}
        batch = self._validation.with_context(context).grid_patches(_NUM_PICTURES)
        return features.labelled(batch, self._log_mel)

    def on_epoch_end(self, epoch, logs=None):
        """Writes the examples of this epoch."""
        import tensorflow as tf  # not at the top: training also runs where there is none

        assert self.model is not None and self.params is not None  # set by fit
        if epoch % self._every_epochs and epoch + 1 != self.params["epochs"]:
            return
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._log_dir / "examples"))
        windows, labels = self._examples
        scaled = keras.ops.convert_to_numpy(self.model(windows, training=False))
        patches, inverted = map(features.unscale_log_mel, (labels, scaled))
        pairs = np.concatenate([patches, inverted], axis=1)
        low, high = self._log_mel.log_floor, float(patches.max())
        pictures = np.clip((pairs - low) / (high - low), 0, 1)[:, :, ::-1].transpose(0, 2, 1)
        with self._writer.as_default(step=epoch + 1):
            tf.summary.image("original_and_inverted", pictures[..., np.newaxis], _NUM_PICTURES)
            if self._vocoder is not None:
                sound = np.asarray(self._vocoder(inverted))[..., np.newaxis]
                rate = self._log_mel.sample_rate_hz
                tf.summary.audio("inverted", sound, rate, max_outputs=_NUM_PICTURES)

    def on_train_end(self, logs=None):
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None  # a training by the clock is fitted slice by slice


def tensorboard_callbacks(
    run_dir: str | pathlib.Path,
    validation: training_data.TrainingData,
    *,
    vocoder: Callable | None = None,
    every_epochs: int = 5,
) -> list[keras.callbacks.Callback]:
    """Scalars of every epoch, and examples every few, under `run_dir/tensorboard`.

    Args:
        run_dir: the run's folder.
        validation: where the examples are taken from.
        vocoder: `[batch, frames, bands]` log-mel in nats -> `[batch, samples]`, to be heard.
        every_epochs: how often examples are written; the last epoch always is.
    """
    log_dir = pathlib.Path(run_dir) / "tensorboard"
    return [
        keras.callbacks.TensorBoard(str(log_dir), write_graph=False),
        Examples(log_dir, validation, vocoder=vocoder, every_epochs=every_epochs),
    ]
