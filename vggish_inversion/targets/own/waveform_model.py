"""Networks that take waveforms: they are cut where their own front end yields log-mel.

Inverters learn from log-mel patches, so the network's front end has to be one that this package
computes itself. That is not taken on trust: two sounds tell.
"""

from typing import Any

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.targets import graph
from vggish_inversion.targets.own import network_input

_TOLERANCE_NATS = 0.1


def find_log_mel(model: keras.Model, layer: str) -> Any:
    """The output of a layer of a functional model.

    Raises:
        ValueError: if there is no such layer, or it has several outputs.
    """
    calls = graph.calls(model)
    found = [call.outputs for call in calls if call.name == layer]
    if not found:
        names = " ".join(call.name for call in calls)
        raise ValueError(f"{model.name} has no layer {layer!r} to cut at; its layers are: {names}")
    if len(found[0]) != 1:
        raise ValueError(f"layer {layer!r} of {model.name} has several outputs; expected log-mel")
    return found[0][0]


def check_log_mel(
    model: keras.Model, log_mel: Any, params: features.LogMelParams, *, axes: str | None = None
) -> None:
    """Makes sure that the network computes the log-mel that it is said to compute.

    The mean of every band is compared, on white noise and on silence: padding may shift frames.

    Args:
        model: `[batch, samples]` or `[batch, samples, 1]` -> anything.
        log_mel: the tensor in it that is the log-mel.
        params: what it is said to be.
        axes: of the tensor, frames x bands if None.

    Raises:
        ValueError: if they differ by more than 0.1 nats.
    """
    shape = model.inputs[0].shape
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 1):
        raise ValueError(f"{model.name} takes {list(shape)}; expected waveforms [batch, samples]")
    num_samples = shape[1] or params.sample_rate_hz
    noise = np.random.default_rng(0).normal(0.0, 0.1, num_samples).astype(np.float32)
    front_end = keras.Model(model.inputs[0], log_mel)
    for sound, waveform in (("noise", noise), ("silence", np.zeros_like(noise))):
        batch = waveform.reshape((1, num_samples, 1)[: len(shape)])
        made = np.asarray(keras.ops.convert_to_numpy(front_end(batch, training=False)))
        if axes == network_input.BANDS_FRAMES:
            made = made.swapaxes(1, 2)
        bands = made.reshape(-1, params.num_bands).mean(axis=0)
        expected = _log_mel(waveform, params).mean(axis=0)
        difference = np.abs(bands - expected).max()
        if not difference <= _TOLERANCE_NATS:
            raise ValueError(
                f"the log-mel of {model.name} is not the one that its settings say: on {sound} a "
                f"band differs by {difference:.2f} nats (mean {bands.mean():.2f}, expected "
                f"{expected.mean():.2f}); state log_mel= as it is, a natural logarithm of mel "
                "magnitude plus an offset"
            )


def _log_mel(waveform: np.ndarray, params: features.LogMelParams) -> np.ndarray:
    """`features.waveform_to_log_mel`, on a machine without TensorFlow."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, params.window_samples)
    frames = frames[:: params.hop_samples] * features.periodic_hann(params.window_samples)
    magnitude = np.abs(np.fft.rfft(frames, params.fft_length))
    return np.log(magnitude @ features.mel_matrix(params) + params.log_offset)
