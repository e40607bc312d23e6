"""The graph of a functional Keras model: the calls of its layers, and the same on a new input.

Keras offers layers to the public and keeps the calls that join them to itself; what this package
reads of them (`_nodes_by_depth`) is read here alone.
"""

import collections
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from vggish_inversion.files import keras_files

keras_files.set_keras_defaults()


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer.

    Attributes:
        name: the layer's; the second call of a shared layer is `NAME.1`, and so on.
        layer: a `keras.layers.Layer`, or an operation of keras.ops.
        inputs: symbolic tensors.
        outputs: symbolic tensors.
    """

    name: str
    layer: Any
    inputs: tuple
    outputs: tuple


def as_functional(model: Any) -> keras.Model:
    """The same layers and tensors as a plain functional model.

    Raises:
        ValueError: if the model has no graph, or not one single input.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"expected a Keras 3 model, got {type(model).__name__}: pass keras.Model")
    try:
        inputs, outputs = model.inputs, model.outputs
    except AttributeError:
        inputs = outputs = None
    if not inputs or not outputs:
        raise ValueError(
            f"{model.name} has no graph of layers to tap; expected a functional model, or a "
            "Sequential that begins with keras.Input: rebuild it from keras.Input, or export a "
            "SavedModel whose function returns a dict of activations"
        )
    if len(inputs) != 1:
        names = ", ".join(tensor.name for tensor in inputs)
        raise ValueError(f"{model.name} has the inputs {names}; expected a model of one input")
    return keras.Model(inputs, outputs, name=model.name)


def calls(model: keras.Model) -> list[Call]:
    """The calls of a functional model's layers, each after those that it depends on."""
    return list(_named((node.operation, node.input_tensors, node.outputs) for node in nodes(model)))


def readers(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """The calls that take what each call gives, by its name."""
    takers = collections.defaultdict(list)
    calls = list(calls)
    for call in calls:
        for tensor in {id(tensor) for tensor in call.inputs}:
            takers[tensor].append(call)
    return {
        call.name: [taker for tensor in call.outputs for taker in takers[id(tensor)]]
        for call in calls
    }


def swapped_axes(calls: Iterable[Call]) -> set[int]:
    """The ids of tensors whose first two axes beside the batch change places on the way there."""
    swapped: set[int] = set()
    for call in calls:
        is_swapped = bool(call.inputs) and id(call.inputs[0]) in swapped
        if is_swapped != is_swap(call.layer):
            swapped.update(map(id, call.outputs))
    return swapped


def is_swap(layer: Any) -> bool:
    """Whether it lets the first two axes beside the batch change places, and no other."""
    if isinstance(layer, keras.layers.Permute):
        order = layer.dims
    else:  # keras.ops.transpose, which counts the batch
        order = tuple(getattr(layer, "axes", None) or ())[1:]
        if type(layer).__name__ != "Transpose":
            return False
    return tuple(order) in ((2, 1), (2, 1, 3))


def replay(model: keras.Model, start: Any, tensor: Any) -> list[Call]:
    """Calls the model's layers anew, on another tensor in the place of one of the model's own.

    Models inside the model are unfolded into their layers, unless a layer's name occurs twice.

    Args:
        model: functional; its layers are shared, not copied.
        start: a symbolic tensor of the model: its input, or where it is cut.
        tensor: what takes its place.

    Returns:
        The new calls of all layers that depend on `start` and on nothing beside it.
    """
    names = collections.Counter(_layer_names(model))
    unfold = all(count == 1 for count in names.values())
    safe = _SafeNames(set(names))
    return list(_named(_replay(model, start, {id(start): tensor}, safe, unfold=unfold)))


def _replay(model, start, fresh: dict, safe: "_SafeNames", *, unfold: bool) -> Iterator[tuple]:
    for node in nodes(model):
        if any(tensor is start for tensor in node.outputs):
            continue
        if any(id(tensor) not in fresh for tensor in node.input_tensors):
            continue
        arguments, options = node.arguments.fill_in(fresh)
        if unfold and is_nested(node.operation):
            inner = as_functional(node.operation)
            inside = {id(inner.inputs[0]): arguments[0]}
            yield from _replay(inner, inner.inputs[0], inside, safe, unfold=True)
            outputs = [inside[id(tensor)] for tensor in inner.outputs]
        else:
            outputs = keras.tree.flatten(safe(node.operation)(*arguments, **options))
            inputs = [fresh[id(tensor)] for tensor in node.input_tensors]
            yield node.operation, inputs, outputs
        fresh.update(zip(map(id, node.outputs), outputs, strict=True))


class _SafeNames:
    """Layers under names that TensorFlow takes in its graphs; it refuses spaces, colons and CJK.

    What is called otherwise is called through a second object that shares its weights: the user's
    own keeps its name.
    """

    def __init__(self, taken: set[str]):
        self._taken = taken
        self._made: dict[int, Any] = {}

    def __call__(self, layer: Any) -> Any:
        name = getattr(layer, "name", "")
        if not isinstance(layer, keras.layers.Layer) or scope_name(name) == name:
            return layer
        if id(layer) not in self._made:
            self._made[id(layer)] = twin(layer, name=self._free(scope_name(name)))
        return self._made[id(layer)]

    def _free(self, name: str) -> str:
        numbers = itertools.count(2)
        free = name
        while free in self._taken:
            free = f"{name}_{next(numbers)}"
        self._taken.add(free)
        return free


def twin(layer: Any, **changed: Any) -> Any:
    """A second object of a layer that shares its weights, and differs in some attributes."""
    made = object.__new__(type(layer))
    made.__dict__.update(layer.__dict__)
    made.__dict__.update(changed, _inbound_nodes=[], _outbound_nodes=[])
    return made


def scope_name(text: str) -> str:
    """A name that TensorFlow takes in a graph; the text itself if it is one.

    >>> scope_name("block 1"), scope_name("conv1")
    ('block_1', 'conv1')
    """
    if re.fullmatch(r"[A-Za-z0-9_.>-]+", text):
        return text
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).strip("_.") or "layer"


def nodes(model: keras.Model) -> list:
    """The calls of a functional model as Keras keeps them, each after those that it depends on."""
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in model._nodes_by_depth[depth] if not node.is_input]


def is_nested(layer: Any) -> bool:
    """Whether a layer is a model that does nothing but call its layers, on one input."""
    # A subclass, of another module than Keras' own, may do more in its `call`.
    is_plain = isinstance(layer, keras.Model) and type(layer).__module__.startswith("keras.")
    return is_plain and len(getattr(layer, "inputs", None) or ()) == 1


def _layer_names(model) -> Iterator[str]:
    # A layer that is called twice is one layer, and its calls are told apart by number.
    for layer in {id(node.operation): node.operation for node in nodes(model)}.values():
        if is_nested(layer):
            yield from _layer_names(as_functional(layer))
        else:
            yield layer.name


def _named(found) -> Iterator[Call]:
    times = collections.Counter()
    for layer, inputs, outputs in found:
        name = f"{layer.name}.{times[layer.name]}" if times[layer.name] else layer.name
        times[layer.name] += 1
        yield Call(name, layer, tuple(inputs), tuple(outputs))
