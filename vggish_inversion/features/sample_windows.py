"""Windows of samples beside the log-mel of the same time: for networks that take no log-mel.

Their inverters give VGGish's log-mel of what the network heard, so that one vocoder serves all and
figures can be compared.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from vggish_inversion.features.log_mel_params import LogMelParams

_VGGISH = LogMelParams()


@dataclasses.dataclass(frozen=True)
class SampleWindows:
    """Which samples a network hears at a time, and which log-mel frames lie in them.

    It has the same names as `LogMelParams`, so that what cuts patches serves both.

    Attributes:
        sample_rate_hz: of the samples that the network takes.
        patch_samples: that it takes at a time.

    >>> windows = SampleWindows(16000, 15600)
    >>> windows.log_mel.patch_frames, windows.window_shape(48), windows.place(3)
    (96, (30960,), 480)
    >>> SampleWindows(8000, 8000).log_mel.patch_frames
    98
    """

    sample_rate_hz: int
    patch_samples: int

    def __post_init__(self):
        """Checks the length.

        Raises:
            ValueError: if not one frame of log-mel lies in a window.
        """
        if self.patch_frames < 1:
            raise ValueError(
                f"windows of {self.patch_samples} samples at {self.sample_rate_hz} Hz are "
                f"{1000 * self.patch_samples / self.sample_rate_hz:.1f} ms; expected "
                f"{1000 * _VGGISH.window_seconds:g} ms or more, one frame of log-mel"
            )

    @staticmethod
    def usual_samples(sample_rate_hz: int) -> int:
        """The length of VGGish's patch, 0.975 s: of networks that take any length."""
        return round(_VGGISH.patch_samples * sample_rate_hz / _VGGISH.sample_rate_hz)

    @property
    def patch_frames(self) -> int:
        """Frames of VGGish's log-mel that lie within a window."""
        return _VGGISH.num_frames(self.to_log_mel_rate(self.patch_samples))

    @property
    def log_mel(self) -> LogMelParams:
        """What is inverted from one window: VGGish's log-mel, side by side."""
        frames = self.patch_frames
        return dataclasses.replace(_VGGISH, patch_frames=frames, patch_hop_frames=frames)

    def place(self, frame: Any) -> Any:
        """The sample at which a frame begins: of ints, arrays or tensors of int64."""
        return _rescale(frame * _VGGISH.hop_samples, self.sample_rate_hz, _VGGISH.sample_rate_hz)

    def window_shape(self, context_frames: int = 0) -> tuple[int]:
        """Of a window with so many frames' samples before it, and again after it."""
        return (self.place(2 * context_frames) + self.patch_samples,)

    def to_log_mel_rate(self, num_samples: Any) -> Any:
        """Samples that the same sound has at the rate of the log-mel, as soxr gives them."""
        return _rescale(num_samples, _VGGISH.sample_rate_hz, self.sample_rate_hz)


def _rescale(count: Any, to_hz: int, from_hz: int) -> Any:
    """`count * to_hz / from_hz`, rounded, in whole numbers throughout."""
    return (2 * count * to_hz + from_hz) // (2 * from_hz)


# What patches are cut from: log-mel frames, or samples.
Source = LogMelParams | SampleWindows


def describe_source(source: Source) -> dict[str, Any]:
    """A source as JSON states it: the log-mel that is learnt, and the windows of samples if any."""
    described: dict[str, Any] = {"log_mel": dataclasses.asdict(source.log_mel)}
    if isinstance(source, SampleWindows):
        described["sample_windows"] = dataclasses.asdict(source)
    return described


def described_source(described: Mapping[str, Any]) -> Source:
    """Inverse of `describe_source`.

    Raises:
        KeyError, TypeError, ValueError: if it is not what that gives.
    """
    if "sample_windows" in described:
        return SampleWindows(**described["sample_windows"])
    return LogMelParams(**described["log_mel"])
