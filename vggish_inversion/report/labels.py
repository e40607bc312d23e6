"""The page's names for conditions and measures, and figures with their intervals."""

import dataclasses
from collections.abc import Sequence

from vggish_inversion.report.markup import Html, tag
from vggish_inversion.results import NATURAL, TRUE_LOG_MEL, Condition, Score, Summary

# What the inverters of a page may differ in, beside the layer.
FAMILY_KEYS = ("target", "preset", "loss", "vocoder", "asr")
MISSING = "–"
_NAMES = {NATURAL: "natural", TRUE_LOG_MEL: "true log-mel"}


@dataclasses.dataclass(frozen=True)
class Measure:
    """How a score is shown.

    Attributes:
        field: its column.
        name: short.
        meaning: in words.
        scale: values are multiplied by it.
        decimals: and written with so many.
        step: between ticks of its axis, scaled.
        at_least: what the axis reaches, scaled.
    """

    field: str
    name: str
    meaning: str
    scale: float
    decimals: int
    step: float
    at_least: float

    def write(self, value: float) -> str:
        """A value as it is read."""
        return f"{value * self.scale:.{self.decimals}f}".replace("-", "−")

    def write_interval(self, score: Score) -> str:
        """The interval as it is read; empty if there is none."""
        if score.low is None or score.high is None:
            return ""
        return f"{self.write(score.low)} to {self.write(score.high)}"

    def write_score(self, score: Score) -> str:
        """The value, and its interval in brackets if it has one."""
        interval = self.write_interval(score)
        return f"{self.write(score.value)} ({interval})" if interval else self.write(score.value)


WER = Measure("wer", "WER %", "word error rate, pooled over all words", 100, 1, 25, 100)
MEASURES = (
    WER,
    Measure("cer", "CER %", "character error rate, pooled over all characters", 100, 1, 25, 100),
    Measure("stoi", "STOI", "short-time objective intelligibility, at most 1", 1, 3, 0.25, 1),
    Measure("estoi", "ESTOI", "extended STOI, at most 1", 1, 3, 0.25, 1),
    Measure("log_mel_l1", "log-mel L1", "mean absolute error of the log-mel, nats", 1, 3, 0.25, 1),
    Measure(
        "spectral_convergence",
        "spectral conv.",
        "spectral convergence: relative distance of magnitude spectra, 0 if equal",
        *(1, 3, 0.25, 1),
    ),
    Measure("pesq", "PESQ", "wide-band PESQ, 1 (bad) to 4.64", 1, 2, 1, 5),
    Measure(
        "f0_rmse_cents",
        "F0 error, cents",
        "root mean square error of pitch, hundredths of a semitone, where both are voiced",
        *(1, 0, 100, 200),
    ),
    Measure(
        "voicing_error", "voicing error %", "frames voiced in one of the two alone", 100, 1, 10, 50
    ),
    Measure(
        "speaker_similarity",
        "speaker cos.",
        "cosine of speaker embeddings with the recording's, at most 1",
        *(1, 3, 0.25, 1),
    ),
    Measure(
        "speaker_eer",
        "speaker EER %",
        "equal error rate of speaker verification: 50 at chance, 0 if every voice is known",
        *(100, 1, 10, 50),
    ),
    Measure(
        "speaker_linkability",
        "linkability",
        "linkability of speakers, D_sys: 0 if no voice is known, 1 if every voice is",
        *(1, 3, 0.25, 1),
    ),
)


def measured(summaries: Sequence[Summary]) -> list[Measure]:
    """The measures that some row has, WER always among them."""
    found = {name for row in summaries for name in row.scores}
    return [measure for measure in MEASURES if measure is WER or measure.field in found]


def label_conditions(conditions: Sequence[Condition]) -> dict[Condition, str]:
    """Short names: the layer, and whatever else differs between the inverters compared."""
    inverted = [condition for condition in conditions if not condition.is_reference] or conditions
    telling = telling_keys(inverted)
    return {
        condition: " · ".join(
            [_NAMES.get(condition.layer, condition.layer)]
            + [value for key in telling if (value := getattr(condition, key))]
        )
        for condition in conditions
    }


def telling_keys(conditions: Sequence[Condition]) -> list[str]:
    """The `FAMILY_KEYS` in which the conditions differ."""
    return [key for key in FAMILY_KEYS if len({getattr(item, key) for item in conditions}) > 1]


def number_html(value: float | None, measure: Measure) -> Html:
    """A number as it is read, which carries the exact one for programs."""
    if value is None:
        return tag("span", MISSING, aria_label="not measured")
    return tag("data", measure.write(value), value=repr(value))


def count_text(summaries: Sequence[Summary]) -> str:
    """Over how many utterances some rows are, such as "n = 20 utterances"."""
    counts = sorted({row.num_utterances for row in summaries})
    if not counts:
        return "n = 0 utterances"
    span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"n = {span} utterance{'' if counts == [1] else 's'}"
