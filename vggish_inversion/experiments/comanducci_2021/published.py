"""The published reconstructions' scores, and the table that puts them beside new ones.

The paper prints curves; these numbers were computed anew from the waveforms that its authors
published: one utterance, LJ050-0099 (21 words), by PocketSphinx 5.1.1. STOI and log-mel L1 are
against the authors' own ground truth, which is itself Griffin-Lim's, so a perfect inverter would
have the row `true_log_mel`. One utterance tells what to expect, not more: a word is 5 % WER.

Source: Comanducci et al., IEEE SPL 2021, and the audio published with it.
"""

import pathlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from vggish_inversion import report, results
from vggish_inversion.files import documents

_ASR, _VOCODER = "pocketsphinx", "griffin_lim"


class Scores(NamedTuple):
    """Of one published reconstruction; None where it is not known.

    Attributes:
        wer: a fraction.
        stoi: at most 1.
        log_mel_l1: nats.
    """

    wer: float
    stoi: float
    log_mel_l1: float | None


# Target (of small encoders the family: means over its six tasks), layer, loss -> scores. The
# embedding that the paper calls fc2 was tapped behind a ReLU. Of the small encoders one L1 is
# known: RecCNN's, by the STOI beside it.
PUBLISHED: Mapping[tuple[str, str, str], Scores] = {
    ("vggish", "true_log_mel", ""): Scores(0.19, 0.82, 0.51),
    ("vggish", "pool1", "l1"): Scores(0.19, 0.818, 0.527),
    ("vggish", "pool1", "gan"): Scores(0.33, 0.796, 0.550),
    ("vggish", "pool2", "l1"): Scores(0.14, 0.807, 0.525),
    ("vggish", "pool2", "gan"): Scores(0.38, 0.766, 0.589),
    ("vggish", "pool3", "l1"): Scores(0.43, 0.789, 0.551),
    ("vggish", "pool3", "gan"): Scores(0.52, 0.733, 0.656),
    ("vggish", "pool4", "l1"): Scores(0.52, 0.751, 0.614),
    ("vggish", "pool4", "gan"): Scores(0.57, 0.702, 0.696),
    ("vggish", "fc1_1", "l1"): Scores(1.24, 0.453, 1.04),
    ("vggish", "fc1_1", "gan"): Scores(1.14, 0.433, 1.09),
    ("vggish", "fc1_2", "l1"): Scores(1.05, 0.315, 1.20),
    ("vggish", "fc1_2", "gan"): Scores(1.14, 0.247, 1.35),
    ("vggish", "fc2_relu", "l1"): Scores(1.00, 0.284, 1.38),
    ("vggish", "fc2_relu", "gan"): Scores(1.33, 0.258, 1.45),
    ("small_encoder", "true_log_mel", ""): Scores(0.19, 0.82, 0.51),
    ("small_encoder", "layer_0", "l1"): Scores(0.21, 0.822, 0.516),
    ("small_encoder", "layer_0", "gan"): Scores(0.24, 0.802, None),
    ("small_encoder", "layer_1", "l1"): Scores(0.30, 0.817, 0.525),
    ("small_encoder", "layer_1", "gan"): Scores(0.48, 0.714, None),
    ("small_encoder", "layer_2", "l1"): Scores(0.42, 0.811, 0.524),
    ("small_encoder", "layer_2", "gan"): Scores(0.47, 0.744, None),
    ("small_encoder", "layer_3", "l1"): Scores(0.52, 0.777, 0.569),
    ("small_encoder", "layer_3", "gan"): Scores(0.64, 0.734, None),
    ("small_encoder", "layer_6", "l1"): Scores(1.02, 0.316, 1.295),
    ("small_encoder", "layer_6", "gan"): Scores(1.20, 0.269, None),
}

COMPARISON_COLUMNS = (*results.KEYS, "num_utterances", "wer", "published_wer", "wer_low")
COMPARISON_COLUMNS += ("wer_high", "stoi", "published_stoi", "log_mel_l1", "published_log_mel_l1")


