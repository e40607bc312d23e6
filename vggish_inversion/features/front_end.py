"""What a network takes: the front end it was trained with, as one frozen value."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class LogMelParams:
    """The log-mel front end that a target was trained with; the defaults are VGGish's.

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
