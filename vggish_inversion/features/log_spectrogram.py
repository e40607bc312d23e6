"""A spectrogram of Fourier bins, as networks take it."""

import dataclasses
from typing import Any, ClassVar, Literal

from vggish_inversion.features import settings, spectra
from vggish_inversion.features.sample_windows import SampleWindows


@dataclasses.dataclass(frozen=True, repr=False)
class LogSpectrogram:
    """A spectrogram whose bands are the bins of the Fourier transform.

    Attributes:
        sample_rate_hz: of the samples.
        fft_length: of the Fourier transform.
        window_samples: of one frame; `fft_length` if None. A shorter one lies in the middle of the
            transform where frames are centred, and at its beginning where they are not.
        hop_samples: distance between frames; a quarter of the window if None.
        window: by any name that `scipy.signal.get_window` knows.
        centred: whether the first frame is centred on the first sample, as librosa's and
            torchaudio's are, for which the window of samples is padded; else it begins there, and
            nothing is padded.
        padding: "zeros" (librosa) or "reflect" (torchaudio), of centred frames.
        num_bins: the lowest so many; all if None.
        power: 2 for power, 1 for magnitude.
        log: "natural", "log10", "db" (decibels of power, whatever `power` is), or None.
        offset: added before the logarithm.
        minimum: what is less becomes this before the logarithm: librosa's `amin`, torchaudio's
            1e-10.
        reference: of decibels: a number, or "max" for the largest value of the window.
        top_db: decibels below the largest value of the window that are kept; all if None.
        mean: subtracted in the end: a number, or one per band.
        deviation: divided by in the end: a number, or one per band.
        normalisation: of each window in place of that: "clip" (mean 0 and deviation 1 of all
            values), "band" (of each band over time), "min_max" ([0, 1]).
        patch_frames: that the network takes at a time; those of 0.975 s if None.
        patch_samples: that it takes at a time; as few as have those frames if None.
    """

    kind: ClassVar[str] = "log_spectrogram"

    sample_rate_hz: int = 16000
    fft_length: int = 512
    window_samples: int | None = None
    hop_samples: int | None = None
    window: str = "hann"
    centred: bool = True
    padding: Literal["zeros", "reflect"] = "zeros"
    num_bins: int | None = None
    power: float = 2.0
    log: Literal["natural", "log10", "db"] | None = "db"
    offset: float = 0.0
    minimum: float = 1e-10
    reference: float | Literal["max"] = 1.0
    top_db: float | None = None
    mean: float | tuple[float, ...] = 0.0
    deviation: float | tuple[float, ...] = 1.0
    normalisation: spectra.Normalisation | None = None
    patch_frames: int | None = None
    patch_samples: int | None = None

    def __post_init__(self):
        """Checks what the fields have to do with each other.

        Raises:
            ValueError: if they contradict.
        """
        window, hop = self.frame_samples, self.frame_hop
        if not 1 <= window <= self.fft_length:
            raise ValueError(
                f"windows of {window} samples in a transform of {self.fft_length}; expected "
                "window_samples of 1 to fft_length"
            )
        if not 1 <= hop <= window:
            raise ValueError(
                f"windows of {window} samples every {hop}; expected a hop of one sample to a "
                "window's length, or sound between windows is not seen"
            )
        if self.padding == "reflect" and self.centred and self._samples <= self.fft_length // 2:
            raise ValueError(
                f"{self._samples} samples cannot be reflected by half a transform of "
                f"{self.fft_length}; state padding or patch_samples as they were"
            )
        _ = self.windows

    def __repr__(self) -> str:
        """What it is: the settings that are not the default."""
        return settings.shown(self)

    @property
    def frame_samples(self) -> int:
        """Samples of one frame."""
        return self.window_samples or self.fft_length

    @property
    def frame_hop(self) -> int:
        """Samples from one frame to the next."""
        return self.hop_samples or max(1, self.frame_samples // 4)

    @property
    def num_bands(self) -> int:
        """Values of one frame."""
        return min(self.num_bins or self.fft_length, self.fft_length // 2 + 1)

    @property
    def _samples(self) -> int:
        if self.patch_samples:
            return self.patch_samples
        if not self.patch_frames:
            return SampleWindows.usual_samples(self.sample_rate_hz)
        between = (self.patch_frames - 1) * self.frame_hop
        return max(1, between) if self.centred else between + self.frame_samples

    @property
    def windows(self) -> SampleWindows:
        """Which samples it takes at a time."""
        return SampleWindows(self.sample_rate_hz, self._samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what the network is given for one window: `(frames, bands)`."""
        return (self.num_frames(self._samples), self.num_bands)

    @property
    def sees_whole_window(self) -> bool:
        """Whether each value depends on levels of the whole window."""
        relative = self.log == "db" and (self.reference == "max" or self.top_db is not None)
        return relative or self.normalisation is not None

    def num_frames(self, num_samples: int) -> int:
        """Frames of a waveform."""
        if self.centred:
            num_samples += 2 * (self.fft_length // 2)
            return max(0, 1 + (num_samples - self.fft_length) // self.frame_hop)
        return max(0, 1 + (num_samples - self.frame_samples) // self.frame_hop)

    def __call__(self, waveform) -> Any:
        """`[batch, samples]` -> `[batch, frames, bands]`."""
        spectrum = spectra.spectrum(
            waveform,
            fft_length=self.fft_length,
            window=spectra.window(self.window, self.frame_samples),
            hop=self.frame_hop,
            padding=self.padding if self.centred else None,
            power=self.power,
        )
        levels = spectra.levels(
            self._bands(spectrum),
            self.log,
            power=self.power,
            offset=self.offset,
            minimum=self.minimum,
            reference=self.reference,
            top_db=self.top_db,
        )
        scaled = (levels - spectra.constant(self.mean)) / spectra.constant(self.deviation)
        return spectra.normalise(scaled, self.normalisation)

    def _bands(self, spectrum) -> Any:
        """Of the bins `[batch, frames, bins]`, those that the network is given."""
        return spectrum[:, :, : self.num_bands]
