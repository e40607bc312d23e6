"""Exports an inverter, alone or behind its target, to TFLite, and measures the difference.

Both map one patch at a time. Their output is log-mel in nats.
"""

import math
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.data import corpora, heard
from vggish_inversion.features import views as tap_views
from vggish_inversion.reconstruction import quiet
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap, ViewedTap

PRECISIONS = ("float32", "float16", "int8")


def patch_functions(
    inverter: keras.Model, to_tap: keras.Model, params: features.LogMelParams
) -> Mapping[str, tf.function]:
    """What can be converted.

    Args:
        inverter: of a tap.
        to_tap: the target up to it; see `target_part`.
        params: the target's front end.

    Returns:
        "inverter": activations `[1, *tap_shape]`, or `[1, views, *tap_shape]` of an inverter that
        takes several -> `[1, patch_frames, bands]` nats; "patch": the same from a log-mel patch
        `[1, patch_frames, bands]`, with the context that the views see, through the target.
    """

    def invert(activations):
        scaled = inverter(activations, training=False)
        return tf.maximum(features.unscale_log_mel(scaled), params.log_floor)

    def specify(*shape):
        return [tf.TensorSpec([1, *shape], tf.float32)]

    return {
        "inverter": tf.function(invert, input_signature=specify(*inverter.input_shape[1:])),
        "patch": tf.function(
            lambda patch: invert(to_tap(patch, training=False)),
            input_signature=specify(*to_tap.input_shape[1:]),
        ),
    }


def memory_bytes(function: tf.function, num_precisions: int) -> int:
    """What converting a function takes at its peak, about: measured with VGGish up to fc2.

    Its 292 MB of weights took 5.7 GB in one precision, 7.4 GB in two, one after the other.
    """
    weights = function.get_concrete_function().variables
    num_bytes = sum(4 * math.prod(weight.shape) for weight in weights)
    return round(0.8e9) + num_bytes * (11 + 6 * num_precisions)


def target_part(
    target: encoder.TargetEncoder, tap: Tap, inverter: keras.Model
) -> tuple[keras.Model, int]:
    """The target up to a tap, on as many views as its inverter takes, and their context in frames.

    See `features.views`.
    """
    views = ViewedTap.taken_by(inverter, tap, target.log_mel).views
    to_tap = tap_views.overlapping(target.up_to(tap), views, target.source)
    return to_tap, views.context_frames


def convert(function: tf.function, precision: str, examples: np.ndarray) -> bytes:
    """Converts a function of one patch.

    Args:
        function: of one tensor, with an input signature.
        precision: "float32"; "float16" (weights); or "int8" (weights and activations, where
            TFLite has the operation; input and output stay float32).
        examples: `[examples, ...]` inputs, to set the ranges of int8 by.

    Raises:
        ValueError: on an unknown precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"no precision {precision!r}; there are: {' '.join(PRECISIONS)}")
    with quiet.stderr_kept_back():
        return _convert(function, precision, examples)


def _convert(function: tf.function, precision: str, examples: np.ndarray) -> bytes:
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], function
    )
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        converter.representative_dataset = lambda: ([example[np.newaxis]] for example in examples)
    return converter.convert()


def call(flatbuffer: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """The function that a flatbuffer holds: `[batch, ...]` -> `[batch, ...]`, one by one."""
    with quiet.stderr_kept_back():
        interpreter = tf.lite.Interpreter(model_content=flatbuffer)
        interpreter.allocate_tensors()
    [taken], [given] = interpreter.get_input_details(), interpreter.get_output_details()

    def invoke(batch: np.ndarray) -> np.ndarray:
        made = []
        for item in batch:
            interpreter.set_tensor(taken["index"], item[np.newaxis])
            interpreter.invoke()
            made.append(interpreter.get_tensor(given["index"])[0])
        return np.stack(made)

    return invoke


def distance(flatbuffer: bytes, function: tf.function, inputs: np.ndarray) -> tuple[float, float]:
    """The largest and the mean absolute difference from `function`, in nats."""
    expected = np.concatenate([function(item[np.newaxis]) for item in inputs])
    difference = np.abs(call(flatbuffer)(inputs) - expected)
    return float(difference.max()), float(difference.mean())


def speech_patches(
    data_dir: str, source: features.Source, *, context_frames: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Log-mel patches of real speech: to set ranges by, and others to measure on.

    Args:
        data_dir: a folder of recordings.
        source: what the target's patches are cut from.
        context_frames: that each patch has before and after it.

    Returns:
        `[patches, *source.window_shape(context_frames)]` float32, twice: of the first two thirds of
        the utterances, and of the rest.

    Raises:
        corpora.CorpusError: if there is not one utterance of a patch or more for each.
    """
    patches = []
    dataset = heard.heard_dataset(corpora.read_corpora([data_dir], split="all"), source)
    for log_mel, waveform, error in dataset.as_numpy_iterator():
        if not error:
            starts = features.patch_starts(len(log_mel), source.log_mel)
            given = log_mel if isinstance(source, features.LogMelParams) else waveform
            cut = features.cut_windows(given, starts, source, context_frames=context_frames)
            patches.append(cut.numpy())
    if len(patches) < 2:
        raise corpora.CorpusError(f"{data_dir}: expected 2 utterances of a patch or more")
    split = max(1, len(patches) * 2 // 3)
    return np.concatenate(patches[:split]), np.concatenate(patches[split:])
