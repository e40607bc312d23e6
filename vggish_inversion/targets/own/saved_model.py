"""A SavedModel as a target: a function of log-mel patches that returns activations, by name."""

import functools
import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from google.protobuf import message

from vggish_inversion.files import hub
from vggish_inversion.targets import encoder, fingerprint
from vggish_inversion.targets.own import network_input

_SIGNATURE = "serving_default"


class SavedFunction(keras.layers.Layer):
    """Calls the function of a SavedModel.

    Its shapes are those that the function gives for one patch, for a function may be saved with
    shapes that it does not know.

    Attributes:
        loaded: the SavedModel.
        shapes: of the outputs, without the batch axis.
    """

    def __init__(self, loaded: Any, function, image_shape: tuple[int, ...]):
        """Tries the function on a patch of zeros.

        Args:
            loaded: the SavedModel, which holds the function's variables.
            function: `[batch, *image_shape]` float32 -> {name: tensor}.
            image_shape: of one patch as the function takes it.
        """
        super().__init__(name="saved_function", trainable=False, dtype="float32")
        self.loaded, self._function = loaded, function
        tried = function(tf.zeros((1, *image_shape)))
        self.shapes = {name: tuple(tensor.shape[1:]) for name, tensor in tried.items()}
        self._dtypes = {name: tensor.dtype.name for name, tensor in tried.items()}

    def call(self, inputs):
        """`[batch, *image_shape]` -> {name: tensor}."""
        outputs = self._function(inputs)
        return {
            name: tf.ensure_shape(outputs[name], (None, *shape))
            for name, shape in self.shapes.items()
        }

    def compute_output_spec(self, inputs):
        """The shapes that were seen."""
        return {
            name: keras.KerasTensor((inputs.shape[0], *shape), self._dtypes[name])
            for name, shape in self.shapes.items()
        }


def load(
    name: str, folder: pathlib.Path, log_mel: Mapping[str, Any] | None = None
) -> encoder.TargetEncoder:
    """Loads a SavedModel's folder as a target.

    Taps are the float outputs of the signature "serving_default" (or the only one there is), else
    of `__call__`: a dict of activations, or one tensor, whose tap is then `output`.

    Args:
        name: of the target.
        folder: with `saved_model.pb`. What it holds is a program: load only what you trust.
        log_mel: fields of `LogMelParams`.

    Raises:
        ValueError: if it cannot be read, or does not take log-mel patches.
    """
    if not (folder / "saved_model.pb").is_file():
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:5])
        raise hub.WeightsError(
            f"{folder}: expected a SavedModel's folder or a .keras file, found a folder without "
            f"saved_model.pb ({found or 'empty'}); give the folder or file of the network itself"
        )
    try:
        loaded: Any = tf.saved_model.load(str(folder))
    except (OSError, ValueError, LookupError, tf.errors.OpError, message.DecodeError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise hub.WeightsError(
            f"{folder}: cannot be read as a SavedModel ({reason[0]}); copy the folder again"
        ) from error
    function, spec = _find_function(folder, loaded)
    network_input.check_patches(str(folder), tuple(spec.shape), network_input.SAVE_PATCHES)
    if spec.shape[0] is not None or spec.dtype != tf.float32:
        raise ValueError(f"{folder} takes {spec}; expected float32, and a batch of any size")
    params = network_input.complete(spec.shape[1:3], log_mel)
    patches = keras.Input((params.patch_frames, params.num_bands), name="log_mel_patches")
    image = network_input.as_input(patches, spec.shape)
    layer = SavedFunction(loaded, function, tuple(image.shape[1:]))
    outputs = {
        tap.replace("/", "."): tensor
        for tap, tensor in layer(image).items()
        if "float" in tensor.dtype and 1 <= len(tensor.shape) - 1 <= 3
    }
    if not outputs:
        raise ValueError(
            f"{folder} gives {layer.shapes}; expected a dict of float activations by name"
        )
    digests = _digests(folder)
    return encoder.TargetEncoder(
        name,
        keras.Model(patches, outputs, name="saved_target"),
        tuple(
            encoder.Tap(tap, tuple(tensor.shape[1:]), "unknown") for tap, tensor in outputs.items()
        ),
        log_mel=params,
        fingerprint=fingerprint.of_files(digests, params),
        weights_fingerprint=lambda: _weights_fingerprint(digests),
    )


def _find_function(folder: pathlib.Path, loaded: Any):
    """The function `tensor -> {name: tensor}` of a SavedModel, and what it takes."""
    signatures = dict(getattr(loaded, "signatures", {}))
    if len(signatures) == 1 or _SIGNATURE in signatures:
        signature = signatures.get(_SIGNATURE) or next(iter(signatures.values()))
        inputs = signature.structured_input_signature[1]
        if len(inputs) != 1:
            raise ValueError(f"{folder} takes {', '.join(inputs)}; expected one input")
        [(argument, spec)] = inputs.items()
        return lambda tensor: signature(**{argument: tensor}), spec
    for concrete in getattr(getattr(loaded, "__call__", None), "concrete_functions", ()):  # noqa: B004
        arguments, options = concrete.structured_input_signature
        if len(arguments) == 1 and not options and isinstance(arguments[0], tf.TensorSpec):
            return functools.partial(_call, concrete), arguments[0]
    raise ValueError(
        f"{folder} has the signatures {', '.join(signatures) or '(none)'} and no __call__ of one "
        f"tensor; expected {_SIGNATURE}: give tf.saved_model.save(..., signatures=) one"
    )


def _call(function, tensor) -> dict[str, Any]:
    outputs = function(tensor)
    return dict(outputs) if isinstance(outputs, Mapping) else {"output": outputs}


def _digests(folder: pathlib.Path) -> list[str]:
    """Of the files that hold the function and its weights, which may be constants in it."""
    files = [folder / "saved_model.pb", *sorted((folder / "variables").glob("*"))]
    return [hub.sha256(path) for path in files]


def _weights_fingerprint(digests: Sequence[str]) -> str:
    """As runs of before hold it."""
    return fingerprint.WEIGHTS_PREFIX + hashlib.sha256(" ".join(digests).encode()).hexdigest()
