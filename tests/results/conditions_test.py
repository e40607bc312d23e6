"""Where a clip lies: one place per condition, whatever it is called."""

import itertools
import pathlib

from vggish_inversion.results import KEYS, Condition

_NAMES = ("", "a", "A", "a-a", "a/a", "runs/a/v", "runs/b/v", "v", "V", "..", "griffin_lim")


def _condition(layer, preset="", loss="", vocoder="", asr="pocketsphinx"):
    return Condition("vggish", layer, preset, loss, vocoder, asr)


def test_usual_conditions_lie_where_they_lay():
    for condition, audio, log_mel in (
        (_condition("natural"), "natural", "natural"),
        (_condition("true_log_mel", vocoder="griffin_lim"), "true_log_mel", "true_log_mel"),
        (_condition("true_log_mel", vocoder="vocos"), "true_log_mel-vocos", "true_log_mel"),
        (_condition("pool4", "large", "l1", "griffin_lim"), "pool4/large-l1", "pool4/large-l1"),
        (_condition("pool4", "large", "l1", "vocos"), "pool4/large-l1-vocos", "pool4/large-l1"),
    ):
        for kind, folder, suffix in (("audio", audio, "wav"), ("log_mel", log_mel, "npy")):
            expected = f"{kind}/{folder}/LJ050-0001.{suffix}"
            assert condition.clip(kind, "LJ050-0001") == expected
            assert condition.former_clip(kind, "LJ050-0001") == expected


def test_no_two_sounds_meet_in_a_folder():
    made = {}
    for layer, preset, loss, vocoder in itertools.product(_NAMES[1:], _NAMES, _NAMES[:4], _NAMES):
        condition = _condition(layer, preset, loss, vocoder)
        for kind, sound in (("audio", condition), ("log_mel", (layer, preset, loss))):
            assert made.setdefault(condition.folder(kind).casefold(), sound) == sound


def test_the_recogniser_changes_no_place():
    one, other = (_condition("pool4", "large", "l1", "vocos", asr) for asr in ("a", "runs/b"))
    assert one.clip("audio", "x") == other.clip("audio", "x")


def test_utterances_may_lie_in_subfolders_and_nowhere_else():
    condition = _condition("natural")
    assert condition.clip("audio", "speaker/a b") == "audio/natural/speaker/a b.wav"
    for utterance in ("../../secret", "/etc/passwd", "a\0b", "語" * 80, "a/" * 100, "..", "a\\b"):
        path = pathlib.PurePosixPath(condition.clip("audio", utterance))
        assert path.parts[:2] == ("audio", "natural")
        assert ".." not in path.parts
        assert max(len(part.encode()) for part in path.parts) < 230


def test_keys_are_the_first_columns():
    assert KEYS == ("target", "layer", "preset", "loss", "vocoder", "asr")
