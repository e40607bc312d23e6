"""Taps x utterances -> a results folder: a row for each, resumable, with no utterance missing.

`results.csv` gets a row as soon as it is measured; a run that is killed and started again with the
same settings goes on with what is missing. `summary.csv` pools the rows, and `comparisons.csv` says
which differences are more than chance. docs/architecture.md describes the folder.
"""

from vggish_inversion.evaluation.comparisons import compare
from vggish_inversion.evaluation.freshness import forget_inverters
from vggish_inversion.evaluation.grid import Grid
from vggish_inversion.evaluation.measure import evaluate_runs
from vggish_inversion.evaluation.rates import word_error_rates
from vggish_inversion.evaluation.shards import Shard, merge_results
from vggish_inversion.evaluation.summary import limit_text, summarize, summary_text

__all__ = [
    "Grid",
    "Shard",
    "compare",
    "evaluate_runs",
    "forget_inverters",
    "limit_text",
    "merge_results",
    "summarize",
    "summary_text",
    "word_error_rates",
]
