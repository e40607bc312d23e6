"""Where your own network tells classes apart: its logits, before any softmax or sigmoid.

A network ends with its classes. From there the way leads back over softmax, sigmoid and what keeps
values as they are, to the layer that gives the logits. A softmax inside of that layer is left out:
a second object of the layer shares its weights.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from vggish_inversion.targets import graph
from vggish_inversion.targets.taps import Head

HEAD, CLASS_NAMES = "head", "class_names"  # of JSON settings

_LINEAR = "linear"
_SCORES = ("softmax", "sigmoid", "log_softmax")  # one class after another keeps its place in these
_SCORE_LAYERS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSoftmax": "log_softmax"}
# The activation of these is the last thing they do.
_WITH_ACTIVATION = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
_SAME_NUMBERS = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.Reshape,
)


@dataclasses.dataclass(frozen=True)
class _Logits:
    """A layer's name, its logits, and what makes scores of them."""

    name: str
    tensor: Any
    activation: str


def check_settings(settings: Mapping[str, Any]) -> None:
    """Makes sure that a head and class names of JSON settings are of their types.

    Raises:
        ValueError: if they are not.
    """
    head, names = settings.get(HEAD, ""), settings.get(CLASS_NAMES, [])
    if not isinstance(head, str):
        raise ValueError(f"{HEAD} is {repr(head)[:40]}, not a layer's name")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{CLASS_NAMES} is {repr(names)[:40]}, not a list of texts")


def find(
    model: str,
    calls: Sequence[graph.Call],
    *,
    stated: str | None = None,
    class_names: Sequence[str] | None = None,
) -> dict[Head, Any]:
    """The heads of a network.

    Args:
        model: its name, for messages.
        calls: of its layers, each after those that it depends on.
        stated: the layer that is the head, if that is known; else each output that gives scores, or
            comes of weights, else the last Dense layer.
        class_names: of the only head.

    Returns:
        Each head with its logits, a symbolic tensor `[batch, classes]`.

    Raises:
        ValueError: if what is stated is no head, or has another number of classes.
    """
    readers = graph.readers(calls)
    if stated is None:
        found = [_logits(call, calls) for call in calls if not readers[call.name]]
        found = [item for item in found if item] or _last_dense(calls, readers)
    else:
        found = [_stated(model, stated, calls, readers)]
    if class_names is not None and len(found) != 1:
        which = ", ".join(item.name for item in found)
        raise ValueError(
            f"{CLASS_NAMES} of {model}, which has {f'the heads {which}' if which else 'no head'}; "
            f"name one layer of [batch, classes] with {HEAD}="
        )
    return {
        named(model, item.name, item.tensor.shape, item.activation, class_names): item.tensor
        for item in found
    }


def named(
    model: str,
    name: str,
    shape: Sequence[int | None],
    activation: str,
    class_names: Sequence[str] | None,
) -> Head:
    """A head of logits of a shape, `[batch, classes]`; classes are numbered if they have no names.

    Raises:
        ValueError: if the shape is another, or there is not one name for each class.
    """
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(
            f"{HEAD} {name!r} of {model} gives {list(shape)}; expected a number for each class, "
            "[batch, classes]"
        )
    numbers = map(str, range(shape[1]))
    names = tuple(numbers if class_names is None else class_names)
    if len(names) != shape[1]:
        raise ValueError(
            f"{len(names)} {CLASS_NAMES} for the {shape[1]} classes of the head {name!r} of "
            f"{model}; state one for each, in the order of the logits"
        )
    return Head(name, names, activation)


def _stated(model: str, stated: str, calls: Sequence[graph.Call], readers: Mapping) -> _Logits:
    """The head that is named, by the layer of its logits or of its scores."""
    chosen = [call for call in calls if call.name == stated]
    if not chosen:
        names = " ".join(call.name for call in calls if _gives_classes(call))
        raise ValueError(
            f"{model} has no layer {stated!r} to be its {HEAD}; those of [batch, classes] are: "
            f"{names or 'none'}"
        )
    found = _logits(call := chosen[0], calls, is_stated=True)
    if found is None:
        shape = list(call.outputs[0].shape)
        named(model, stated, shape, _LINEAR, None)
        raise ValueError(
            f"{HEAD} {stated!r} of {model} gives scores whose logits cannot be told from them; "
            "name a layer before its softmax or sigmoid"
        )
    activation = found.activation if found.activation != _LINEAR else _behind(call, readers)
    return dataclasses.replace(found, name=stated, activation=activation)


