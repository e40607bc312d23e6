"""Values of front ends' settings, as people state them."""

import dataclasses
from typing import Any

_MOST = 1e9  # for Hz, samples, bands or decibels alike

_WHOLE = {"sample_rate_hz", "fft_length", "window_samples", "hop_samples", "num_bins", "num_bands"}
_WHOLE |= {"patch_frames", "patch_samples"}
_OPTIONAL = {"window_samples", "hop_samples", "num_bins", "patch_frames", "patch_samples"}
_OPTIONAL |= {"high_hz", "top_db", "log", "mel_norm", "normalisation"}
_POSITIVE = {"power", "gain", "high_hz", "top_db"}
_NOT_NEGATIVE = {"low_hz", "offset", "minimum"}
_ONE_OF = {
    "padding": ("zeros", "reflect"),
    "log": ("natural", "log10", "db"),
    "normalisation": ("clip", "band", "min_max"),
    "mel_scale": ("slaney", "htk"),
    "mel_norm": ("slaney",),
    "straight_in": ("hertz", "mel"),
    "centred": (True, False),
}


def shown(front_end: Any) -> str:
    """What a front end is: its kind, and the settings that are not the default."""
    stated = [
        f"{field.name}={getattr(front_end, field.name)!r}"
        for field in dataclasses.fields(front_end)
        if getattr(front_end, field.name) != field.default
    ]
    return f"{type(front_end).__name__}({', '.join(stated)})"


def check(name: str, value: Any) -> None:
    """Makes sure that a setting has a value of its kind.

    Raises:
        ValueError: if it has not; it says which are.
    """
    shown = f"{name} is {repr(value)[:40]}"
    if value is None and name in _OPTIONAL:
        return
    if name in _ONE_OF:
        if isinstance(value, (str, bool)) and value in _ONE_OF[name]:
            return
        choices = [*_ONE_OF[name], *([None] if name in _OPTIONAL else [])]
        raise ValueError(f"{shown}; expected one of {', '.join(map(repr, choices))}")
    if name == "window":
        if isinstance(value, str):
            return
        raise ValueError(f"{shown}, not the name of a window such as 'hann'")
    if name == "reference" and value == "max":
        return
    per_band = name in ("mean", "deviation")
    for number in value if per_band and isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(
            number, int if name in _WHOLE else (int, float)
        ):
            raise ValueError(f"{shown}, not {'a whole number' if name in _WHOLE else 'a number'}")
        low = 0 if name in _WHOLE | _POSITIVE | {"deviation", "reference"} else -_MOST
        if name in _NOT_NEGATIVE and number < 0 or not low < number < _MOST:
            raise ValueError(f"{shown}; expected it above {max(low, 0):g} and below {_MOST:g}")
