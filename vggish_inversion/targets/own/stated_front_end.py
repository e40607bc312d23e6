"""Which front end your own network has: what is stated, what its input's shape says, and the rest.

`network_input` has the networks that take the log-mel of `features.LogMelParams`; here are those
that take anything else, and the layer that makes it of the samples that a target hears.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from vggish_inversion import features
from vggish_inversion.targets.own import network_input

FRONT_END = "front_end"  # of JSON settings
_PARAMS = {field.name for field in dataclasses.fields(features.LogMelParams)}

Stated = features.FrontEnd | Mapping[str, Any] | None


def is_waveform(shape: Sequence[int | None]) -> bool:
    """Whether an input is of waveforms: `[samples]`, `[batch, samples]`, `[batch, samples, 1]`."""
    return len(shape) < 3 or (len(shape) == 3 and shape[2] == 1)


def takes_params(shape: Sequence[int | None], stated: Stated) -> bool:
    """Whether what is stated, of such an input, is the log-mel of `LogMelParams`."""
    if isinstance(stated, features.LogMelParams):
        return True
    if stated is None or not isinstance(stated, Mapping):
        return stated is None and not is_waveform(shape)
    return not is_waveform(shape) and stated.keys() <= _PARAMS


def settle(
    shape: Sequence[int | None], stated: Stated, *, axes: str | None = None
) -> tuple[features.FrontEnd, dict[str, str]]:
    """The front end of a network that takes such an input, and where each setting is known from.

    Args:
        shape: of the input, `[batch, ...]`.
        stated: a front end, or the fields of one as JSON has them; `front_end` names its kind,
            which is "waveform" of waveforms and "log_mel" of two axes if it is left out.
        axes: of patches of two axes.

    Returns:
        The front end: `LogMelParams` where it is the log-mel that vocoders read; and for each of
            its fields "stated", "of the input's shape" or "assumed".

    Raises:
        ValueError: if what is stated is no front end, or contradicts the shape.
    """
    stated = stated or {}
    if isinstance(stated, Mapping):
        usual = "waveform" if is_waveform(shape) else "log_mel"
        front_end = features.described({FRONT_END: usual, **stated})
        named = {name for name in stated if name != FRONT_END}
    else:
        front_end = stated
        fields = dataclasses.fields(front_end)
        named = {item.name for item in fields if getattr(front_end, item.name) != item.default}
    sources = dict.fromkeys(
        (item.name for item in dataclasses.fields(front_end)), network_input.ASSUMED_DEFAULT
    ) | dict.fromkeys(named, network_input.STATED)
    for name, length in _lengths(front_end, shape, axes).items():
        if length is None:
            continue
        if name in named and getattr(front_end, name) != length:
            raise ValueError(
                f"the network takes {name} = {length}, its front end is stated with "
                f"{getattr(front_end, name)}; leave it out, or correct it"
            )
        if name not in named:
            front_end = _with(front_end, name, length)
            sources[name] = network_input.OF_SHAPE
    made, taken = front_end.shape, _taken(shape, axes)
    if any(length not in (None, own) for length, own in zip(taken, made, strict=True)):
        raise ValueError(
            f"its front end makes {list(made)} of {front_end.windows.patch_samples} samples, where "
            f"the network takes {list(taken)}; state patch_samples, hop_samples and bands as they "
            "were"
        )
    if isinstance(front_end, features.LogMel) and (params := front_end.as_params()):
        return params, network_input.sources(taken, params)
    return front_end, sources


def resolve(
    name: str, shape: Sequence[int | None], stated: Stated, *, axes: str | None, advice: str = ""
) -> tuple[features.FrontEnd, dict[str, str]]:
    """The front end of any network; see `settle` and `network_input.complete`.

    Args:
        name: of the network, for messages.
        shape: of its input, `[batch, ...]`; `[samples]` of a function of one waveform.
        stated: what is known of it.
        axes: of patches of two axes.
        advice: what to do where the input must be of log-mel patches and is not.

    Raises:
        ValueError: if there is none that fits.
    """
    network_input.check_axes(axes)
    if not takes_params(shape, stated):
        if not is_waveform(shape):
            network_input.check_patches(name, shape, advice)
            network_input.frames_and_bands(name, shape, axes)  # which warns of bands x frames
        return settle(shape, stated, axes=axes)
    network_input.check_patches(name, shape, advice)
    known: Any = stated
    lengths = network_input.frames_and_bands(name, shape, axes)
    return network_input.complete(lengths, known), network_input.sources(lengths, known)


def enter(
    front_end: features.FrontEnd, shape: Sequence[int | None], axes: str | None
) -> tuple[Any, Any]:
    """What a target is given, a `keras.Input`, and the tensor of it that its network takes."""
    if isinstance(front_end, features.LogMelParams):
        size = (front_end.patch_frames, front_end.num_bands)
        patches = keras.Input(size, name="log_mel_patches")
        return patches, network_input.as_input(patches, shape, axes)
    waveform = keras.Input(front_end.windows.window_shape(), name="target_waveform")
    made = FrontEndLayer(front_end)(waveform)
    if not isinstance(front_end, features.Waveform):
        return waveform, network_input.as_input(made, shape, axes)
    if len(shape) == 3:
        made = keras.layers.Reshape((*made.shape[1:], 1), name="target_waveform_channel")(made)
    return waveform, made


@keras.saving.register_keras_serializable("vggish_inversion")
class FrontEndLayer(keras.layers.Layer):
    """`[batch, samples]` -> what a network takes, in float32 whatever the network computes in."""

    def __init__(self, front_end: Any, name: str = "target_front_end", **kwargs: Any):
        """Keeps the front end.

        Args:
            front_end: a `LogMel`, `LogSpectrogram` or `Waveform`, or what `features.describe` gives
                of one.
            name: of the layer.
            kwargs: of `keras.layers.Layer`; it is float32 and not trained in any case.
        """
        super().__init__(name=name, **{**kwargs, "trainable": False, "dtype": "float32"})
        if not dataclasses.is_dataclass(front_end):
            front_end = features.described(front_end)
        self.front_end = front_end

    def call(self, waveform):
        """What the network is given for each window."""
        return self.front_end(waveform)

    def compute_output_shape(self, input_shape):
        """`(batch, frames, bands)`, or `(batch, samples)`."""
        return (input_shape[0], *self.front_end.shape)

    def get_config(self) -> dict[str, Any]:
        """The settings, as JSON has them."""
        return {**super().get_config(), "front_end": features.describe(self.front_end)}


def _taken(shape: Sequence[int | None], axes: str | None) -> tuple[int | None, ...]:
    """Samples, or frames and bands, of an input."""
    if is_waveform(shape):
        return (shape[min(1, len(shape) - 1)],)
    first, second = shape[1:3]
    return (second, first) if axes == network_input.BANDS_FRAMES else (first, second)


def _lengths(front_end, shape, axes) -> dict[str, int | None]:
    """The settings that an input's shape says."""
    if isinstance(front_end, features.Waveform) != is_waveform(shape):
        raise ValueError(
            f"the network takes {list(shape)}; its front end is stated as {front_end.kind}: "
            'expected "waveform" of [batch, samples] and "log_mel" or "log_spectrogram" of '
            "[batch, frames, bands]"
        )
    taken = _taken(shape, axes)
    if isinstance(front_end, features.Waveform):
        return {"patch_samples": taken[0]}
    bands = "num_bands" if isinstance(front_end, features.LogMel) else "num_bins"
    frames = taken[0] if front_end.patch_samples is None else None
    return {"patch_frames": frames, bands: taken[1]}


def _with(front_end, name: str, value: int):
    return dataclasses.replace(front_end, **{name: value})
