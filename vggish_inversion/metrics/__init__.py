"""How much of the speech is left: words, intelligibility, quality, melody, speaker.

Texts are scored without TensorFlow, which `metrics.speakers` and `metrics.ge2e` alone import.
"""

from vggish_inversion.metrics.detection import ScoredTrials
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
    CORPUS_METRICS,
    OF_SPEAKERS,
    OPTIONAL_COLUMNS,
    OPTIONAL_METRICS,
    SPEAKER_VERIFICATION,
    load_metrics,
)
from vggish_inversion.metrics.pitch import PitchErrors, pitch_errors, track_pitch
from vggish_inversion.metrics.signals import log_mel_l1, pesq, spectral_convergence
from vggish_inversion.metrics.text import WordErrors, char_errors, word_errors
from vggish_inversion.metrics.verification import Verification, verify_speakers

__all__ = [
    "CHEAP_METRICS",
    "CORPUS_METRICS",
    "ENGLISH",
    "LETTERS",
    "OF_SPEAKERS",
    "OPTIONAL_COLUMNS",
    "OPTIONAL_METRICS",
    "PairedComparison",
    "PitchErrors",
    "SPEAKER_VERIFICATION",
    "ScoredTrials",
    "Verification",
    "WHISPER_ENGLISH",
    "WordErrors",
    "bootstrap_interval",
    "char_errors",
    "compare_paired",
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
    "verify_speakers",
    "word_errors",
]
