"""What every vocoder promises: it checks its input, and keeps its output in range."""

import abc

import numpy as np
import tensorflow as tf
from absl import logging

from vggish_inversion import features


class Vocoder(tf.Module, abc.ABC):
    """Log-mel -> waveform, in one TensorFlow graph.

    Attributes:
        params: the front end that made the log-mel.
        fingerprint: of weights or settings; equal ones give equal waveforms. None if not known.
        vocode: the same as calling the object, as a tf.function: what a SavedModel keeps.
    """

    def __init__(self, params: features.LogMelParams, *, name: str):
        """Prepares the graph; a subclass calls this last."""
        super().__init__(name=name)
        self.params = params
        window = features.periodic_hann(params.window_samples)
        # No waveform within [-1, 1] has a louder log-mel than this.
        filters = features.mel_matrix(params)
        if num_empty := int((~filters.any(axis=0)).sum()):
            logging.warning(
                "%d of %d bands have no bin of the spectrum and are silent whatever is heard; "
                "fewer bands, a higher low_hz or longer windows fit an FFT of %d samples",
                num_empty,
                params.num_bands,
                params.fft_length,
            )
        loudest = window.sum() * filters.sum(axis=0)
        self._ceiling = np.log(loudest + params.log_offset)
        signature = tf.TensorSpec([None, None, params.num_bands], tf.float32)
        self.vocode = tf.function(self._vocode, input_signature=[signature])

    def __repr__(self) -> str:
        """What it is."""
        params = self.params
        front_end = f"{params.num_bands} bands every {params.hop_samples} samples"
        return f"<{type(self).__name__} {self.name}: {front_end} at {params.sample_rate_hz} Hz>"

    def __call__(self, log_mel) -> tf.Tensor:
        """Vocodes a batch.

        Args:
            log_mel: `[batch, frames, bands]` of any float dtype, nats, clipped to what a waveform
                within [-1, 1] can have.

        Returns:
            `[batch, frames * hop]` float32; its sample 0 is sample `(window - hop) / 2` of the
            waveform that the log-mel describes. Levels are kept, but an utterance whose peak would
            exceed 1 is scaled down to 1.

        Raises:
            ValueError: on a wrong number of bands or axes, on no frames, or, outside a graph, on
                NaN (inside a graph, InvalidArgumentError).
        """
        log_mel = tf.cast(log_mel, tf.float32)
        bands, shape = self.params.num_bands, log_mel.shape
        if shape.rank != 3 or shape[2] not in (bands, None) or shape[1] == 0:
            raise ValueError(
                f"log_mel must be [batch, frames, {bands}] with at least one frame, got {shape}"
            )
        if tf.executing_eagerly() and np.isnan(log_mel.numpy()).any():
            raise ValueError("log_mel holds NaN; check the network or the audio that made it")
        return self.vocode(log_mel)

    @abc.abstractmethod
    def _synthesise(self, log_mel: tf.Tensor) -> tf.Tensor:
        """`[batch, frames, bands]`, checked and clipped -> `[batch, frames * hop]` of any peak."""

    def _vocode(self, log_mel):
        usable = ~tf.reduce_any(tf.math.is_nan(log_mel)) & (tf.shape(log_mel)[1] > 0)
        check = tf.debugging.Assert(usable, ["log_mel must hold no NaN and at least one frame"])
        # Explicit, or an operation that fails on no frames might come first; an operation that the
        # graph's optimiser cannot see through keeps shapes behind the check too.
        with tf.control_dependencies([check]):
            num_frames = tf.identity(tf.shape(log_mel)[1])
        log_mel = log_mel[:, :num_frames]
        waveform = self._synthesise(tf.clip_by_value(log_mel, self.params.log_floor, self._ceiling))
        # Not of the absolute values, which for an hour of speech would be 230 MB more.
        highest = tf.reduce_max(waveform, axis=1, keepdims=True)
        lowest = tf.reduce_min(waveform, axis=1, keepdims=True)
        return waveform / tf.maximum(tf.maximum(highest, -lowest), 1.0)
