"""Word error rate against the patches that inverters were trained on, as a picture."""

import collections
import pathlib
from collections.abc import Sequence

import numpy as np

from vggish_inversion.report.labels import WER
from vggish_inversion.report.tables import patches_seen_rows
from vggish_inversion.results import TRUE_LOG_MEL, Results

_MARKERS = "osD^vP"


def draw_patches(
    folders: Sequence[Results], layers: Sequence[str], path: str | pathlib.Path
) -> pathlib.Path:
    """Draws a panel per target, clips, vocoder and recogniser, with a curve per tap and inverter.

    What was measured at one length only is left out where something else was at several. Bars are
    95 % intervals; the dashed line is the vocoder on the true log-mel.

    Args:
        folders: whose inverters saw more or fewer patches.
        layers: taps.
        path: of the picture; its ending says the format, such as `.svg` or `.png`.

    Returns:
        The path.

    Raises:
        ResultsError: as `tables.patches_seen_rows`.
    """
    from matplotlib import figure, ticker

    panels = collections.defaultdict(lambda: collections.defaultdict(list))
    floors = {}
    for results, row, patches in patches_seen_rows(folders, layers):
        condition = row.condition
        panel = (results.clips, condition.target, condition.vocoder, condition.asr)
        curve = f"{condition.layer}, {condition.preset} {condition.loss}"
        panels[panel][curve].append((patches, row))
        for other in results.summaries:
            same = (other.condition.vocoder, other.condition.asr) == (
                condition.vocoder,
                condition.asr,
            )
            if other.condition.layer == TRUE_LOG_MEL and same and WER.field in other.scores:
                floors[panel] = other
    # One length alone shows nothing of what more training brings.
    told = {key: curves for key, curves in panels.items() if max(map(len, curves.values())) > 1}
    panels = told or panels
    canvas = figure.Figure(figsize=(6.4, 4.0 * len(panels)), layout="constrained")
    grid = np.atleast_1d(canvas.subplots(len(panels)))
    for axes, (panel, curves) in zip(grid, panels.items(), strict=True):
        for index, (label, points) in enumerate(curves.items()):
            patches, values, below, above = np.array([_point(*point) for point in points]).T
            counts = sorted({row.num_utterances for _, row in points})
            axes.errorbar(
                patches,
                values,
                yerr=(below, above),
                marker=_MARKERS[index % len(_MARKERS)],
                capsize=3,
                label=f"{label} (n = {' or '.join(map(str, counts))})",
            )
        if panel in floors:
            row = floors[panel]
            text = f"true log-mel, n = {row.num_utterances}: {WER.write_score(row.scores['wer'])}"
            level = 100 * row.scores["wer"].value
            axes.axhline(level, color="0.3", linestyle="--", linewidth=1, label=text)
        axes.set(xscale="log", ylim=(0, None), xlabel="patches seen", ylabel="WER %, 95 % interval")
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axes.set_title(", ".join(panel), fontsize="small")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(path)
    return path


def _point(patches: int, row) -> tuple[float, float, float, float]:
    """Where it stands, in percent, and how far its interval reaches down and up."""
    score = row.scores["wer"]
    low = score.value if score.low is None else score.low
    high = score.value if score.high is None else score.high
    return patches, 100 * score.value, 100 * (score.value - low), 100 * (high - score.value)
