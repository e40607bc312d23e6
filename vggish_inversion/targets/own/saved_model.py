"""A SavedModel as a target: a function of log-mel patches that returns activations, by name."""

import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from absl import logging
from google.protobuf import message

from vggish_inversion.files import hub
from vggish_inversion.targets import encoder, fingerprint
from vggish_inversion.targets.own import (
    heads,
    network_input,
    saved_function,
    stated_front_end,
)
from vggish_inversion.targets.taps import Head, Tap

_SIGNATURE = "serving_default"


def load(
    name: str,
    folder: pathlib.Path,
    front_end: Mapping[str, Any] | None = None,
    *,
    axes: str | None = None,
    head: str | None = None,
    class_names: Sequence[str] | None = None,
) -> encoder.TargetEncoder:
    """Loads a SavedModel's folder as a target.

    Taps are the float outputs of the signature "serving_default" (or the only one there is), else
    of `__call__`: a dict of activations, a tuple, whose taps are `output_0` and so on, or one
    tensor, whose tap is `output`. Other outputs, such as a loss, are left out, and a warning names
    them. A function of a batch of one is called patch by patch.

    Args:
        name: of the target.
        folder: with `saved_model.pb`. What it holds is a program: load only what you trust.
        front_end: fields of one, as JSON has them.
        axes: of its patches, and of taps of three axes: "bands,frames", or frames x bands.
        head: the output that gives logits `[batch, classes]`; none is looked for.
        class_names: of that.

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
    shape = tuple(spec.shape)
    is_bare = len(shape) == 1  # [samples], as models of TF-Hub take them
    if not is_bare and shape[0] not in (None, 1) or spec.dtype != tf.float32:
        raise ValueError(
            f"{folder} takes {spec}; expected float32, and a batch of any size, or of 1"
        )
    resolved, sources = stated_front_end.resolve(
        str(folder), shape, front_end, axes=axes, advice=network_input.SAVE_PATCHES
    )
    patches, image = stated_front_end.enter(resolved, shape, axes)
    batch = "none" if is_bare else "one" if shape[0] == 1 else "any"
    try:
        layer = saved_function.SavedFunction(loaded, function, tuple(image.shape[1:]), batch=batch)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error
    outputs = layer(image) if layer.shapes else {}
    outputs = {tap.replace("/", "."): outputs[tap] for tap in layer.shapes}
    if axes == network_input.BANDS_FRAMES:
        outputs = {
            tap: tensor if len(tensor.shape) < 4 else network_input.frames_first(tensor, tap)
            for tap, tensor in outputs.items()
        }
    absent = {tap.replace("/", "."): reason for tap, reason in layer.left_out.items()}
    reasons = ", ".join(f"{tap} ({reason})" for tap, reason in absent.items())
    if not outputs:
        raise ValueError(
            f"{folder} gives {reasons or 'nothing'}; expected a dict of float activations by name"
        )
    if len(outputs) + len(absent) < len(layer.shapes) + len(layer.left_out):
        raise ValueError(f"{folder} gives outputs whose names differ in a slash alone: rename them")
    if absent:
        logging.warning("%s: outputs that cannot be taps are left out: %s", name, reasons)
    digests = _digests(folder)
    return encoder.TargetEncoder(
        name,
        keras.Model(patches, outputs, name="saved_target"),
        tuple(Tap(tap, tuple(tensor.shape[1:]), "unknown") for tap, tensor in outputs.items()),
        heads=_heads(str(folder), outputs, absent, head, class_names),
        front_end=resolved,
        front_end_sources=sources,
        axes=axes,
        fingerprint=fingerprint.of_files(digests, resolved, axes=axes),
        weights_fingerprint=lambda: _weights_fingerprint(digests),
        absent={tap: f"it is {reason}" for tap, reason in absent.items()},
    )


def _heads(
    folder: str,
    outputs: Mapping[str, Any],
    absent: Mapping[str, str],
    head: str | None,
    class_names: Sequence[str] | None,
) -> dict[Head, Any]:
    """The output that is named as the head, and its logits."""
    if head is None and class_names is None:
        return {}
    if head is None or head not in outputs:
        reason = f"which is {absent[head]}" if head in absent else f"no {heads.HEAD} of that name"
        reason = "class_names without a head" if head is None else f"head {head!r}, {reason}"
        raise ValueError(
            f"{folder}: expected as {heads.HEAD} one of its outputs, {' '.join(outputs)}; "
            f"found {reason}"
        )
    shape = outputs[head].shape
    return {heads.named(folder, head, shape, "unknown", class_names): outputs[head]}


def _find_function(folder: pathlib.Path, loaded: Any):
    """The function of a SavedModel, `tensor -> tensors`, and what it takes."""
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
            return concrete, arguments[0]
    raise ValueError(
        f"{folder} has the signatures {', '.join(signatures) or '(none)'} and no __call__ of one "
        f"tensor; expected {_SIGNATURE}: give tf.saved_model.save(..., signatures=) one"
    )


def _digests(folder: pathlib.Path) -> list[str]:
    """Of the files that hold the function and its weights, which may be constants in it."""
    files = [folder / "saved_model.pb", *sorted((folder / "variables").glob("*"))]
    return [hub.sha256(path) for path in files]


def _weights_fingerprint(digests: Sequence[str]) -> str:
    """As runs of before hold it."""
    return fingerprint.WEIGHTS_PREFIX + hashlib.sha256(" ".join(digests).encode()).hexdigest()
