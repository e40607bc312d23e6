"""waveform -> what a layer knows of it -> waveform': the road from end to end."""

import csv
import dataclasses
import pathlib
from collections.abc import Callable, Collection, Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from vggish_inversion import audio, corpora, data, road
from vggish_inversion.targets import encoder

OK = "ok"
TRUE_LOG_MEL = "true_log_mel"


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """One rendering of an utterance.

    Attributes:
        log_mel: `[frames, bands]` float32, nats: what the vocoder was given.
        waveform: `[samples]` float32, as long as the utterance and aligned with it.
    """

    log_mel: np.ndarray
    waveform: np.ndarray


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
        inverters: Mapping[str, tuple[str, keras.Model]],
        vocoder: Callable,
        *,
        patch_hop_frames: int | None = None,
    ):
        """Joins the parts.

        Args:
            target: the frozen network.
            inverters: name -> (tap, inverter of that tap).
            vocoder: `[batch, frames, bands]` log-mel in nats -> `[batch, frames * hop]`.
            patch_hop_frames: distance between patches; the target's own if None. Where patches
                overlap, what is inverted from them cross-fades.

        Raises:
            ValueError: if patches that far apart leave gaps.
        """
        self.target = target
        self.road = road.Road(target, inverters, patch_hop_frames=patch_hop_frames)
        self.vocoder = vocoder
        self._log_mel = tf.function(self.road.log_mel, input_signature=[_floats(None)])
        self._invert = tf.function(
            self.road.invert, input_signature=[_floats(None, target.log_mel.num_bands)]
        )

    def log_mel(self, waveform: np.ndarray) -> np.ndarray:
        """The target's log-mel: `[samples]` float32 -> `[frames, bands]` float32, nats.

        Raises:
            ValueError: if the waveform is shorter than a patch.
        """
        params = self.target.log_mel
        if len(waveform) < params.patch_samples:
            raise ValueError(data.too_short("waveform", len(waveform), params))
        return self._log_mel(waveform).numpy()

    def invert(self, log_mel: np.ndarray) -> dict[str, np.ndarray]:
        """What each inverter makes of the activations of `log_mel`, in the same shape.

        The last patch ends with the utterance; where patches overlap, they cross-fade.
        """
        return {name: inverted.numpy() for name, inverted in self._invert(log_mel).items()}

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
            num_samples: of the utterance.
            vocoder: another than the reconstructor's own.

        Returns:
            name -> `[num_samples]` float32, aligned with the utterance.
        """
        if not log_mels:
            return {}
        vocoded = (vocoder or self.vocoder)(np.stack(list(log_mels.values())))
        return dict(zip(log_mels, self.road.align(vocoded, num_samples).numpy(), strict=True))

    def __call__(
        self, waveform: np.ndarray, *, names: Collection[str] | None = None
    ) -> dict[str, Reconstruction]:
        """Reconstructs one utterance.

        Args:
            waveform: `[samples]` float32 in [-1, 1], at the target's sample rate.
            names: what to vocode; everything if None.

        Returns:
            name -> reconstruction; that of "true_log_mel" is the vocoder's own limit.

        Raises:
            ValueError: if the waveform is shorter than a patch.
        """
        log_mel = self.log_mel(waveform)
        log_mels = {TRUE_LOG_MEL: log_mel, **self.invert(log_mel)}
        if names is not None:
            log_mels = {name: log_mels[name] for name in log_mels if name in names}
        waveforms = self.vocode(log_mels, len(waveform))
        return {name: Reconstruction(log_mels[name], waveforms[name]) for name in log_mels}


def _floats(*shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32)


def find_inputs(inputs: Iterable[str | pathlib.Path]) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Audio files, each with the path of its reconstruction relative to the output folder.

    Args:
        inputs: files, and folders that are searched at any depth.

    Raises:
        corpora.CorpusError: if a folder holds no audio.
    """
    found = []
    for entry in map(pathlib.Path, inputs):
        if not entry.is_dir():
            found.append((entry, pathlib.Path(entry.stem + ".wav")))
            continue
        paths = corpora.audio_files(entry)
        if not paths:
            raise corpora.CorpusError(
                f"no audio in {entry}; expected {' '.join(audio.AUDIO_EXTENSIONS)} at any depth"
            )
        found += [(path, path.relative_to(entry).with_suffix(".wav")) for path in paths]
    return found


def reconstruct_files(
    inputs: Iterable[tuple[pathlib.Path, pathlib.Path]],
    reconstructor: Reconstructor,
    name: str,
    output_dir: str | pathlib.Path,
) -> list[str]:
    """Reconstructs files one by one; one that fails does not stop the rest.

    Args:
        inputs: of `find_inputs`.
        reconstructor: the parts.
        name: which of its inverters.
        output_dir: receives the wavs, and reconstruct.csv with a row per input.

    Returns:
        The status of every input: "ok", or why there is no reconstruction.
    """
    folder = pathlib.Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    statuses, taken = [], {}
    with open(folder / "reconstruct.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("input", "output", "status"))
        for path, relative in inputs:
            status = OK
            try:
                if relative in taken:
                    raise ValueError(f"{relative} was already made from {taken[relative]}")
                waveform = audio.read_audio(path)
                result = reconstructor(waveform, names=[name])[name]
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                audio.write_wav(folder / relative, result.waveform)
                taken[relative] = path
            except ValueError as error:
                status = " ".join(str(error).split())
                logging.error("%s", status)
            writer.writerow((path, relative if status == OK else "", status))
            file.flush()
            statuses.append(status)
    return statuses
