"""Rows of results.csv -> a row per condition, in a file and on the terminal."""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vggish_inversion import metrics
from vggish_inversion.files import documents
from vggish_inversion.results import (
    KEYS,
    MEANS,
    NATURAL,
    OK,
    SUMMARY_COLUMNS,
    Condition,
    has_numbers,
    rules_of,
    word_errors_of,
)

_MAX_NATURAL_WER = 0.15


def summarize(
    rows: Iterable[Mapping[str, str]],
    *,
    layers: Sequence[str],
    verified: Mapping[Condition, Mapping[str, float]] | None = None,
) -> list[dict[str, str | int | float]]:
    """Pools the rows of each condition: errors over words for WER and CER, means for the rest.

    Args:
        rows: of results.csv.
        layers: in the order wanted; a condition that only failed has a row without scores.
        verified: the cells of speaker verification, by condition.
    """
    by_condition = collections.defaultdict(list)
    for row in rows:
        kept = by_condition[Condition(*(row[name] for name in KEYS))]
        if row["status"] == OK:
            kept.append(row)
    summary = []
    for condition in sorted(
        by_condition, key=lambda item: (layers.index(item.layer), *dataclasses.astuple(item))
    ):
        chosen = by_condition[condition]
        entry = dataclasses.asdict(condition) | dict.fromkeys(SUMMARY_COLUMNS[len(KEYS) :], "")
        entry["num_utterances"] = len(chosen)
        spoken = [row for row in chosen if row["num_words"]]
        if spoken:
            words = [word_errors_of(row) for row in spoken]
            chars = [
                metrics.char_errors(row["reference"], row["transcript"], rules_of(row))
                for row in spoken
            ]
            for name, errors in (("wer", words), ("cer", chars)):
                interval = metrics.bootstrap_interval(errors)
                entry |= _figures(name, metrics.pooled_rate(errors), interval)
            invented = sum(item.insertions for item in words)
            entry["insertion_rate"] = round(invented / sum(item.num_words for item in words), 4)
        entry["num_gated"] = sum(bool(row["gated"]) for row in chosen)
        for name in MEANS:
            values = np.array([float(row[name] or "nan") for row in chosen])
            values = values[np.isfinite(values)]
            if values.size:
                entry |= _figures(name, float(values.mean()), metrics.mean_interval(values))
        entry |= (verified or {}).get(condition, {})
        summary.append(entry)
    return summary


def limit_text(results_dir: str | pathlib.Path) -> str:
    """A line for each recogniser that mishears natural speech so often that it is the limit."""
    rows = documents.read_table(pathlib.Path(results_dir) / "summary.csv", SUMMARY_COLUMNS)
    lines = []
    for row in rows:
        if row["layer"] == NATURAL and float(row["wer"] or 0) > _MAX_NATURAL_WER:
            advice = "" if row["asr"] == "whisper" else "; --asr=whisper hears better"
            lines.append(
                f"{row['asr']} gets {100 * float(row['wer']):.0f} % of the words of the recordings "
                f"themselves wrong, so the recogniser is the limit here{advice}"
            )
    return "\n".join(lines)


def _figures(name: str, value: float, interval: tuple[float, float]) -> dict[str, float]:
    """A figure's three columns."""
    low, high = interval
    named = {name: value, f"{name}_low": low, f"{name}_high": high}
    return {column: round(number, 4) for column, number in named.items()}


def summary_text(results_dir: str | pathlib.Path) -> str:
    """The summary as a table for the terminal: rates in percent, distances in nats."""
    path = pathlib.Path(results_dir) / "summary.csv"
    rows = documents.read_table(path, SUMMARY_COLUMNS)
    for number, row in enumerate(rows, 1):
        if not has_numbers(row):
            raise documents.DocumentError(f"{path}: row {number} has no numbers; write it anew")

    def percent(text: str) -> str:
        return f"{100 * float(text):.1f}" if text else "-"

    def decimal(text: str) -> str:
        return f"{float(text):.3f}" if text else "-"

    # Vocoder and recogniser are named where the table has several.
    shown = [
        (name, max(len(name), *(len(row[name]) for row in rows)))
        for name in ("vocoder", "asr")
        if len({row[name] for row in rows} - {""}) > 1
    ]

    def extra(row: Mapping[str, str]) -> str:
        return "".join(f"{row[name]:<{width}} " for name, width in shown)

    is_verified = any(row["speaker_eer"] for row in rows)

    def of_speakers(row: Mapping[str, str] | None) -> str:
        if not is_verified:
            return ""
        return f" {percent(row['speaker_eer']) if row else 'EER %':>5}"

    lines = [
        f"{'layer':<12} {'preset':<6} {extra({'vocoder': 'vocoder', 'asr': 'asr'})}{'n':>3} "
        f"{'WER %':>5} {'(95 %)':>14} {'CER %':>5} {'STOI':>5} {'log-mel L1':>10} "
        f"{'invented %':>10} {'gated':>5}{of_speakers(None)}"
    ]
    for row in rows:
        interval = f"{percent(row['wer_low'])} to {percent(row['wer_high'])}"
        lines.append(
            f"{row['layer']:<12} {row['preset']:<6} {extra(row)}{row['num_utterances']:>3} "
            f"{percent(row['wer']):>5} {interval:>14} {percent(row['cer']):>5} "
            f"{decimal(row['stoi']):>5} {decimal(row['log_mel_l1']):>10} "
            f"{percent(row['insertion_rate']):>10} {row['num_gated']:>5}{of_speakers(row)}"
        )
    return "\n".join(lines)
