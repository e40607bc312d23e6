"""Losses between two waveforms, for vocoders, on any Keras backend.

Sources: Yamamoto, Song and Kim, "Parallel WaveGAN" (ICASSP 2020) for the multi-resolution STFT
loss; Kumar et al., "MelGAN" (NeurIPS 2019) for the hinge and feature-matching losses.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from vggish_inversion import features

ops: Any = keras.ops  # Keras ships no types, and what pyright infers of these is wrong

# Window and hop in samples. At 16 kHz, from 16 ms, which tells glottal pulses apart, to 64 ms,
# which tells harmonics apart.
_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))
_MIN_POWER = 1e-7  # below it a magnitude has no usable gradient, nor can its bin be heard


def stft_magnitude(waveform, window: np.ndarray, hop_samples: int, fft_length: int) -> Any:
    """Magnitudes of the frames that fit, unpadded.

    Args:
        waveform: `[batch, samples]` float32.
        window: `[window]`, no longer than `fft_length`.
        hop_samples: between two frames.
        fft_length: even.

    Returns:
        `[batch, frames, fft_length // 2 + 1]` float32, at least about 3e-4.
    """
    # The window is the frame: keras.ops.stft would take in the silence that pads it, and so leave
    # out the last frames of a waveform.
    frames = ops.extract_sequences(waveform, len(window), hop_samples)
    frames = ops.pad(frames * window, ((0, 0), (0, 0), (0, fft_length - len(window))))
    real, imaginary = ops.rfft(frames, fft_length)
    return ops.sqrt(ops.maximum(real**2 + imaginary**2, _MIN_POWER))


def log_mel(waveform, params: features.LogMelParams) -> Any:
    """`features.waveform_to_log_mel` with a gradient on any Keras backend."""
    window = features.periodic_hann(params.window_samples)
    magnitude = stft_magnitude(waveform, window, params.hop_samples, params.fft_length)
    return ops.log(ops.matmul(magnitude, features.mel_matrix(params)) + params.log_offset)


def stft_loss(natural, vocoded, window_samples: int, hop_samples: int) -> tuple[Any, Any]:
    """Spectral convergence and mean log-magnitude distance at one resolution.

    Spectral convergence is pooled over the batch: an utterance's own norm is next to nothing where
    it is silent, and would outweigh all speech.
    """
    window = features.periodic_hann(window_samples)
    target, given = (
        stft_magnitude(item, window, hop_samples, window_samples) for item in (natural, vocoded)
    )
    error = ops.sqrt(ops.sum((target - given) ** 2) + _MIN_POWER)
    convergence = error / ops.sqrt(ops.sum(target**2))
    return convergence, ops.mean(ops.abs(ops.log(target / given)))


@keras.saving.register_keras_serializable("vggish_inversion")
class SpectralLoss(keras.losses.Loss):
    """Multi-resolution STFT loss plus the L1 of the log-mel, in nats: all blind to phase.

    `natural` and `vocoded` are `[batch, samples]` in [-1, 1], at least 1024 samples long.
    """

    def __init__(self, params: features.LogMelParams | dict, **kwargs):
        """Measures log-mel with the front end `params`, or one of these fields."""
        super().__init__(**{"name": "spectral_loss", **kwargs})
        self._params = features.LogMelParams(**params) if isinstance(params, dict) else params

    def __repr__(self) -> str:
        """What it is."""
        return f"<SpectralLoss of {self._params}>"

    def get_config(self):
        """What `from_config` needs."""
        return {**super().get_config(), "params": dataclasses.asdict(self._params)}

    def call(self, natural, vocoded):
        """The loss of a batch: a scalar."""
        natural, vocoded = (ops.cast(item, "float32") for item in (natural, vocoded))
        parts = [sum(stft_loss(natural, vocoded, *resolution)) for resolution in _RESOLUTIONS]
        distance = ops.abs(log_mel(natural, self._params) - log_mel(vocoded, self._params))
        return sum(parts) / len(parts) + ops.mean(distance)


def hinge_generator_loss(fake_logits: Sequence) -> Any:
    """Sum over the discriminators of `-mean(logits)`."""
    return sum(-ops.mean(logits) for logits in _in_float32(fake_logits))


def hinge_discriminator_loss(real_logits: Sequence, fake_logits: Sequence) -> Any:
    """Sum over the discriminators of `mean(max(0, 1 - real)) + mean(max(0, 1 + fake))`."""
    return sum(
        ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake))
        for real, fake in zip(_in_float32(real_logits), _in_float32(fake_logits), strict=True)
    )


def feature_matching_loss(real_maps: Sequence, fake_maps: Sequence) -> Any:
    """Mean over the discriminators' layers of the L1 between their activations.

    Kumar et al. sum over layers, each divided by its size, and weigh the sum by 10; only the
    weight differs.
    """
    distances = [
        ops.mean(ops.abs(ops.stop_gradient(real) - fake))
        for real, fake in zip(_in_float32(real_maps), _in_float32(fake_maps), strict=True)
    ]
    return sum(distances) / len(distances)


def _in_float32(tensors: Sequence) -> list:
    """Whatever precision the discriminators compute in."""
    return [ops.cast(tensor, "float32") for tensor in tensors]
