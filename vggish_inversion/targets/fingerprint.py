"""Identifies a network by what it computes: layers, connections, weights and front end.

Of two networks with one fingerprint, the same patches give the same activations. Names, and what
only training uses, are left out, and so are settings at their default, for a later Keras adds some:
a network has one fingerprint in whatever file, on whatever backend and under whatever Keras it
comes. Runs of before hold a fingerprint of the weights' values alone ("sha256:..."), under which
max pool and average pool are the same; they are held to what they know.
"""

import dataclasses
import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from vggish_inversion.targets import graph

PREFIX = "network-sha256:"
WEIGHTS_PREFIX = "sha256:"

_IGNORED = {"name", "dtype", "trainable", "seed", "module", "registered_name"}
_IGNORED |= {"build_config", "compile_config"}
_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")


def of_network(
    model: keras.Model, front_end: Any, *, start: Any = None, axes: str | None = None
) -> str:
    """The fingerprint of a functional model.

    Args:
        model: of one input.
        front_end: what makes its input, a dataclass.
        start: the tensor of the model where that enters, if it is not the input.
        axes: the order of its axes there, if not frames x bands.
    """
    model = graph.as_functional(model)
    digests: dict[int, str] = {id(model.inputs[0]): "input"}
    weights = functools.cache(_weights)  # a layer may be called several times
    _follow(model, digests, weights)
    start = model.inputs[0] if start is None else start
    return PREFIX + _digest(
        {
            "input": list(model.inputs[0].shape),
            "outputs": sorted({digests[id(tensor)] for tensor in model.outputs}),
            "start": digests[id(start)],
            "front_end": of_front_end(front_end),
            **_axes(axes),
        }
    )


def of_weights(model: keras.Model) -> str:
    """The fingerprint of the weights' values alone, as runs of before hold it."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).data)
    return f"{WEIGHTS_PREFIX}{digest.hexdigest()}"


def of_files(digests: Sequence[str], front_end: Any, *, axes: str | None = None) -> str:
    """The fingerprint of a network whose layers cannot be seen, by the digests of its files."""
    return PREFIX + _digest(
        {"files": list(digests), "front_end": of_front_end(front_end), **_axes(axes)}
    )


def _axes(axes: str | None) -> dict[str, str]:
    return {"axes": axes} if axes and axes != "frames,bands" else {}


def of_front_end(front_end: Any) -> dict[str, Any]:
    """The settings of a front end that are not at their default."""
    settings = {"kind": front_end.kind} if hasattr(front_end, "kind") else {}
    for field in dataclasses.fields(front_end):
        value = getattr(front_end, field.name)
        if value != field.default:
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            settings[field.name] = float(value) if is_number else _plain(value)
    return settings


def _follow(model: Any, digests: dict[int, str], weights: Callable[[Any], list]) -> None:
    """Adds the digests of all tensors that the model computes, which hold those they depend on."""
    for node in graph.nodes(model):
        arguments, options = node.arguments.fill_in(digests)
        if graph.is_nested(node.operation):
            inner = graph.as_functional(node.operation)
            inside = {id(inner.inputs[0]): digests[id(node.input_tensors[0])]}
            _follow(inner, inside, weights)
            made = [inside[id(tensor)] for tensor in inner.outputs]
        else:
            call = {
                "kind": type(node.operation).__name__,
                "settings": _settings(node.operation),
                "weights": weights(node.operation),
                "arguments": _plain(arguments),
                "options": _plain({k: v for k, v in options.items() if v is not None}),
            }
            digest = _digest(call)
            made = [f"{digest}.{index}" for index in range(len(node.outputs))]
        digests.update(zip((id(tensor) for tensor in node.outputs), made, strict=True))


def _settings(operation: Any) -> dict[str, Any]:
    """The settings of a layer that are not at their default, and that inference heeds."""
    try:
        config = operation.get_config()
    except NotImplementedError:  # of a user's layer, whose settings are its own affair
        return {}
    parameters = inspect.signature(type(operation).__init__).parameters
    settings = {}
    for name, value in config.items():
        default = parameters[name].default if name in parameters else None
        if not _is_ignored(name) and _plain(value) != _plain(default):
            settings[name] = _plain(value)
    return settings


def _is_ignored(name: str) -> bool:
    return name in _IGNORED or name.endswith(_OF_TRAINING)


def _plain(value: Any) -> Any:
    """A setting as JSON has it, without what is ignored; equal settings become equal."""
    if isinstance(value, str):
        return None if value == "linear" else value  # which is no activation
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items() if not _is_ignored(str(key))}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "shape"):  # a constant in the graph
        array = np.asarray(keras.ops.convert_to_numpy(value))
        return [list(array.shape), array.tolist()]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return getattr(value, "__name__", type(value).__name__)


def _weights(operation: Any) -> list:
    """Shape, type and digest of each weight of a layer."""
    arrays = [
        np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        for weight in getattr(operation, "weights", ())
    ]
    return [
        [list(array.shape), array.dtype.name, hashlib.sha256(array.data).hexdigest()]
        for array in arrays
    ]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
