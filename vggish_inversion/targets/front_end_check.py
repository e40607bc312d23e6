"""Whether a front end gives the features that a network was trained on; if not, what differs."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vggish_inversion import audio, features
from vggish_inversion.targets import encoder

_ALIKE = 0.01  # of the features' deviation: rounding and windows of other libraries stay below it
_MOST_SECONDS = 3.0  # are compared while settings are searched

# What people's features differ in, for each setting: values that libraries have.
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "power": (1.0, 2.0),
    "log": ("natural", "log10", "db", None),
    "mel_scale": ("slaney", "htk"),
    "mel_norm": ("slaney", None),
    "straight_in": ("hertz", "mel"),
    "centred": (True, False),
    "padding": ("zeros", "reflect"),
    "reference": (1.0, "max"),
    "top_db": (None, 80.0),
    "minimum": (0.0, 1e-10, 1e-8, 1e-6, 1e-5),
    "offset": (0.0, 1e-10, 1e-8, 1e-6, 1e-5, 1e-3, 0.01, 1.0),
    "normalisation": (None, "clip", "band", "min_max"),
    "low_hz": (0.0, 20.0, 50.0, 60.0, 125.0),
    "high_hz": (None, 4000.0, 7500.0, 7600.0, 8000.0, 11025.0),
    "window": ("hann", "hamming", "blackman", "boxcar"),
    "gain": (1.0, 32768.0, 1 / 32768),
}


# Settings that libraries differ in together.
_TOGETHER = (("power", "log", "offset"), ("power", "log", "minimum"))
_TOGETHER += (("mel_scale", "mel_norm", "straight_in"),)


@dataclasses.dataclass(frozen=True)
class FrontEndCheck:
    """What came of a comparison.

    Attributes:
        matches: whether the front end gives the features.
        difference: mean absolute difference, in units of the features.
        settings: what has to be stated otherwise, and how, for them to match; empty if they match,
            or if no few settings explain the difference.
        reason: the result in one line.
    """

    matches: bool
    difference: float
    settings: Mapping[str, Any]
    reason: str

    def __str__(self) -> str:
        """The result in one line."""
        return self.reason


def check_front_end(
    target: encoder.TargetEncoder | features.FrontEnd, waveform: audio.Sound, of_user: Any
) -> FrontEndCheck:
    """Compares the features that a network was trained on with those of a front end.

    Where they differ, each setting, each pair of settings and some that go together are tried with
    the values that librosa, torchaudio and TensorFlow have.

    Args:
        target: a target, or its front end.
        waveform: a recording as the features are of: the path of an audio file, or `[samples]`
            float in [-1, 1] at the front end's rate.
        of_user: `[frames, bands]`, or bands x frames, of the whole recording, or with axes of one
            more; `[samples]` for networks of waveforms.

    Raises:
        ValueError: if it is no sound, or the features have other axes.
    """
    stated = target.front_end if isinstance(target, encoder.TargetEncoder) else target
    front_end: Any = stated
    if isinstance(stated, features.LogMelParams):
        front_end = features.LogMel.of_params(stated)
    samples = audio.to_waveform(waveform, sample_rate_hz=front_end.sample_rate_hz)
    theirs = np.squeeze(np.asarray(of_user, np.float32))
    ours = _of(front_end, samples)
    if theirs.ndim != ours.ndim:
        raise ValueError(
            f"features of shape {list(np.shape(of_user))}; expected {list(ours.shape)}: those of "
            "this one recording"
        )
    if theirs.shape == ours.shape[::-1] != ours.shape and ours.ndim == 2:
        theirs = theirs.T
    if theirs.shape != ours.shape:
        return _of_other_shape(front_end, samples, theirs, ours)
    scale = float(theirs.std()) or 1.0
    difference = _difference(ours, theirs)
    if difference <= _ALIKE * scale:
        return FrontEndCheck(
            True, difference, {}, f"the features match: they differ by {difference:.2g} on average"
        )
    settings, left = _search(front_end, samples, theirs, scale)
    text = f"the features differ by {difference:.3g} on average, {difference / scale:.2g} of their"
    text += " deviation; "
    if settings:
        text += f"they match (to {left:.2g}) with {_shown(settings)}: state that"
    else:
        text += "no few settings explain it: compare rate, window, hop and bands"
    return FrontEndCheck(False, difference, settings, text)


def _of(front_end: Any, samples: np.ndarray) -> np.ndarray:
    """What a front end makes of a whole recording."""
    whole = dataclasses.replace(front_end, patch_samples=len(samples))
    return np.asarray(whole(samples[np.newaxis]))[0]


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).mean()) if ours.shape == theirs.shape else float("inf")


def _search(front_end, samples, theirs, scale: float) -> tuple[dict[str, Any], float]:
    """The settings under which a front end gives the features, and what is left."""
    seconds = len(samples) / front_end.sample_rate_hz
    limited = front_end.normalisation is None and getattr(front_end, "reference", 1.0) != "max"
    if limited and theirs.ndim == 2 and seconds > _MOST_SECONDS:
        num_frames = int(len(theirs) * _MOST_SECONDS / seconds)
        cut = int(_MOST_SECONDS * front_end.sample_rate_hz)
        samples, theirs = samples[: cut + cut // 10], theirs[:num_frames]
    for count in (1, 2, 3):
        best: tuple[dict[str, Any], float] = ({}, float("inf"))
        for settings in _variations(front_end, count):
            try:
                ours = _of(dataclasses.replace(front_end, **settings), samples)
            except ValueError:  # settings that contradict each other
                continue
            left = _difference(ours[: len(theirs)], theirs)
            best = min(best, (settings, left), key=lambda found: found[1])
        if best[1] <= _ALIKE * scale:
            return best
    return {}, float("inf")


def _variations(front_end, count: int) -> Iterator[dict[str, Any]]:
    """Other values of so many settings at a time; of three, where they go together."""
    known = {field.name for field in dataclasses.fields(front_end)}
    others = {
        name: [value for value in values if value != getattr(front_end, name)]
        for name, values in _CHOICES.items()
        if name in known
    }
    together = [names for names in _TOGETHER if known.issuperset(names)]
    for names in itertools.combinations(others, count) if count < 3 else together:
        for values in itertools.product(*(others[name] for name in names)):
            yield dict(zip(names, values, strict=True))


def _of_other_shape(front_end, samples, theirs, ours) -> FrontEndCheck:
    """Features of another number of frames or bands, and which setting would give it."""
    text = f"the features are {list(theirs.shape)}, the front end gives {list(ours.shape)}; "
    settings: dict[str, Any] = {}
    if theirs.ndim == 2 and theirs.shape[1] == ours.shape[1]:
        for name in ("centred", "hop_samples"):
            values: list[Any] = [not front_end.centred]
            if name == "hop_samples":
                values = sorted(
                    {len(samples) // max(1, len(theirs) - 1), len(samples) // len(theirs)}
                )
            for value in values:
                try:
                    made = _of(dataclasses.replace(front_end, **{name: value}), samples)
                except ValueError:
                    continue
                if made.shape == theirs.shape and not settings:
                    settings = {name: value}
    text += f"{_shown(settings)} gives as many frames" if settings else "state frames and bands so"
    return FrontEndCheck(False, float("inf"), settings, text)


def _shown(settings: Mapping[str, Any]) -> str:
    return " and ".join(f"{name}={value!r}" for name, value in settings.items())
