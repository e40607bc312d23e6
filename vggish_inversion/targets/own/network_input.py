"""What a network that this project did not make takes: which log-mel, in which shape."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from absl import logging

from vggish_inversion import features
from vggish_inversion.files import documents, hub
from vggish_inversion.targets import graph
from vggish_inversion.targets.own import heads

LOG_MEL_LAYER = "log_mel_layer"
AXES = "axes"
FRAMES_BANDS, BANDS_FRAMES = "frames,bands", "bands,frames"  # of a patch as the network takes it
SAVE_PATCHES = "export a function of log-mel patches [batch, frames, bands]"

# Bands that people choose; a first axis of so many, and a second no shorter, may be librosa's.
_USUAL_BANDS = (40, 64, 80, 96, 128)

ASSUMED_DEFAULT = "assumed, the default"
STATED, OF_SHAPE, ASSUMED = "stated", "of the input's shape", "assumed, as VGGish's"

_TOO_LARGE = 1e9  # for Hz, frames, bands or seconds alike

_DEFAULTS = dataclasses.asdict(features.LogMelParams())


def find_settings(source: pathlib.Path) -> pathlib.Path | None:
    """The JSON file that states the front end of a model file or SavedModel folder.

    It is NAME.json beside NAME.keras (or beside the folder NAME), else log_mel.json beside the file
    (or in the folder).
    """
    folder = source if source.is_dir() else source.parent
    stem = source.name if source.is_dir() else source.stem
    for path in (source.parent / f"{stem}.json", folder / "log_mel.json"):
        if path.is_file():
            return path
    return None


def read_settings(path: pathlib.Path) -> dict[str, Any]:
    """Fields of `LogMelParams`, maybe `log_mel_layer`, `axes`, `head`, `class_names`: of JSON.

    Raises:
        hub.WeightsError: if the file is not JSON of known fields.
    """
    try:
        settings = documents.read_json(path)
        layer = settings.get(LOG_MEL_LAYER, "")
        if not isinstance(layer, str):
            raise ValueError(f"{LOG_MEL_LAYER} is {repr(layer)[:40]}, not a layer's name")
        check_axes(settings.get(AXES))
        heads.check_settings(settings)
        others = (LOG_MEL_LAYER, AXES, heads.HEAD, heads.CLASS_NAMES)
        fields = {name: settings[name] for name in settings if name not in others}
        if fields.keys() & features.SETTINGS:  # of a front end that is not of LogMelParams
            features.described({"front_end": _kind_of(fields), **fields})
        else:
            check_fields(fields)
    except ValueError as error:
        raise hub.WeightsError(
            f"{path}: expected a JSON object of the model's front end ({error}); mend it, "
            "or name it otherwise if it is something else"
        ) from error
    return settings


def _kind_of(fields: Mapping[str, Any]) -> str:
    """The kind of front end that settings are of where they do not say it."""
    kinds = features.KINDS.items()
    fitting = [name for name, kind in kinds if fields.keys() <= set(kind.__dataclass_fields__)]
    return (fitting or ["log_mel"])[0]


def check_fields(settings: Mapping[str, Any]) -> None:
    """Makes sure that settings are fields of `LogMelParams`, of their types.

    Raises:
        ValueError: if one is not, or is not positive.
    """
    unknown = sorted(settings.keys() - _DEFAULTS.keys())
    if unknown:
        raise ValueError(
            f"unknown: {', '.join(unknown)[:200]}; the log-mel settings are: {', '.join(_DEFAULTS)}"
        )
    for name, value in settings.items():
        kinds = int if isinstance(_DEFAULTS[name], int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            kind = "a whole number" if kinds is int else "a number"
            raise ValueError(f"{name} is {repr(value)[:40]}, not {kind}")
        if not 0 < value < _TOO_LARGE:
            raise ValueError(f"{name} is {str(value)[:40]}, not above 0 and below {_TOO_LARGE:g}")


def check_axes(axes: Any) -> None:
    """Makes sure that axes are None or in one of the two orders.

    Raises:
        ValueError: if they are not.
    """
    if axes not in (None, FRAMES_BANDS, BANDS_FRAMES):
        raise ValueError(
            f"{AXES} is {repr(axes)[:40]}, neither {FRAMES_BANDS!r} nor {BANDS_FRAMES!r}"
        )


def frames_and_bands(
    name: str, shape: Sequence[int | None], axes: str | None
) -> tuple[int | None, int | None]:
    """Frames and bands of an input `[batch, frames, bands]`, or the other way round.

    Where the order is not stated it is frames x bands, and a warning says so if the shape suggests
    that it may be the other.
    """
    first, second = shape[1:3]
    if axes == BANDS_FRAMES:
        return second, first
    if axes is None and first in _USUAL_BANDS and (second is None or second >= first):
        logging.warning(
            "%s takes %s, read as %s frames x %s bands; if it is bands x frames, as librosa gives "
            'them, state {"axes": "bands,frames"} in its JSON settings, or axes= in Python '
            '("frames,bands" if not)',
            name,
            [*shape],
            first,
            "any" if second is None else second,
        )
    return first, second


def sources(
    shape: Sequence[int | None], stated: features.LogMelParams | Mapping[str, Any] | None
) -> dict[str, str]:
    """Where each setting of a front end that `complete` gives comes from."""
    named = _DEFAULTS if isinstance(stated, features.LogMelParams) else stated or {}
    found = dict.fromkeys(_DEFAULTS, ASSUMED) | dict.fromkeys(named, STATED)
    for name, length in zip(("patch_frames", "num_bands"), shape, strict=False):
        if length is not None and found[name] == ASSUMED:
            found[name] = OF_SHAPE
    if found["patch_hop_frames"] == ASSUMED:
        found["patch_hop_frames"] = "assumed, side by side"
    return found


def complete(
    shape: Sequence[int | None], stated: features.LogMelParams | Mapping[str, Any] | None
) -> features.LogMelParams:
    """The front end of a network that takes patches of a shape.

    Args:
        shape: `(frames, bands)` or `(frames, bands, channels)`; None where the network takes any.
        stated: what is known of the front end. Of a `LogMelParams`, the values that differ from
            VGGish's are taken as stated; of a mapping, all.

    Returns:
        What is stated, else the shape's frames and bands, else VGGish's settings. Patches lie side
        by side unless `patch_hop_frames` is stated.

    Raises:
        ValueError: if what is stated is not of `LogMelParams`, contradicts the shape, or is a sound
            that this package does not make.
    """
    if isinstance(stated, features.LogMelParams):
        values = dataclasses.asdict(stated)
        settings = {name: value for name, value in values.items() if value != _DEFAULTS[name]}
    else:
        settings = dict(stated or {})
    check_fields(settings)
    for name, length in zip(("patch_frames", "num_bands"), shape, strict=False):
        if length is not None and settings.setdefault(name, length) != length:
            raise ValueError(
                f"the network takes {name} = {length}, the log-mel settings say {settings[name]}; "
                "leave it out, or correct it"
            )
    settings.setdefault("patch_hop_frames", settings.get("patch_frames", _DEFAULTS["patch_frames"]))
    params = features.LogMelParams(**settings)
    if not params.low_hz < params.high_hz <= params.sample_rate_hz / 2:
        raise ValueError(
            f"bands from {params.low_hz:g} to {params.high_hz:g} Hz; expected low_hz below "
            f"high_hz, and that at most half of sample_rate_hz, {params.sample_rate_hz / 2:g}"
        )
    if not 1 <= params.hop_samples <= params.window_samples:
        raise ValueError(
            f"windows of {params.window_samples} samples every {params.hop_samples}; expected a "
            "hop of one sample to a window's length, or sound between windows is not seen"
        )
    if params.patch_hop_frames > params.patch_frames:
        raise ValueError(
            f"patches of {params.patch_frames} frames every {params.patch_hop_frames} leave gaps; "
            "expected patch_hop_frames of at most patch_frames"
        )
    return params


def as_input(patches, shape: Sequence[int | None], axes: str | None = None):
    """Patches in the order of axes, and with the channels, if any, that a network takes.

    Args:
        patches: `[batch, frames, bands]`.
        shape: of the network's input; channels are one, or three alike.
        axes: their order there, frames x bands if None.
    """
    if axes == BANDS_FRAMES:
        patches = keras.layers.Permute((2, 1), name="log_mel_axes")(patches)
    if len(shape) == 3:
        return patches
    channels = shape[3] or 1
    image = keras.layers.Reshape((*patches.shape[1:], 1), name="log_mel_image")(patches)
    if channels == 1:
        return image
    return keras.layers.Concatenate(name="log_mel_channels")([image] * channels)


def frames_first(activations, tap: str):
    """`[batch, bands, frames, channels]` -> `[batch, frames, bands, channels]`, as taps are."""
    name = f"{graph.scope_name(tap)}_frames_first"  # Keras' own may be a layer's of the network
    return keras.layers.Permute((2, 1, 3), dtype=activations.dtype, name=name)(activations)


def check_patches(name: str, shape: Sequence[int | None], advice: str) -> None:
    """Makes sure that an input is of log-mel patches.

    Raises:
        ValueError: if it is not; it ends with the advice where it seems to be of waveforms.
    """
    axes = tuple(shape[1:])
    if len(axes) == 2 and axes[1] != 1 or len(axes) == 3 and axes[2] in (1, 3):
        return
    is_waveform = len(axes) == 1 or (len(axes) == 2 and axes[1] == 1)
    text = f"{name} is given {list(shape)}" + (", waveforms as it seems" if is_waveform else "")
    text += "; expected log-mel patches [batch, frames, bands], or these with a last axis of 1 or 3"
    raise ValueError(f"{text} channels{f': {advice}' if is_waveform else ''}")
