"""What a recogniser invents, told from what it heard: gates, each with its reason."""

import dataclasses
import math
import zlib
from collections.abc import Sequence

from vggish_inversion.asr.transcriber import GatedTranscript

# A text that compresses better than this repeats itself: OpenAI's own threshold.
MAX_COMPRESSION_RATIO = 2.4
# OpenAI's own rule too: no speech by the first step, and a text that its decoder doubts.
MAX_NO_SPEECH_PROBABILITY = 0.6
MIN_LOG_PROBABILITY_WITHOUT_SPEECH = -1.0
# Texts of natural speech are above -0.75, of layer_3 above -1.3; nearly all that is invented on
# noise, and at layer_5 and layer_6, is below. docs/benchmarks.md has the table.
MIN_LOG_PROBABILITY = -1.5


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """What a decoder makes of a window.

    Attributes:
        text: that it wrote.
        log_probability: of its tokens, the mean in nats.
        no_speech_probability: that the window holds no speech, by the decoder's first step.
        is_cut: whether the decoder was still writing at the longest text that it may write.
    """

    text: str
    log_probability: float = 0.0
    no_speech_probability: float = 0.0
    is_cut: bool = False


@dataclasses.dataclass(frozen=True)
class Gates:
    """Which hypotheses are not believed: those that repeat themselves, or that nobody said.

    Attributes:
        max_compression_ratio: of a text; see `compression_ratio`.
        max_no_speech_probability: of a window whose text is doubted, as the next one says.
        min_log_probability_without_speech: in nats a token, of a window over that probability.
        min_log_probability: in nats a token, of any window.
    """

    max_compression_ratio: float = MAX_COMPRESSION_RATIO
    max_no_speech_probability: float = MAX_NO_SPEECH_PROBABILITY
    min_log_probability_without_speech: float = MIN_LOG_PROBABILITY_WITHOUT_SPEECH
    min_log_probability: float = MIN_LOG_PROBABILITY

    def __str__(self) -> str:
        """What is not believed, as a run's settings say it."""
        return (
            f"compression ratio over {self.max_compression_ratio}; no speech over "
            f"{self.max_no_speech_probability} with log-probability under "
            f"{self.min_log_probability_without_speech}; log-probability under "
            f"{self.min_log_probability}"
        )

    def reason(self, heard: Hypothesis) -> str:
        """Why a hypothesis is not believed, in one line; "" if it is.

        >>> Gates().reason(Hypothesis("Thank you.", log_probability=-1.8))
        'low confidence: log-probability -1.80 a token, under -1.5'
        """
        ratio, doubt = compression_ratio(heard.text), heard.log_probability
        if ratio > self.max_compression_ratio:
            return (
                f"repeats itself: compression ratio {ratio:.1f}, over {self.max_compression_ratio}"
            )
        least = self.min_log_probability_without_speech
        if heard.no_speech_probability > self.max_no_speech_probability and doubt < least:
            return (
                f"no speech: probability {heard.no_speech_probability:.2f}, over "
                f"{self.max_no_speech_probability}, with log-probability {doubt:.2f} a token, "
                f"under {least}"
            )
        if doubt < self.min_log_probability:
            return (
                f"low confidence: log-probability {doubt:.2f} a token, under "
                f"{self.min_log_probability}"
            )
        return ""

    def join(self, heard: Sequence[Hypothesis]) -> str:
        """The texts of a clip's windows, without those that are not believed.

        Returns:
            The text; a `GatedTranscript`, with the first reason, if one is left out.
        """
        reasons = [self.reason(item) if item.text else "" for item in heard]
        kept = [
            item.text for item, why in zip(heard, reasons, strict=True) if item.text and not why
        ]
        text = " ".join(kept)
        first = next(filter(None, reasons), None)
        return GatedTranscript(text, first) if first else text


OPEN = Gates(math.inf, 1.0, -math.inf, -math.inf)  # everything is believed


def goes_round(heard: Hypothesis) -> bool:
    """Whether a text repeats itself, or was still being written where it had to end."""
    return heard.is_cut or compression_ratio(heard.text) > MAX_COMPRESSION_RATIO


def compression_ratio(text: str) -> float:
    """Bytes of a text over bytes of it deflated; 0 for an empty one.

    >>> compression_ratio("and then " * 40) > MAX_COMPRESSION_RATIO
    True
    """
    contents = text.encode()
    return len(contents) / len(zlib.compress(contents)) if contents else 0.0
