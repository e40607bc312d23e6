"""What was rendered and recognised -> a row of results.csv; what was not, too."""

import dataclasses

from vggish_inversion import metrics
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import rendering as renderings
from vggish_inversion.files import failures
from vggish_inversion.results import OK, RESULT_COLUMNS, Condition


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
    if reference and metrics.normalize_text(reference, rules):
        words = metrics.word_errors(reference, transcript, rules)
        row |= {
            "wer": round(words.rate, 6),
            "cer": round(metrics.char_errors(reference, transcript, rules).rate, 6),
            "num_words": words.num_words,
            "substitutions": words.substitutions,
            "deletions": words.deletions,
            "insertions": words.insertions,
        }
    return row
