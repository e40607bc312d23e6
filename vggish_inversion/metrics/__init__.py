"""How much of the speech is left: words, intelligibility, quality, melody, speaker.

Texts are scored without TensorFlow, which `metrics.speakers` alone imports.
"""

from vggish_inversion.metrics.intelligibility import load_stoi, stoi
from vggish_inversion.metrics.intervals import (
    PairedComparison,
    bootstrap_interval,
    compare_paired,
    mean_interval,
    pooled_rate,
)
from vggish_inversion.metrics.normalization import (
    ENGLISH,
    LETTERS,
    WHISPER_ENGLISH,
    normalize_text,
)
from vggish_inversion.metrics.optional import (
    CHEAP_METRICS,
    OPTIONAL_COLUMNS,
    OPTIONAL_METRICS,
    fingerprint_metrics,
    load_metrics,
)
from vggish_inversion.metrics.pitch import PitchErrors, pitch_errors, track_pitch
from vggish_inversion.metrics.signals import log_mel_l1, pesq, spectral_convergence
from vggish_inversion.metrics.text import WordErrors, char_errors, word_errors

__all__ = [
    "CHEAP_METRICS",
    "ENGLISH",
    "LETTERS",
    "OPTIONAL_COLUMNS",
    "OPTIONAL_METRICS",
    "PairedComparison",
    "PitchErrors",
    "WHISPER_ENGLISH",
    "WordErrors",
    "bootstrap_interval",
    "char_errors",
    "compare_paired",
    "fingerprint_metrics",
    "load_metrics",
    "load_stoi",
    "log_mel_l1",
    "mean_interval",
    "normalize_text",
    "pesq",
    "pitch_errors",
    "pooled_rate",
    "spectral_convergence",
    "stoi",
    "track_pitch",
    "word_errors",
]
