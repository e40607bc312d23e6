"""Taps x utterances -> a results folder: a row for each, resumable, with no utterance missing.

`results.csv` gets a row as soon as it is measured; a run that is killed and started again with the
same settings goes on with what is missing. `summary.csv` pools the rows. docs/architecture.md
describes the folder.
"""

from vggish_inversion.evaluation.measure import evaluate, evaluate_runs
from vggish_inversion.evaluation.results import OK, RESULT_COLUMNS, SUMMARY_COLUMNS, Condition
from vggish_inversion.evaluation.summary import summarize, summary_text

__all__ = [
    "OK",
    "RESULT_COLUMNS",
    "SUMMARY_COLUMNS",
    "Condition",
    "evaluate",
    "evaluate_runs",
    "summarize",
    "summary_text",
]