def _logits(call: graph.Call, calls: Sequence[graph.Call], *, is_stated=False) -> _Logits | None:
    """What lies behind the scores that a call gives; None if it gives none, or no logits."""
    if not _gives_classes(call):
        return None
    num_classes = call.outputs[0].shape[1]
    makers = {id(tensor): maker for maker in calls for tensor in maker.outputs}
    activation, maker, tensor = _LINEAR, call, call.outputs[0]
    while maker is not None and (_score(maker.layer) or isinstance(maker.layer, _SAME_NUMBERS)):
        if activation != _LINEAR and _score(maker.layer):
            break  # softmax of a sigmoid: those are what it takes for logits
        activation = _score(maker.layer) or activation
        tensor = maker.inputs[0]
        maker = makers.get(id(tensor))
    name = maker.name if maker else call.name
    fused = _activation(maker.layer) if maker else _LINEAR
    if activation == _LINEAR and fused in _SCORES:
        if maker is None or not isinstance(maker.layer, _WITH_ACTIVATION):
            return None
        activation, tensor = fused, _without_activation(maker, calls)
    if activation == _LINEAR:  # no scores: these are the logits, if anything is
        is_learned = maker is not None and getattr(maker.layer, "weights", ())
        if not is_stated and (not is_learned or fused != _LINEAR):
            return None
        tensor = tensor if len(tensor.shape) == 2 else call.outputs[0]
    if len(tensor.shape) > 2:
        if None in tensor.shape[1:] or math.prod(tensor.shape[1:]) != tensor.shape[-1]:
            return None
        tensor = keras.layers.Reshape((num_classes,), name=_free(f"{name}_flat", calls))(tensor)
    return _Logits(name, tensor, activation)


def _last_dense(calls: Sequence[graph.Call], readers: Mapping) -> list[_Logits]:
    """The last Dense layer, whatever is made of its values, as long as that is no picture."""
    for call in reversed(calls):
        is_dense = isinstance(call.layer, keras.layers.Dense)
        if is_dense and all(len(shape) <= 2 for shape in _shapes_behind(call, readers)):
            found = _logits(call, calls)
            return [found] if found else []
    return []


def _gives_classes(call: graph.Call) -> bool:
    tensor = call.outputs[0]
    is_float = "float" in keras.backend.standardize_dtype(tensor.dtype)
    shape = tensor.shape
    return len(call.outputs) == 1 and is_float and len(shape) == 2 and shape[1] is not None


def _score(layer: Any) -> str:
    """What a layer makes of logits, if it does nothing else; empty if it does."""
    if isinstance(layer, keras.layers.Activation):
        name = _activation(layer)
        return name if name in _SCORES else ""
    return _SCORE_LAYERS.get(type(layer).__name__, "")


def _activation(layer: Any) -> str:
    """The activation inside of a layer."""
    activation = getattr(layer, "activation", None)
    if activation is None:
        return _LINEAR
    name = getattr(activation, "__name__", type(activation).__name__)
    return _SCORE_LAYERS.get(name, name)


def _without_activation(call: graph.Call, calls: Sequence[graph.Call]) -> Any:
    name = _free(f"{graph.scope_name(call.name)}_logits", calls)
    layer = graph.twin(call.layer, name=name, activation=keras.activations.linear)
    return layer(call.inputs[0])


def _free(name: str, calls: Iterable[graph.Call]) -> str:
    taken = {call.layer.name for call in calls}
    while name in taken:
        name += "_"
    return name


def _behind(call: graph.Call, readers: Mapping[str, list[graph.Call]]) -> str:
    """What makes scores of the values of a call."""
    for reader in readers[call.name]:
        if score := _score(reader.layer):
            return score
        if isinstance(reader.layer, _SAME_NUMBERS):
            return _behind(reader, readers)
    return _LINEAR


def _shapes_behind(call: graph.Call, readers: Mapping[str, list[graph.Call]]) -> set[tuple]:
    """The shapes of all that is computed of a call."""
    behind = {call.name: call}
    for name in (waiting := [call.name]):
        new = {reader.name: reader for reader in readers[name] if reader.name not in behind}
        behind |= new
        waiting += new
    return {tuple(tensor.shape) for item in behind.values() for tensor in item.outputs}
