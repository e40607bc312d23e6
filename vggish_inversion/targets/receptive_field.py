"""Computes how much of a patch one value at a tap sees, from the network's structure alone.

The arithmetic of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks" (Distill, 2019), along frames and bands apart. A layer that is not known here, or that
mixes all places, sees the whole patch: a field is never stated too small.
"""

import dataclasses
import math
from typing import Any

import keras

from vggish_inversion.targets import encoder, graph
from vggish_inversion.targets.own import stated_front_end

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
_POOLS = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
)
_SHIFTS = (
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
)
_POINTWISE = (
    keras.layers.Activation,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
)
_MERGES = (
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.Subtract,
)
# Of keras.ops, whose classes have no public names: `x + y` in a functional model.
_OPERATIONS = ("Add", "Multiply", "Relu", "Subtract")
_LAST_AXIS = (keras.layers.Dense, keras.layers.LayerNormalization, keras.layers.Softmax)


@dataclasses.dataclass(frozen=True)
class Span:
    """What the values of a tap see along one axis: value `i` sees `[start + i * step, ... + size)`.

    Attributes:
        size: in frames (or bands) of the patch, or in samples of networks that take waveforms.
        step: between neighbouring values.
        start: of the first value; negative where padding is seen.
    """

    size: int = 1
    step: int = 1
    start: int = 0


# Of frames and of bands; None where all of the patch is seen.
Field = tuple[Span | None, Span | None]
_WHOLE: Field = (None, None)


def receptive_fields(target: encoder.TargetEncoder) -> dict[str, Field]:
    """The receptive field of a value at each tap.

    Returns:
        Tap name -> spans along frames and along bands; None where the whole patch is seen, or must
        be assumed to be.
    """
    fields: dict[int, Field] = {id(tensor): (Span(), Span()) for tensor in target.model.inputs}
    for call in graph.calls(target.model):
        inputs = [fields.get(id(tensor), _WHOLE) for tensor in call.inputs]
        field = _WHOLE if all(seen == _WHOLE for seen in inputs) else _after(call, inputs)
        fields.update({id(tensor): field for tensor in call.outputs})
    outputs = {tap.name: target.model.output[tap.name] for tap in target.taps}
    # Of a network of bands x frames, taps without channels lie as they are in it.
    swapped = graph.swapped_axes(graph.calls(target.model))
    return {
        name: _swap(fields[id(tensor)]) if id(tensor) in swapped else fields[id(tensor)]
        for name, tensor in outputs.items()
    }


def _after(call: graph.Call, inputs: list[Field]) -> Field:
    """The field behind a call; exact types, for a subclass may do something else."""
    layer, kind = call.layer, type(call.layer)
    shape, rank = call.inputs[0].shape, len(call.inputs[0].shape)
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return _WHOLE
    if kind is stated_front_end.FrontEndLayer:
        # Counted in what the network takes; a level of the whole window is seen from everywhere.
        return _WHOLE if layer.front_end.sees_whole_window else (Span(), Span())
    if kind in _POINTWISE:
        return inputs[0]
    if kind in _CONVOLUTIONS or kind in _POOLS:
        return _slide(layer, inputs[0], shape)
    if kind in _SHIFTS:
        return _shift(layer, inputs[0])
    if kind in _MERGES:
        return _merge(inputs)
    if kind in (keras.layers.Concatenate, *_LAST_AXIS):
        if getattr(layer, "axis", -1) not in (-1, [-1], rank - 1, [rank - 1]):
            return _WHOLE
        frames, bands = _merge(inputs)
        return (frames, bands if rank == 4 else None)  # of three axes, the last is the bands
    if graph.is_swap(layer):
        return _swap(inputs[0])
    if kind is keras.layers.Reshape:
        return _reshape(inputs[0], shape[1:], call.outputs[0].shape[1:])
    if not isinstance(layer, keras.layers.Layer) and kind.__name__ in _OPERATIONS:
        return _merge(inputs)
    return _WHOLE


def _swap(field: Field) -> Field:
    return (field[1], field[0])


def _slide(layer: Any, field: Field, shape) -> Field:
    """A window that moves along frames, or frames and bands."""
    sizes = getattr(layer, "kernel_size", None) or layer.pool_size
    dilations = getattr(layer, "dilation_rate", (1,) * len(sizes))
    windows = [
        _slide_along(span, length, dilation * (size - 1) + 1, stride, layer.padding)
        for span, length, size, stride, dilation in zip(
            field, shape[1:], sizes, layer.strides, dilations, strict=False
        )
    ]
    if len(windows) == 1:  # along frames alone; only a convolution mixes what lies across
        windows.append(field[1] if type(layer) in _POOLS else None)
    return (windows[0], windows[1])


def _slide_along(span: Span | None, length: int, size: int, stride: int, padding: str):
    if span is None:
        return None
    before = 0
    if padding == "same":  # as TensorFlow pads: the odd one behind
        before = max((math.ceil(length / stride) - 1) * stride + size - length, 0) // 2
    elif padding == "causal":
        before = size - 1
    return Span(
        span.size + (size - 1) * span.step, span.step * stride, span.start - before * span.step
    )


def _shift(layer: Any, field: Field) -> Field:
    """Padding moves the first value back, cropping moves it on."""
    is_crop = hasattr(layer, "cropping")
    amounts = layer.cropping if is_crop else layer.padding
    amounts = amounts if isinstance(amounts[0], (tuple, list)) else (amounts, (0, 0))
    spans = [
        span
        and dataclasses.replace(
            span, start=span.start + (before if is_crop else -before) * span.step
        )
        for span, (before, _) in zip(field, amounts, strict=True)
    ]
    return (spans[0], spans[1])


def _merge(fields: list[Field]) -> Field:
    frames, bands = (_merge_along(list(spans)) for spans in zip(*fields, strict=True))
    return (frames, bands)


def _merge_along(spans: list[Span | None]) -> Span | None:
    known = [span for span in spans if span is not None]
    if len(known) < len(spans) or len({span.step for span in known}) > 1:
        return None
    start = min(span.start for span in known)
    return Span(max(span.start + span.size for span in known) - start, known[0].step, start)


def _reshape(field: Field, before, after) -> Field:
    """Axes that keep their place keep their field: a channel axis may come and go."""
    if len(after) < 2 or before[0] != after[0]:
        return _WHOLE
    return (field[0], field[1] if before[1:2] == after[1:2] else None)
