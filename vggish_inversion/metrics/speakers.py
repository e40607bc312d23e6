"""Embeds speakers, by a network of one's choice, and compares embeddings."""

import pathlib
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from vggish_inversion import audio, features
from vggish_inversion.files import formats, hub
from vggish_inversion.targets import encoder, loading
from vggish_inversion.targets.own import network_input

_NUM_DRAWS = 2000
DEFAULT_ENCODER = "small_encoder/speaker_id"
_GE2E = "ge2e="


class SpeakerEncoder(Protocol):
    """Waveform, `[samples]` float at 16 kHz -> embedding of its speaker, `[size]`; nan if none."""

    fingerprint: str

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Embeds one waveform."""
        ...


def load_speaker_encoder(name: str | None = None) -> SpeakerEncoder:
    """Loads what embeds speakers.

    Args:
        name: "ge2e=PATH" with the weights of Resemblyzer's GE2E; a target's name, or the path of
            your own Keras model, whose last layer gives the embedding. A `.keras` file may take
            log-mel patches, as a target does, or waveforms `[batch, samples]` at 16 kHz, of any
            length. If None, the shipped small encoder for speaker_id, trained on 22 speakers.

    Raises:
        ValueError: if there is none, or it cannot be read, or gives no embedding.
    """
    name = name or DEFAULT_ENCODER
    if name.startswith(_GE2E):
        from vggish_inversion.metrics import ge2e

        return ge2e.Ge2eEncoder(name.removeprefix(_GE2E))
    return _read_waveform_encoder(name) or PatchEncoder(loading.load_target(name))


class PatchEncoder:
    """Embeds by a network of log-mel patches: its last layer, averaged over the patches."""

    def __init__(self, target: encoder.TargetEncoder):
        """Takes the last tap.

        Raises:
            ValueError: if it is no vector.
        """
        self._target, self._tap = target, target.taps[-1]
        if len(self._tap.shape) != 1:
            raise ValueError(
                f"{target.name}: expected [batch, size] of a speaker encoder, its last layer "
                f"{self._tap.name} gives {[None, *self._tap.shape]}; end it with a pooling"
            )
        self._network = target.up_to(self._tap)
        self.fingerprint = target.fingerprint

    def __repr__(self) -> str:
        """What it is."""
        return f"<PatchEncoder {self._tap.name} of {self._target.name}>"

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Embeds `[samples]` float at 16 kHz as `[size]`, the mean over its patches.

        A waveform shorter than a patch has no embedding: nan.
        """
        source, params = self._target.source, self._target.log_mel
        waveform = np.asarray(waveform, np.float32)
        rates = {"from_hz": audio.SAMPLE_RATE_HZ, "to_hz": source.sample_rate_hz}
        waveform = audio.resample(waveform, **rates)
        if len(waveform) < source.patch_samples:
            return np.full(self._tap.shape, np.nan, np.float32)
        num_frames = params.num_frames(source.to_log_mel_rate(len(waveform)))
        given = waveform
        if isinstance(source, features.LogMelParams):
            given = features.waveform_to_log_mel(waveform, params)
        starts = features.covering_patch_starts(num_frames, params)
        patches = features.cut_windows(given, starts, source)
        return np.asarray(self._network(patches, training=False)).mean(axis=0)


class WaveformEncoder:
    """Embeds by a network that takes waveforms of any length."""

    def __init__(self, network: keras.Model, path: pathlib.Path):
        """Takes a model `[batch, samples] -> [batch, size]`.

        Raises:
            ValueError: if it gives anything else.
        """
        shape = network.output_shape
        if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
            raise ValueError(
                f"{path}: expected [batch, size] of a speaker encoder, it gives {shape}; end it "
                "with a pooling"
            )
        self._network, self._path = network, path
        self.fingerprint = f"sha256:{hub.sha256(path)}"

    def __repr__(self) -> str:
        """What it is."""
        return f"<WaveformEncoder {self._path.name}>"

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Embeds `[samples]` float at 16 kHz; without samples, nan."""
        if not len(waveform):
            return np.full(self._network.output_shape[1], np.nan, np.float32)
        batch = np.asarray(waveform, np.float32)[np.newaxis]
        return np.asarray(self._network(batch, training=False))[0]


def _read_waveform_encoder(name: str) -> WaveformEncoder | None:
    """Your own network, if it takes waveforms and no settings beside it name its log-mel."""
    path = pathlib.Path(name).expanduser()
    if loading.is_family(name) or not path.is_file() or network_input.find_settings(path):
        return None
    if formats.identify(path).key not in ("keras", "keras_2", "hdf5_model"):
        return None  # what it is says the reader of targets
    network = hub.read_keras_model(path)
    shapes = [tuple(tensor.shape) for tensor in network.inputs]
    return WaveformEncoder(network, path) if shapes == [(None, None)] else None


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of the angle between two embeddings, -1 to 1; nan if one is zero or nan.

    >>> cosine(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    1.0
    """
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.dot(a, b)) / norms if norms else float("nan")


def reference_similarities(embeddings: np.ndarray, speakers: Sequence[str]) -> dict[str, Any]:
    """What cosines of natural recordings are like, within speakers and between them.

    >>> reference_similarities(
    ...     np.eye(2)[[0, 0, 1]], ["anna", "anna", "ben"]
    ... )  # doctest: +NORMALIZE_WHITESPACE
    {'same_speaker': 1.0, 'same_speaker_low': 1.0, 'same_speaker_high': 1.0, 'num_same_pairs': 1,
     'other_speaker': 0.0, 'other_speaker_low': 0.0, 'other_speaker_high': 0.0,
     'num_other_pairs': 2}

    Args:
        embeddings: `[utterances, size]`, of recordings.
        speakers: of each.

    Returns:
        The mean over all pairs of different utterances, with its 95 % bootstrap interval over
        utterances; None where there is no such pair.
    """
    directions = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    cosines = directions @ directions.T
    names = np.asarray(speakers)
    same = names[:, np.newaxis] == names
    pairs = np.isfinite(cosines) & ~np.eye(len(names), dtype=bool)
    figures = {}
    for label, chosen in (("same", pairs & same), ("other", pairs & ~same)):
        ends = ("speaker", "speaker_low", "speaker_high")
        values = _mean_with_interval(cosines, chosen) if chosen.any() else (None, None, None)
        figures |= {f"{label}_{end}": value for end, value in zip(ends, values, strict=True)}
        figures[f"num_{label}_pairs"] = int(chosen.sum()) // 2
    return figures


def _mean_with_interval(cosines: np.ndarray, chosen: np.ndarray) -> tuple[float, float, float]:
    """Over the pairs that are chosen; drawn anew are the utterances, not the pairs."""
    num_utterances = len(cosines)
    share = np.full(num_utterances, 1 / num_utterances)
    rng = np.random.default_rng(0)
    times = rng.multinomial(num_utterances, share, size=_NUM_DRAWS).astype(np.float64)
    kept = np.where(chosen, cosines, 0.0)
    sums, counts = (np.sum((times @ table) * times, axis=1) for table in (kept, chosen))
    low, high = np.quantile((sums / np.maximum(counts, 1))[counts > 0], (0.025, 0.975))
    mean, low, high = (round(float(value), 4) for value in (cosines[chosen].mean(), low, high))
    return mean, low, high
