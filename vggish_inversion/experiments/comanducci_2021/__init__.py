"""The paper's experiment as one call: what it will take, all its steps, its numbers beside ours.

Source: Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL 2021).
"""

from vggish_inversion.experiments.comanducci_2021.experiment import (
    RECIPES,
    Experiment,
    Outcome,
    reproduce,
)
from vggish_inversion.experiments.comanducci_2021.plan import describe_plan
from vggish_inversion.experiments.comanducci_2021.published import (
    COMPARISON_COLUMNS,
    PUBLISHED,
    comparison_text,
    published_scores,
    write_comparison,
)

__all__ = [
    "COMPARISON_COLUMNS",
    "PUBLISHED",
    "RECIPES",
    "Experiment",
    "Outcome",
    "comparison_text",
    "describe_plan",
    "published_scores",
    "reproduce",
    "write_comparison",
]
