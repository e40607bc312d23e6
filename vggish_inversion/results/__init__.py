"""A results folder: its conditions and columns, where a clip lies in it, writing and reading it.

What writes a row and what reads it agree here, and nowhere else; nothing imports TensorFlow.
"""

from vggish_inversion.results.columns import (
    COMPARISON_COLUMNS,
    COUNTS,
    MEANS,
    RESULT_COLUMNS,
    SCORED,
    SIDE_COLUMNS,
    SUMMARY_COLUMNS,
    VERIFIED,
    has_numbers,
    is_measured,
    rules_of,
    word_errors_of,
)
from vggish_inversion.results.conditions import (
    KEYS,
    NATURAL,
    OK,
    REFERENCES,
    SUFFIXES,
    TRUE_LOG_MEL,
    Condition,
    inverter_name,
)
from vggish_inversion.results.folder import (
    Comparison,
    Reconstruction,
    Results,
    ResultsError,
    Score,
    Summary,
    delete_clips,
    delete_results,
    short_command,
)
from vggish_inversion.results.forgetting import forget_inverters
from vggish_inversion.results.reading import read_results
from vggish_inversion.results.writing import (
    FINGERPRINTED,
    PARTS,
    SHARED_SETTINGS,
    ResultsTable,
    check_results_vacant,
    count_utterances,
    open_results,
    write_table,
)

__all__ = [
    "COMPARISON_COLUMNS",
    "COUNTS",
    "Comparison",
    "Condition",
    "FINGERPRINTED",
    "KEYS",
    "MEANS",
    "NATURAL",
    "OK",
    "PARTS",
    "REFERENCES",
    "RESULT_COLUMNS",
    "Reconstruction",
    "Results",
    "ResultsError",
    "ResultsTable",
    "SCORED",
    "SHARED_SETTINGS",
    "SIDE_COLUMNS",
    "SUFFIXES",
    "SUMMARY_COLUMNS",
    "Score",
    "Summary",
    "TRUE_LOG_MEL",
    "VERIFIED",
    "check_results_vacant",
    "count_utterances",
    "delete_clips",
    "delete_results",
    "forget_inverters",
    "has_numbers",
    "inverter_name",
    "is_measured",
    "open_results",
    "read_results",
    "rules_of",
    "word_errors_of",
    "short_command",
    "write_table",
]
