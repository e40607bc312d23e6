"""Gates against hypotheses whose numbers were seen: natural speech, layers, noise."""

import pytest

from vggish_inversion import asr
from vggish_inversion.asr import gates

_SENTENCE = "The birch canoe slid on the smooth planks."


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        (gates.Hypothesis(_SENTENCE, -0.2, 0.01), ""),
        (gates.Hypothesis(_SENTENCE, -1.49, 0.6), ""),  # doubted, and spoken
        (gates.Hypothesis(_SENTENCE, -0.99, 0.95), ""),  # a quiet voice that is understood
        (gates.Hypothesis(_SENTENCE, -1.01, 0.61), "no speech: probability 0.61, over 0.6, with"),
        (gates.Hypothesis("I'm going to go to the bathroom.", -1.91, 0.91), "no speech: "),
        (gates.Hypothesis("I'm sorry.", -2.15, 0.42), "low confidence: log-probability -2.15 a"),
        (gates.Hypothesis("I'm so sorry. " * 9, -0.2, 0.0), "repeats itself: compression ratio "),
        (gates.Hypothesis("No, no, no, no!", -0.3, 0.0), ""),  # few words repeat in good faith
    ],
)
def test_each_gate_has_its_reason(heard, reason):
    found = gates.Gates().reason(heard)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)
    assert gates.OPEN.reason(heard) == ""
    joined = gates.Gates().join([heard])
    assert joined == ("" if reason else heard.text)
    assert getattr(joined, "reason", "") == found


def test_a_window_that_is_gated_takes_no_other_with_it():
    first, second = gates.Hypothesis(_SENTENCE, -0.3), gates.Hypothesis("It rains.", -0.4)
    invented = gates.Hypothesis("Thank you.", -2.0)
    gated = gates.Gates().join([first, invented, second])
    assert gated == f"{_SENTENCE} It rains."
    assert isinstance(gated, asr.GatedTranscript)
    assert gated.reason.startswith("low confidence")
    whole = gates.Gates().join([first, second])
    assert whole == gated
    assert not isinstance(whole, asr.GatedTranscript)


def test_nothing_said_is_nothing_invented():
    heard = gates.Gates().join([gates.Hypothesis("", -7.0, 0.99)])
    assert heard == ""
    assert not isinstance(heard, asr.GatedTranscript)
    assert gates.Gates().join([]) == ""


def test_what_goes_round_is_cut_or_repeats_itself():
    assert not gates.goes_round(gates.Hypothesis(_SENTENCE))
    assert gates.goes_round(gates.Hypothesis(_SENTENCE, is_cut=True))
    assert gates.goes_round(gates.Hypothesis(_SENTENCE * 9))


def test_settings_name_each_threshold():
    said = str(gates.Gates(max_compression_ratio=2.5, min_log_probability=-1.75))
    for number in ("2.5", "0.6", "-1.0", "-1.75"):
        assert number in said
