"""What is said of features that are not those of a front end."""

import librosa
import numpy as np
import pytest

from tests import speech
from vggish_inversion import audio, features
from vggish_inversion.targets import front_end_check

_SOUND = audio.read_audio(speech.CLIPS[0])[:24000]
_FRONT_END = features.LogMel(fft_length=512, hop_samples=160, num_bands=40)


def _features(**settings) -> np.ndarray:
    return librosa.feature.melspectrogram(
        **{"y": _SOUND, "sr": 16000, "n_fft": 512, "hop_length": 160, "n_mels": 40, **settings}
    )


def _decibels(**settings) -> np.ndarray:
    return librosa.power_to_db(_features(**settings), top_db=None).T


def test_the_same():
    check = front_end_check.check_front_end(_FRONT_END, _SOUND, _decibels())
    assert check.matches and not check.settings and check.difference < 1e-3
    assert front_end_check.check_front_end(_FRONT_END, _SOUND, _decibels().T[np.newaxis]).matches


@pytest.mark.parametrize(
    ("theirs", "settings"),
    [
        (lambda: _decibels(htk=True), {"mel_scale": "htk"}),
        (lambda: _decibels(norm=None), {"mel_norm": None}),
        (
            lambda: librosa.power_to_db(_features(), ref=np.max).T,
            {"reference": "max", "top_db": 80.0},
        ),
    ],
)
def test_the_setting_that_differs_is_named(theirs, settings):
    check = front_end_check.check_front_end(_FRONT_END, _SOUND, theirs())
    assert not check.matches and check.settings == settings
    for name, value in settings.items():
        assert f"{name}={value!r}" in str(check)


def test_vggish_against_another_offset():
    params = features.LogMelParams()
    theirs = features.waveform_to_log_mel(_SOUND, features.LogMelParams(log_offset=1e-3))
    check = front_end_check.check_front_end(params, _SOUND, theirs)
    assert check.settings == {"offset": 1e-3}


def test_what_nothing_explains():
    noise = np.random.default_rng(0).normal(size=_decibels().shape)
    check = front_end_check.check_front_end(features.Waveform(), _SOUND, -_SOUND)
    assert not check.matches and "no few settings explain it" in str(check)
    check = front_end_check.check_front_end(_FRONT_END, _SOUND, noise[:, :-7])
    assert check.settings == {} and "state frames and bands" in str(check)
    check = front_end_check.check_front_end(_FRONT_END, _SOUND, _decibels(center=False))
    assert check.settings == {"centred": False}
    with pytest.raises(ValueError, match=r"features of shape \[7\]; expected \[151, 40\]"):
        front_end_check.check_front_end(_FRONT_END, _SOUND, np.zeros(7))