def published_scores(row: Mapping[str, str]) -> dict[str, float | None]:
    """The published columns of a row of summary.csv; None where nothing matches.

    Scores are of Griffin-Lim and the paper's preset; a WER is PocketSphinx' and no other's.
    """
    family = row["target"].partition("/")[0]
    scores = PUBLISHED.get((family, row["layer"], row["loss"]))
    if scores is None or row["vocoder"] != _VOCODER or row["preset"] not in ("", "paper"):
        return dict.fromkeys((f"published_{name}" for name in Scores._fields), None)
    kept = {f"published_{name}": value for name, value in scores._asdict().items()}
    return kept if row["asr"] == _ASR else kept | {"published_wer": None}


def write_comparison(
    results_dir: str | pathlib.Path, path: str | pathlib.Path
) -> list[dict[str, str | float | None]]:
    """Writes the summary of a results folder with the published scores beside it.

    Args:
        results_dir: holds summary.csv.
        path: of the table, with the columns `COMPARISON_COLUMNS`.

    Returns:
        Its rows.
    """
    source = pathlib.Path(results_dir) / "summary.csv"
    summary = documents.read_table(source, results.SUMMARY_COLUMNS)
    for number, row in enumerate(summary, 1):
        if not results.has_numbers(row):
            raise documents.DocumentError(f"{source}: row {number} has no numbers; write it anew")
    rows = [
        {name: {**row, **published_scores(row)}[name] for name in COMPARISON_COLUMNS}
        for row in summary
    ]
    results.write_table(pathlib.Path(path), COMPARISON_COLUMNS, rows)
    return rows


def page_table(rows: Iterable[Mapping]) -> report.ExtraTable:
    """The comparison for the page: ours with the interval of WER, and the published beside it."""

    def cell(value: str | float | None, scale: float, decimals: int) -> str:
        return "–" if value in (None, "") else f"{scale * float(value):.{decimals}f}"

    lines = []
    for row in rows:
        wer, low, high = (cell(row[name], 100, 1) for name in ("wer", "wer_low", "wer_high"))
        name = f"{row['layer']} {row['preset']} {row['loss']}".strip()
        line = [name, row["asr"], str(row["num_utterances"]), f"{wer} ({low} to {high})"]
        line.append(cell(row["published_wer"], 100, 0))
        for score in ("stoi", "log_mel_l1"):
            line += [cell(row[score], 1, 3), cell(row[f"published_{score}"], 1, 3)]
        lines.append(line)
    header = ("layer", "recogniser", "n", "WER % (95 %)", "published", "STOI", "published")
    return report.ExtraTable(
        "Beside the published figures",
        "“published”: the reconstructions of one utterance (n = 1, so without an interval) that "
        "the paper’s authors put online, scored anew; their STOI and log-mel L1 are against a "
        "vocoded recording. One word of it is 5 % WER. Ours: n utterances; the intervals of STOI "
        "and log-mel L1 are in the summary.",
        (*header, "log-mel L1", "published"),
        lines,
    )


def comparison_text(rows: Iterable[Mapping]) -> str:
    """The comparison for the terminal: rates in percent, distances in nats, `ours (published)`."""

    def cell(row: Mapping, name: str, scale: float, decimals: int) -> str:
        ours, published = (
            "-" if value in (None, "") else f"{scale * float(value):.{decimals}f}"
            for value in (row[name], row[f"published_{name}"])
        )
        return f"{ours} ({published})"

    header = ("WER %", "STOI", "log-mel L1")
    lines = [
        f"{'layer':<12} {'loss':<4} {'asr':<14} {'n':>3} " + "".join(map("{:>16}".format, header))
    ]
    for row in rows:
        cells = [cell(row, "wer", 100, 1), cell(row, "stoi", 1, 3), cell(row, "log_mel_l1", 1, 3)]
        lines.append(
            f"{row['layer']:<12} {row['loss']:<4} {row['asr'][:14]:<14} {row['num_utterances']:>3} "
            + "".join(map("{:>16}".format, cells))
        )
    lines += [
        "in brackets: the published reconstructions of one utterance, scored anew; their STOI and",
        "log-mel L1 are against a vocoded recording: true_log_mel has what a perfect inverter has",
    ]
    return "\n".join(lines)
