"""Compares speakers, by embeddings of the small encoder that tells speakers apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vggish_inversion import features
from vggish_inversion.files import hub
from vggish_inversion.targets import loading

_NUM_DRAWS = 2000
_ENCODER, _TAP = "small_encoder/speaker_id", "layer_6"


class SpeakerEncoder:
    """Waveform -> embedding of its speaker, by the shipped small encoder for speaker_id."""

    def __init__(self) -> None:
        """Loads the encoder.

        Raises:
            ValueError: if it is not in the model store.
        """
        self._target = loading.load_target(_ENCODER)
        self._network = self._target.up_to(_TAP)

    def __repr__(self) -> str:
        """What it is."""
        return f"<SpeakerEncoder {_TAP} of {self._target.name}>"

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Embeds `[samples]` float at 16 kHz as `[128]`, the mean over its patches.

        A waveform shorter than a patch has no embedding: nan.
        """
        params = self._target.log_mel
        if len(waveform) < params.patch_samples:
            return np.full(self._target.tap(_TAP).shape, np.nan, np.float32)
        log_mel = features.waveform_to_log_mel(np.asarray(waveform, np.float32), params)
        starts = features.covering_patch_starts(len(log_mel), params)
        patches = features.log_mel_to_patches(log_mel, starts, params)
        return np.asarray(self._network(patches, training=False)).mean(axis=0)


def fingerprint() -> str:
    """Of the encoder that embeds: similarities of another are not to be mixed with its own."""
    return hub.sha256(hub.find_model(_ENCODER) / "encoder.keras")[:16]


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
