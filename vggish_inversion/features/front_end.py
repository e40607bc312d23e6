"""What a network takes: the front end it was trained with, as one frozen value.

`LogMelParams` is the front end of networks that take the log-mel which vocoders read. These are the
others; each computes, in Keras' own operations and on any backend, what the network is given for a
window of samples. A window is a clip of its own: padding and normalisation see nothing beside it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from vggish_inversion.features import settings as checked
from vggish_inversion.features import spectra
from vggish_inversion.features.log_mel_params import LogMelParams
from vggish_inversion.features.log_spectrogram import LogSpectrogram
from vggish_inversion.features.mel_spectrogram import LogMel
from vggish_inversion.features.sample_windows import SampleWindows


@dataclasses.dataclass(frozen=True, repr=False)
class Waveform:
    """Samples as they are.

    Attributes:
        sample_rate_hz: of the samples.
        patch_samples: that the network takes at a time; 0.975 s, as VGGish, if None.
        gain: that samples in [-1, 1] are multiplied by; 32768 for networks of 16-bit integers.
        normalisation: "clip" for mean 0 and deviation 1 of each window, "min_max" for [0, 1].
    """

    kind: ClassVar[str] = "waveform"

    sample_rate_hz: int = 16000
    patch_samples: int | None = None
    gain: float = 1.0
    normalisation: spectra.Normalisation | None = None

    def __repr__(self) -> str:
        """What it is: the settings that are not the default."""
        return checked.shown(self)

    @property
    def windows(self) -> SampleWindows:
        """Which samples it takes at a time."""
        return SampleWindows(
            self.sample_rate_hz,
            self.patch_samples or SampleWindows.usual_samples(self.sample_rate_hz),
        )

    @property
    def sees_whole_window(self) -> bool:
        """Whether each value depends on levels of the whole window."""
        return self.normalisation is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what the network is given for one window: `(samples,)`."""
        return (self.windows.patch_samples,)

    def __call__(self, waveform) -> Any:
        """`[batch, samples]` -> the same, scaled."""
        return spectra.normalise(waveform * self.gain, self.normalisation)


def describe(front_end: "FrontEnd") -> dict[str, Any]:
    """A front end as JSON states it: its kind, and the settings that are not the default."""
    kind = getattr(front_end, "kind", "log_mel")
    fields = dataclasses.fields(front_end)
    settings = {field.name: getattr(front_end, field.name) for field in fields}
    stated = {field.name for field in fields if settings[field.name] != field.default}
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in settings.items()
        if name in stated
    }
    return {"front_end": kind, **values}


def described(stated: Mapping[str, Any]) -> Any:
    """A `LogMel`, `LogSpectrogram` or `Waveform` of its settings; inverse of `describe`.

    Raises:
        ValueError: on another kind, an unknown setting, or a value that is no such setting's.
    """
    settings = dict(stated)
    name = settings.pop("front_end", LogMel.kind)
    if not isinstance(name, str) or name not in KINDS:
        raise ValueError(f"front_end is {repr(name)[:40]}; front ends are: {' '.join(KINDS)}")
    kind = KINDS[name]
    known = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(settings.keys() - known):
        raise ValueError(
            f"unknown: {', '.join(map(str, unknown))[:200]}; the settings of {name} are: "
            f"{', '.join(known)}"
        )
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    for key, value in values.items():
        checked.check(key, value)
    return kind(**values)


FrontEnd = LogMelParams | LogMel | LogSpectrogram | Waveform
KINDS = {kind.kind: kind for kind in (LogMel, LogSpectrogram, Waveform)}
# What JSON states of a front end that is none of `LogMelParams`.
SETTINGS = frozenset(
    {field.name for kind in KINDS.values() for field in dataclasses.fields(kind)} | {"front_end"}
) - {field.name for field in dataclasses.fields(LogMelParams)}
