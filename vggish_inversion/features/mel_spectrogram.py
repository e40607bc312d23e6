"""A spectrogram of mel bands, under the settings of the libraries that people use."""

import dataclasses
from typing import Any, ClassVar, Literal

from vggish_inversion.features import spectra
from vggish_inversion.features.log_mel_params import LogMelParams
from vggish_inversion.features.log_spectrogram import LogSpectrogram


@dataclasses.dataclass(frozen=True, repr=False)
class LogMel(LogSpectrogram):
    """A spectrogram of mel bands, with the settings of librosa, torchaudio and TensorFlow.

    Attributes:
        num_bands: bands.
        low_hz: lower edge of the lowest.
        high_hz: upper edge of the highest; half the sample rate if None.
        mel_scale: "slaney" (librosa's default) or "htk" (torchaudio's and TensorFlow's).
        mel_norm: "slaney" for filters of equal area (librosa's default), None for equal height.
        straight_in: "hertz" if the filters' sides are straight over frequency (librosa,
            torchaudio), "mel" if they are over mel (TensorFlow, VGGish).
    """

    kind: ClassVar[str] = "log_mel"

    num_bands: int = 64  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
    low_hz: float = 0.0
    high_hz: float | None = None
    mel_scale: Literal["slaney", "htk"] = "slaney"
    mel_norm: Literal["slaney"] | None = "slaney"
    straight_in: Literal["hertz", "mel"] = "hertz"

    def __post_init__(self):
        """Checks the edges, too.

        Raises:
            ValueError: if they are not within the spectrum.
        """
        super().__post_init__()
        if self.num_bins is not None:
            raise ValueError(
                f"num_bins is {self.num_bins}, which is of log_spectrogram; of log_mel state "
                "num_bands"
            )
        if not 0 <= self.low_hz < self.top_hz <= self.sample_rate_hz / 2:
            raise ValueError(
                f"bands from {self.low_hz:g} to {self.top_hz:g} Hz; expected low_hz below "
                f"high_hz, and that at most half of sample_rate_hz, {self.sample_rate_hz / 2:g}"
            )

    @property
    def top_hz(self) -> float:
        """Upper edge of the highest band."""
        return self.sample_rate_hz / 2 if self.high_hz is None else self.high_hz

    def _bands(self, spectrum) -> Any:
        filters = spectra.mel_filters(
            self.sample_rate_hz,
            self.fft_length,
            self.num_bands,
            self.low_hz,
            self.top_hz,
            scale=self.mel_scale,
            norm=self.mel_norm,
            straight_in=self.straight_in,
        )
        return spectra.matmul(spectrum, filters)

    @classmethod
    def of_params(cls, params: LogMelParams) -> "LogMel":
        """The same front end as `LogMelParams` states, of this kind."""
        return cls(
            sample_rate_hz=params.sample_rate_hz,
            fft_length=params.fft_length,
            window_samples=params.window_samples,
            hop_samples=params.hop_samples,
            centred=False,
            power=1.0,
            log="natural",
            offset=params.log_offset,
            minimum=0.0,
            num_bands=params.num_bands,
            low_hz=params.low_hz,
            high_hz=params.high_hz,
            mel_scale="htk",
            mel_norm=None,
            straight_in="mel",
            patch_frames=params.patch_frames,
        )

    def as_params(self, *, patch_hop_frames: int | None = None) -> LogMelParams | None:
        """The same as `LogMelParams`, where it is a log-mel that vocoders read; None if not."""
        frames, rate_hz = self.shape[0], self.sample_rate_hz
        params = LogMelParams(
            sample_rate_hz=rate_hz,
            window_seconds=self.frame_samples / rate_hz,
            hop_seconds=self.frame_hop / rate_hz,
            num_bands=self.num_bands,
            low_hz=self.low_hz,
            high_hz=self.top_hz,
            log_offset=self.offset or 1.0,
            patch_frames=frames,
            patch_hop_frames=patch_hop_frames or frames,
        )
        return (
            params
            if dataclasses.replace(self, patch_frames=frames, high_hz=self.top_hz)
            == (LogMel.of_params(params))
            else None
        )
