"""The tables of a results folder: rows of results.csv, and what follows from them.

A row of results.csv says what was rendered and recognised, or what was not; summary.csv and
comparisons.csv are made of all rows.
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping, Sequence

from vggish_inversion import metrics as measures
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import comparisons, summary, verification
from vggish_inversion.evaluation import rendering as renderings
from vggish_inversion.files import failures
from vggish_inversion.results import (
    COMPARISON_COLUMNS,
    OK,
    RESULT_COLUMNS,
    SUMMARY_COLUMNS,
    Condition,
    write_table,
)


def failed_row(utterance: corpora.Utterance, condition: Condition, reason: str) -> dict:
    """A row of results.csv that says why there is no measurement."""
    return {
        **dict.fromkeys(RESULT_COLUMNS, ""),
        **dataclasses.asdict(condition),
        "num_utterances": 0,
        "utterance": utterance.id,
        "reference": utterance.text or "",
        "speaker": utterance.speaker or "",
        "status": " ".join(reason.split()),
    }


def scored_row(
    rendering: renderings.Rendering, condition: Condition, transcript: str | Exception, rules: str
) -> dict:
    """A row of results.csv; a transcript that is an exception makes it that failure's.

    Args:
        rendering: what was heard.
        condition: under which.
        transcript: what was recognised.
        rules: under which texts are compared; see `metrics.normalize_text`.
    """
    if isinstance(transcript, Exception):
        reason = f"{condition.asr} failed: {failures.in_one_line(transcript)}"
        return failed_row(rendering.utterance, condition, reason)
    row = {
        **failed_row(rendering.utterance, condition, OK),
        "num_utterances": 1,
        "transcript": str(transcript),
        "normalization": rules,
        "gated": getattr(transcript, "reason", ""),
        **{name: round(value, 6) for name, value in rendering.scores.items()},
    }
    reference = rendering.utterance.text
    if reference and measures.normalize_text(reference, rules):
        words = measures.word_errors(reference, transcript, rules)
        row |= {
            "wer": round(words.rate, 6),
            "cer": round(measures.char_errors(reference, transcript, rules).rate, 6),
            "num_words": words.num_words,
            "substitutions": words.substitutions,
            "deletions": words.deletions,
            "insertions": words.insertions,
        }
    return row


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
    verified = verification.verify(rows, folder) if measures.SPEAKER_VERIFICATION in metrics else {}
    pooled = summary.summarize(rows, layers=layers, verified=verified)
    write_table(folder / "summary.csv", SUMMARY_COLUMNS, pooled)
    compared = comparisons.compare(rows, layers=layers)
    write_table(folder / "comparisons.csv", COMPARISON_COLUMNS, compared)
