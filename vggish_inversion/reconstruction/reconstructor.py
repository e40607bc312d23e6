"""waveform -> what a layer knows of it -> waveform': the road from end to end."""

import dataclasses
from collections.abc import Callable, Collection, Mapping

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion import audio, features
from vggish_inversion.data import heard as recordings
from vggish_inversion.reconstruction import road
from vggish_inversion.results import TRUE_LOG_MEL
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """One rendering of an utterance.

    Attributes:
        log_mel: `[frames, bands]` float32, nats: what the vocoder was given.
        waveform: `[samples]` float32 at 16 kHz, as long as the utterance and aligned with it.
    """

    log_mel: np.ndarray
    waveform: np.ndarray

    def __repr__(self) -> str:
        """What it is."""
        shape, samples = np.shape(self.log_mel), np.size(self.waveform)
        return f"<Reconstruction: log-mel {list(shape)}, waveform [{samples}]>"


@dataclasses.dataclass(frozen=True)
class Heard:
    """One utterance, as a target hears it.

    Attributes:
        log_mel: `[frames, bands]` float32, nats: what is to be inverted.
        given: what the target's patches are cut from: that log-mel, or `[samples]` float32.
    """

    log_mel: np.ndarray
    given: np.ndarray

    def __repr__(self) -> str:
        """What it is."""
        return f"<Heard: log-mel {list(self.log_mel.shape)} of {list(self.given.shape)}>"


class Reconstructor:
    """Reconstructs speech from some taps of one frozen target.

    The target is computed once for all taps, up to the deepest of them, and the vocoder runs on all
    their log-mels at once.

    Attributes:
        target: the frozen network.
        road: what it does up to the vocoder, in a graph.
        vocoder: `[batch, frames, bands]` log-mel in nats -> `[batch, frames * hop]`.
    """

    def __init__(
        self,
        target: encoder.TargetEncoder,
        inverters: Mapping[str, tuple[str | Tap, keras.Model]],
        vocoder: Callable,
        *,
        patch_hop_frames: int | None = None,
    ):
        """Joins the parts.

        Args:
            target: the frozen network.
            inverters: name -> (a tap or its name, inverter of that tap).
            vocoder: `[batch, frames, bands]` log-mel in nats -> `[batch, frames * hop]`.
            patch_hop_frames: distance between patches; the target's own if None. Where patches
                overlap, what is inverted from them cross-fades.

        Raises:
            ValueError: if patches that far apart leave gaps.
        """
        self.target = target
        self.road = road.Road(target, inverters, patch_hop_frames=patch_hop_frames)
        self.vocoder = vocoder
        takes_log_mel = isinstance(target.source, features.LogMelParams)
        shape = [None, target.log_mel.num_bands] if takes_log_mel else [None]
        self._log_mel = tf.function(self.road.log_mel, input_signature=[_floats(None)])
        self._invert = tf.function(self.road.invert, input_signature=[_floats(*shape)])

    def __repr__(self) -> str:
        """What it is."""
        names = ", ".join(self.road.names) or "no layer"
        vocoder = getattr(self.vocoder, "name", "a function")
        return f"<Reconstructor from {names} of {self.target.name}, by {vocoder}>"

    @property
    def sample_rate_hz(self) -> int:
        """Of the waveforms that it takes: the target's; what it gives is at 16 kHz."""
        return self.target.source.sample_rate_hz

    def log_mel(self, waveform: audio.Sound) -> np.ndarray:
        """What is to be inverted: `[samples]` float32, or a path -> log-mel `[frames, bands]`.

        Raises:
            ValueError: if it is no sound, or shorter than a patch.
        """
        waveform = to_utterance(waveform, self.target.source)
        return self.log_mel_of(waveform, rate_hz=self.sample_rate_hz)

    def log_mel_of(self, waveform: np.ndarray, *, rate_hz: int) -> np.ndarray:
        """The log-mel `[frames, bands]` float32, nats, of `[samples]` float32 at any rate."""
        to_hz = self.target.log_mel.sample_rate_hz
        return self._log_mel(audio.resample(waveform, from_hz=rate_hz, to_hz=to_hz)).numpy()

    def hear(self, waveform: audio.Sound) -> Heard:
        """What the target is given of a sound, and the log-mel of it.

        Raises:
            ValueError: if it is no sound, or shorter than a patch.
        """
        waveform = to_utterance(waveform, self.target.source)
        log_mel = self.log_mel_of(waveform, rate_hz=self.sample_rate_hz)
        takes_log_mel = isinstance(self.target.source, features.LogMelParams)
        return Heard(log_mel, log_mel if takes_log_mel else waveform)

    def invert(self, given: np.ndarray) -> dict[str, np.ndarray]:
        """The log-mel `[frames, bands]` that each inverter makes of the activations.

        The last patch ends with the utterance; where patches overlap, they cross-fade.

        Args:
            given: what the target's patches are cut from: `hear(waveform).given`.
        """
        return {name: inverted.numpy() for name, inverted in self._invert(given).items()}

    def vocode(
        self,
        log_mels: Mapping[str, np.ndarray],
        num_samples: int,
        *,
        vocoder: Callable | None = None,
    ) -> dict[str, np.ndarray]:
        """Waveforms of log-mels of one utterance, all of one shape.

        Args:
            log_mels: name -> `[frames, bands]` float32, nats.
            num_samples: of the utterance, at the rate of the log-mel.
            vocoder: another than the reconstructor's own.

        Returns:
            name -> `[num_samples]` float32 at the rate of the log-mel, aligned with the utterance.
        """
        if not log_mels:
            return {}
        vocoded = (vocoder or self.vocoder)(np.stack(list(log_mels.values())))
        return dict(zip(log_mels, self.road.align(vocoded, num_samples).numpy(), strict=True))

    def __call__(
        self, waveform: audio.Sound, *, names: Collection[str] | None = None
    ) -> dict[str, Reconstruction]:
        """Reconstructs one utterance.

        Args:
            waveform: the path of an audio file, or `[samples]` float in [-1, 1], mono, at the
                target's sample rate.
            names: what to vocode; everything if None.

        Returns:
            name -> reconstruction; "true_log_mel" is the vocoder's own limit.

        Raises:
            ValueError: if it is no sound, or shorter than a patch.
        """
        waveform = to_utterance(waveform, self.target.source)
        heard = self.hear(waveform)
        log_mels = {TRUE_LOG_MEL: heard.log_mel, **self.invert(heard.given)}
        if names is not None:
            log_mels = {name: log_mels[name] for name in log_mels if name in names}
        num_samples = self.target.source.to_log_mel_rate(len(waveform))
        waveforms = self.vocode(log_mels, num_samples)
        made_hz = self.target.log_mel.sample_rate_hz
        return {
            name: Reconstruction(
                log_mels[name],
                audio.resample(waveforms[name], from_hz=made_hz, to_hz=audio.SAMPLE_RATE_HZ),
            )
            for name in log_mels
        }


def to_utterance(sound: audio.Sound, source: features.Source) -> np.ndarray:
    """What a caller gives, as a waveform of a patch at least.

    Raises:
        ValueError: if it is no sound, or shorter.
    """
    waveform = audio.to_waveform(sound, sample_rate_hz=source.sample_rate_hz)
    if len(waveform) < source.patch_samples:
        name = audio.name_of(sound)
        raise ValueError(recordings.too_short(name, len(waveform), source))
    return waveform


def _floats(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)
