"""Your own Keras model as a target: what is tapped, and behind which front end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from vggish_inversion import features
from vggish_inversion.targets import fingerprint, graph, untrained
from vggish_inversion.targets.own import heads, network_input, stated_front_end, waveform_model
from vggish_inversion.targets.taps import Tap

# What these give is what they got, moved or scaled: to tap them as well would measure it twice.
_SAME_VALUES = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.Permute,
    keras.layers.Rescaling,
    keras.layers.Reshape,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
)
# Poolings also pass on what their input came out of.
_PASS_ON = (
    *_SAME_VALUES,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
)
_ACTIVATIONS = {
    keras.layers.ELU: "elu",
    keras.layers.LeakyReLU: "leaky_relu",
    keras.layers.PReLU: "prelu",
    keras.layers.Softmax: "softmax",
}


def parts(
    model: keras.Model,
    *,
    taps: Sequence[str] | None = None,
    front_end: features.FrontEnd | Mapping[str, Any] | None = None,
    log_mel_layer: str | None = None,
    axes: str | None = None,
    head: str | None = None,
    class_names: Sequence[str] | None = None,
    name: str | None = None,
    untrained_seed: int | None = None,
) -> dict[str, Any]:
    """What `encoder.TargetEncoder` is built of, by name; see its `from_keras`.

    With `untrained_seed` the weights that it taps are drawn at random in place of the model's own.
    """
    whole = graph.as_functional(model)
    what, start = whole.name, whole.inputs[0]
    advice = "name the layer whose output is the log-mel with log_mel_layer="
    if log_mel_layer:
        what, start = f"{what}/{log_mel_layer}", waveform_model.find_log_mel(whole, log_mel_layer)
        advice = "name a layer that yields log-mel"
        network_input.check_patches(what, start.shape, advice)
    front_end, sources = stated_front_end.resolve(
        name or what, start.shape, front_end, axes=axes, advice=advice
    )
    if log_mel_layer:
        waveform_model.check_log_mel(whole, start, front_end, axes=axes)
    taken, entered = stated_front_end.enter(front_end, start.shape, axes)
    calls = graph.replay(whole, start, entered)
    chosen = _choose(whole.name, calls, taps)
    # Named after all calls: a pool's activation is that of a layer which may not be tapped.
    activations = _activations(calls)
    outputs = {call.name: call.outputs[0] for call in chosen}
    if axes == network_input.BANDS_FRAMES:
        swapped = graph.swapped_axes(calls)
        outputs = {
            tap: tensor
            if len(tensor.shape) < 4 or id(tensor) in swapped
            else network_input.frames_first(tensor, tap)
            for tap, tensor in outputs.items()
        }
    frozen = keras.Model(taken, outputs, name="custom_target")
    if untrained_seed is not None:
        untrained.assign(frozen, untrained_seed)
    return {
        "name": name or model.name,
        "model": frozen,
        "taps": tuple(
            Tap(tap, tuple(tensor.shape[1:]), activations[tap]) for tap, tensor in outputs.items()
        ),
        "heads": heads.find(whole.name, calls, stated=head, class_names=class_names),
        "front_end": front_end,
        "front_end_sources": sources,
        "axes": axes,
        "fingerprint": fingerprint.of_network(whole, front_end, start=start, axes=axes),
        "weights_fingerprint": lambda: fingerprint.of_weights(model),
    }


def _choose(model: str, calls: list[graph.Call], taps: Sequence[str] | None) -> list[graph.Call]:
    """The calls that are tapped, in the order of the network."""
    for call in calls:
        if getattr(call.layer, "data_format", None) == "channels_first":
            raise ValueError(
                f"layer {call.name} of {model} keeps channels first; expected channels_last: "
                "build the model anew with data_format='channels_last'"
            )
    usable = [call for call in calls if _is_usable(call)]
    if taps is None:
        usable = [call for call in usable if isinstance(call.layer, keras.layers.Layer)]
        chosen = [call for call in usable if not isinstance(call.layer, _SAME_VALUES)]
    else:
        taps = [taps] if isinstance(taps, str) else taps
        for tap in taps:
            _check_named(model, tap, calls, usable)
        chosen = [call for call in usable if call.name in taps]
    if not chosen:
        raise ValueError(f"{model} has no layer whose output can be inverted")
    return chosen


def _check_named(
    model: str, tap: str, calls: Iterable[graph.Call], usable: Iterable[graph.Call]
) -> None:
    if tap in {call.name for call in usable}:
        return
    found = [tensor.shape for call in calls if call.name == tap for tensor in call.outputs]
    if found:
        shapes = ", ".join(str(list(shape)) for shape in found)
        raise ValueError(
            f"layer {tap!r} of {model} gives {shapes}; expected one float tensor of one to three "
            "axes beside the batch, all of known length"
        )
    names = " ".join(call.name for call in usable)
    raise ValueError(f"{model} has no layer {tap!r}; its layers are: {names}")


def _is_usable(call: graph.Call) -> bool:
    tensor = call.outputs[0]
    shape = tensor.shape[1:]
    return (
        len(call.outputs) == 1
        and "float" in keras.backend.standardize_dtype(tensor.dtype)
        and 1 <= len(shape) <= 3
        and None not in shape
    )


def _activations(calls: list[graph.Call]) -> dict[str, str]:
    """The last operation that changed the values at each call."""
    behind: dict[int, str] = {}
    found = {}
    for call in calls:
        before = behind.get(id(call.inputs[0]), "linear")
        found[call.name] = _activation(call.layer, before)
        behind.update({id(tensor): found[call.name] for tensor in call.outputs})
    return found


def _activation(layer: Any, before: str) -> str:
    if isinstance(layer, _PASS_ON):
        return before
    if isinstance(layer, keras.layers.ReLU):
        maximum = layer.max_value
        return "relu" if maximum is None else f"relu{maximum:g}"
    if type(layer) in _ACTIVATIONS:
        return _ACTIVATIONS[type(layer)]
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", type(activation).__name__) if activation else "linear"
