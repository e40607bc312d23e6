"""The log-mel that inverters give and vocoders read, as one frozen value.

Networks that take it themselves, as VGGish does, have it for their front end; `front_end` has the
others.
"""

import dataclasses
import math
from typing import Any


@dataclasses.dataclass(frozen=True)
class LogMelParams:
    """A natural logarithm of mel magnitude, frame by frame; the defaults are VGGish's.

    >>> LogMelParams().window_samples, LogMelParams().hop_samples, LogMelParams().fft_length
    (400, 160, 512)
    """

    sample_rate_hz: int = 16000
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    num_bands: int = 64
    low_hz: float = 125.0
    high_hz: float = 7500.0
    log_offset: float = 0.01
    patch_frames: int = 96
    patch_hop_frames: int = 96

    @property
    def window_samples(self) -> int:
        """Length of the analysis window."""
        return round(self.window_seconds * self.sample_rate_hz)

    @property
    def hop_samples(self) -> int:
        """Distance between two frames."""
        return round(self.hop_seconds * self.sample_rate_hz)

    @property
    def fft_length(self) -> int:
        """The window's length rounded up to a power of two."""
        return 2 ** math.ceil(math.log2(self.window_samples))

    @property
    def num_bins(self) -> int:
        """Bins of the linear spectrogram."""
        return self.fft_length // 2 + 1

    @property
    def patch_samples(self) -> int:
        """The shortest waveform that fills one patch."""
        return self.window_samples + (self.patch_frames - 1) * self.hop_samples

    @property
    def log_floor(self) -> float:
        """The log-mel of digital silence."""
        return math.log(self.log_offset)

    def num_frames(self, num_samples: int) -> int:
        """Frames that fit into a waveform without padding.

        >>> LogMelParams().num_frames(16000)
        98
        """
        return max(0, 1 + (num_samples - self.window_samples) // self.hop_samples)

    @property
    def log_mel(self) -> "LogMelParams":
        """Itself: patches of it are both what such a network takes and what is to be inverted."""
        return self

    def place(self, frame: Any) -> Any:
        """Where a frame begins in what patches are cut from: log-mel, frame by frame."""
        return frame

    def to_log_mel_rate(self, num_samples: Any) -> Any:
        """Samples at the rate of the log-mel: that of the network."""
        return num_samples

    def window_shape(self, context_frames: int = 0) -> tuple[int, int]:
        """Of a patch with so many frames before it, and again after it."""
        return (self.patch_frames + 2 * context_frames, self.num_bands)
