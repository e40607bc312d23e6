"""The columns of results.csv, summary.csv and comparisons.csv, and what may stand in them."""

import math
from collections.abc import Mapping

from vggish_inversion import metrics
from vggish_inversion.results.conditions import KEYS

SCORES = ("num_utterances", "wer", "wer_low", "wer_high", "cer", "stoi", "estoi", "log_mel_l1")
COUNTS = ("num_words", "substitutions", "deletions", "insertions")
MEANS = ("stoi", "estoi", "log_mel_l1", *metrics.OPTIONAL_COLUMNS)
# What a summary alone can say: the trials are pairs of utterances.
OF_CORPUS = tuple(name for columns in metrics.CORPUS_METRICS.values() for name in columns)
# What has a value and an interval of its own.
SCORED = ("wer", "cer", *MEANS, *OF_CORPUS)
# The first columns are for good; the optional ones come after them, empty if not asked for, and
# then the 95 % intervals of all but WER, which has its own among the first.
INTERVALS = tuple(f"{name}_{end}" for name in ("cer", *MEANS) for end in ("low", "high"))
# Words that were never said, per word that was; transcripts of which a part was not believed.
INVENTED = ("insertion_rate", "num_gated")
VERIFIED = tuple(f"{name}{end}" for name in OF_CORPUS for end in ("", "_low", "_high"))
VERIFIED += ("num_speakers", "num_target_trials", "num_other_trials")
SUMMARY_COLUMNS = (*KEYS, *SCORES, *metrics.OPTIONAL_COLUMNS, *INTERVALS, *INVENTED, *VERIFIED)
RESULT_COLUMNS = (
    *KEYS,
    *SCORES,
    *("utterance", "reference", "transcript"),
    *COUNTS,
    "status",
    *metrics.OPTIONAL_COLUMNS,
    "audio_sha256",  # the first 16 digits, of the recording's file
    "normalization",
    "gated",
    "speaker",
)
SIDE_COLUMNS = ("layer", "preset", "loss")
COMPARISON_COLUMNS = (
    *("comparison", "target", "vocoder", "asr"),
    *(f"{name}_a" for name in SIDE_COLUMNS),
    *(f"{name}_b" for name in SIDE_COLUMNS),
    *("num_utterances", "wer_a", "wer_b", "difference", "difference_low", "difference_high"),
    *("p_value", "p_adjusted"),
)


def rules_of(row: Mapping[str, str]) -> str:
    """Under which rules the texts of a row of results.csv are compared; see `normalize_text`."""
    return row.get("normalization") or metrics.ENGLISH  # rows of before say nothing


def word_errors_of(row: Mapping[str, str]) -> metrics.WordErrors:
    """The word errors that were counted for a row of results.csv that has a reference."""
    return metrics.WordErrors(*(int(row[name]) for name in COUNTS))


def is_measured(row: Mapping[str, str]) -> bool:
    """Whether scores and counts of a row of results.csv are numbers, or empty; a word at least."""
    counts = [row[name] for name in COUNTS]
    is_count = [count.isascii() and count.isdecimal() and len(count) < 10 for count in counts]
    has_words = all(is_count) and int(row["num_words"]) > 0
    return has_numbers(row) and (has_words or not any(counts))


def has_numbers(row: Mapping[str, str]) -> bool:
    """Whether the scores of a row of results.csv or summary.csv are numbers, or empty."""
    try:
        names = (*SCORES, *metrics.OPTIONAL_COLUMNS, *INVENTED, *VERIFIED)
        scores = [float(row[name]) for name in names if row.get(name)]
    except ValueError:
        return False
    return not any(map(math.isinf, scores))
