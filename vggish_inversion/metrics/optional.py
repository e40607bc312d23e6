"""The metrics that are asked for beside WER, CER, STOI, ESTOI and log-mel L1."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vggish_inversion.metrics import pitch, signals

# From the natural waveform to what scores a rendering of it: `waveform -> {column: value}`. What
# only the natural waveform decides is thus computed once for all its renderings.
Metric = Callable[[np.ndarray], Callable[[np.ndarray], Mapping[str, float]]]
# Waveform at 16 kHz -> embedding of its speaker; see `speakers.load_speaker_encoder`.
Embed = Callable[[np.ndarray], np.ndarray]


def _load_spectral_convergence(_: Embed | None) -> Metric:
    return lambda natural: lambda waveform: {
        "spectral_convergence": signals.spectral_convergence(natural, waveform)
    }


def _load_pesq(_: Embed | None) -> Metric:
    signals.import_pesq()
    return lambda natural: lambda waveform: {"pesq": signals.pesq(natural, waveform)}


def _load_f0(_: Embed | None) -> Metric:
    def against(natural):
        reference = pitch.track_pitch(natural)

        def score(waveform):
            errors = pitch.pitch_errors(reference, pitch.track_pitch(waveform))
            return {"f0_rmse_cents": errors.f0_rmse_cents, "voicing_error": errors.voicing_error}

        return score

    return against


def _load_speaker_similarity(embed: Embed | None) -> Metric:
    from vggish_inversion.metrics import speakers  # imports TensorFlow

    embed = embed or speakers.load_speaker_encoder()

    def against(natural):
        reference = embed(natural)
        return lambda waveform: {"speaker_similarity": speakers.cosine(reference, embed(waveform))}

    return against


# Name -> what loads it, and its columns.
OPTIONAL_METRICS: dict[str, tuple[Callable[[Embed | None], Metric], tuple[str, ...]]] = {
    "spectral_convergence": (_load_spectral_convergence, ("spectral_convergence",)),
    "f0": (_load_f0, ("f0_rmse_cents", "voicing_error")),
    "speaker_similarity": (_load_speaker_similarity, ("speaker_similarity",)),
    "pesq": (_load_pesq, ("pesq",)),
}
CHEAP_METRICS = ("spectral_convergence",)
# What is of a corpus, and not of its utterances one by one, with its columns in summary.csv.
SPEAKER_VERIFICATION = "speaker_verification"
CORPUS_METRICS = {SPEAKER_VERIFICATION: ("speaker_eer", "speaker_linkability")}
OF_SPEAKERS = ("speaker_similarity", SPEAKER_VERIFICATION)
OPTIONAL_COLUMNS = tuple(name for _, columns in OPTIONAL_METRICS.values() for name in columns)


def load_metrics(names: Sequence[str], *, embed: Embed | None = None) -> Metric:
    """Loads some of `OPTIONAL_METRICS`, as one; `CORPUS_METRICS` give nothing here.

    >>> load_metrics(["spectral_convergence"])(np.ones(400))(np.zeros(400))
    {'spectral_convergence': 1.0}

    Args:
        names: of the metrics.
        embed: what those of speakers embed with; the shipped small encoder if None.

    Raises:
        ValueError: for an unknown name, or if a metric lacks its package or model.
    """
    known = (*OPTIONAL_METRICS, *CORPUS_METRICS)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no metric {unknown[0]!r}; metrics are: {' '.join(known)}")
    chosen = [OPTIONAL_METRICS[name][0](embed) for name in names if name in OPTIONAL_METRICS]

    def against(natural):
        scorers = [metric(natural) for metric in chosen]
        return lambda waveform: {
            column: value for score in scorers for column, value in score(waveform).items()
        }

    return against
