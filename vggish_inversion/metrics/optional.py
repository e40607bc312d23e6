"""The metrics that are asked for beside WER, CER, STOI, ESTOI and log-mel L1."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vggish_inversion.metrics import pitch, signals

# From the natural waveform to what scores a rendering of it: `waveform -> {column: value}`. What
# only the natural waveform decides is thus computed once for all its renderings.
Metric = Callable[[np.ndarray], Callable[[np.ndarray], Mapping[str, float]]]


def _load_spectral_convergence() -> Metric:
    return lambda natural: lambda waveform: {
        "spectral_convergence": signals.spectral_convergence(natural, waveform)
    }


def _load_pesq() -> Metric:
    signals.import_pesq()
    return lambda natural: lambda waveform: {"pesq": signals.pesq(natural, waveform)}


def _load_f0() -> Metric:
    def against(natural):
        reference = pitch.track_pitch(natural)

        def score(waveform):
            errors = pitch.pitch_errors(reference, pitch.track_pitch(waveform))
            return {"f0_rmse_cents": errors.f0_rmse_cents, "voicing_error": errors.voicing_error}

        return score

    return against


def _load_speaker_similarity() -> Metric:
    from vggish_inversion.metrics import speakers  # imports TensorFlow

    embed = speakers.SpeakerEncoder()

    def against(natural):
        reference = embed(natural)
        return lambda waveform: {"speaker_similarity": speakers.cosine(reference, embed(waveform))}

    return against


# Name -> what loads it, and its columns.
OPTIONAL_METRICS: dict[str, tuple[Callable[[], Metric], tuple[str, ...]]] = {
    "spectral_convergence": (_load_spectral_convergence, ("spectral_convergence",)),
    "f0": (_load_f0, ("f0_rmse_cents", "voicing_error")),
    "speaker_similarity": (_load_speaker_similarity, ("speaker_similarity",)),
    "pesq": (_load_pesq, ("pesq",)),
}
CHEAP_METRICS = ("spectral_convergence",)
OPTIONAL_COLUMNS = tuple(name for _, columns in OPTIONAL_METRICS.values() for name in columns)


def fingerprint_metrics(names: Sequence[str]) -> dict[str, str]:
    """What there is to tell apart in a metric: of a network, its weights; by name of the metric."""
    if "speaker_similarity" not in names:
        return {}
    from vggish_inversion.metrics import speakers  # imports TensorFlow

    return {"speaker_similarity": speakers.fingerprint()}


def load_metrics(names: Sequence[str]) -> Metric:
    """Loads some of `OPTIONAL_METRICS`, as one.

    >>> load_metrics(["spectral_convergence"])(np.ones(400))(np.zeros(400))
    {'spectral_convergence': 1.0}

    Raises:
        ValueError: for an unknown name, or if a metric lacks its package or model.
    """
    unknown = [name for name in names if name not in OPTIONAL_METRICS]
    if unknown:
        raise ValueError(f"no metric {unknown[0]!r}; metrics are: {' '.join(OPTIONAL_METRICS)}")
    chosen = [OPTIONAL_METRICS[name][0]() for name in names]

    def against(natural):
        scorers = [metric(natural) for metric in chosen]
        return lambda waveform: {
            column: value for score in scorers for column, value in score(waveform).items()
        }

    return against
