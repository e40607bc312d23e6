"""Writes the tables that follow from results.csv: summary.csv and comparisons.csv."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence

from vggish_inversion.evaluation import comparisons, summary, verification
from vggish_inversion.metrics import SPEAKER_VERIFICATION
from vggish_inversion.results import COMPARISON_COLUMNS, SUMMARY_COLUMNS, write_table


def write_derived(
    rows: Iterable[Mapping[str, str]],
    folder: pathlib.Path,
    *,
    layers: Sequence[str],
    metrics: Sequence[str] = (),
) -> None:
    """Writes summary.csv and comparisons.csv.

    Args:
        rows: of results.csv, in its order.
        folder: the results folder.
        layers: in the order wanted, with the references first.
        metrics: that were asked for; of those of a whole corpus, the folder holds the parts.

    Raises:
        ValueError: if a row is of a layer that is not there.
    """
    rows = list(rows)
    strange = sorted({row["layer"] for row in rows} - set(layers))
    if strange:
        raise ValueError(
            f"{folder / 'results.csv'} has the layer {strange[0][:80]!r}, which the target lacks; "
            "use another output folder"
        )
    verified = verification.verify(rows, folder) if SPEAKER_VERIFICATION in metrics else {}
    pooled = summary.summarize(rows, layers=layers, verified=verified)
    write_table(folder / "summary.csv", SUMMARY_COLUMNS, pooled)
    compared = comparisons.compare(rows, layers=layers)
    write_table(folder / "comparisons.csv", COMPARISON_COLUMNS, compared)
