"""Front ends against the libraries that people make features with."""

import json

import keras
import librosa
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from vggish_inversion import features

_RATE = 22050
_NOISE = np.random.default_rng(0).normal(0, 0.1, _RATE).astype(np.float32)
_SOUND = (_NOISE + 0.3 * np.sin(np.arange(_RATE) * 2 * np.pi * 440 / _RATE)).astype(np.float32)


def _made(front_end) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(front_end(_SOUND[np.newaxis])))[0]


def _librosa(**settings) -> np.ndarray:
    usual = {"y": _SOUND, "sr": _RATE, "n_fft": 1024, "hop_length": 256, "n_mels": 80}
    return librosa.feature.melspectrogram(**{**usual, **settings})


def _log_mel(**settings) -> features.LogMel:
    usual = {"sample_rate_hz": _RATE, "fft_length": 1024, "hop_samples": 256, "num_bands": 80}
    return features.LogMel(**{**usual, "patch_samples": _RATE, **settings})


@pytest.mark.parametrize(
    ("front_end", "expected"),
    [
        (_log_mel(), lambda: librosa.power_to_db(_librosa(), top_db=None)),
        (
            _log_mel(reference="max", top_db=80.0),
            lambda: librosa.power_to_db(_librosa(), ref=np.max),
        ),
        (
            _log_mel(mel_scale="htk", mel_norm=None, low_hz=50.0, high_hz=8000.0),
            lambda: librosa.power_to_db(
                _librosa(htk=True, norm=None, fmin=50.0, fmax=8000.0), top_db=None
            ),
        ),
        (
            _log_mel(power=1.0, minimum=1e-5),
            lambda: librosa.amplitude_to_db(_librosa(power=1), top_db=None),
        ),
        (
            _log_mel(log="natural", offset=1e-6, minimum=0.0, padding="reflect"),
            lambda: np.log(_librosa(pad_mode="reflect") + 1e-6),
        ),
        (
            _log_mel(log="log10", minimum=1e-8, window_samples=800, window="hamming"),
            lambda: np.log10(np.maximum(_librosa(win_length=800, window="hamming"), 1e-8)),
        ),
        (_log_mel(log=None, centred=False), lambda: _librosa(center=False)),
    ],
    ids=["db", "db of the maximum", "htk", "amplitude", "natural", "log10", "uncentred power"],
)
def test_mel_as_librosa_makes_it(front_end, expected):
    theirs = expected().T
    made = _made(front_end)
    assert made.shape == front_end.shape == theirs.shape
    np.testing.assert_allclose(made, theirs, rtol=1e-3, atol=2e-3)


def test_spectrogram_as_scipy_makes_it():
    front_end = features.LogSpectrogram(
        sample_rate_hz=_RATE, fft_length=512, window_samples=400, hop_samples=160, centred=False,
        power=1.0, log="natural", offset=0.01, minimum=0.0, num_bins=100, patch_samples=_RATE,
    )  # fmt: skip
    window = scipy.signal.get_window("hann", 400)
    starts = range(0, _RATE - 400 + 1, 160)
    frames = np.stack([_SOUND[start : start + 400] * window for start in starts])
    expected = np.log(np.abs(np.fft.rfft(frames, 512)) + 0.01)[:, :100]
    np.testing.assert_allclose(_made(front_end), expected, atol=1e-4)


@pytest.mark.parametrize("how", ["clip", "band", "min_max"])
def test_normalised(how):
    made = _made(_log_mel(normalisation=how))
    axis = 0 if how == "band" else None
    if how == "min_max":
        np.testing.assert_allclose([made.min(), made.max()], [0, 1], atol=1e-6)
    else:
        np.testing.assert_allclose(made.mean(axis=axis), 0, atol=1e-4)
        np.testing.assert_allclose(made.std(axis=axis), 1, atol=1e-3)
    scaled = _made(_log_mel(mean=-30.0, deviation=tuple(range(1, 81))))
    np.testing.assert_allclose(scaled, (_made(_log_mel()) + 30) / np.arange(1, 81), atol=1e-4)


def test_silence_has_finite_values_and_gradients():
    silence = tf.zeros([1, _RATE])
    for front_end in (_log_mel(), _log_mel(power=1.0), _log_mel(reference="max", top_db=80.0)):
        with tf.GradientTape() as tape:
            tape.watch(silence)
            made = front_end(silence)
        assert np.isfinite(made).all()
        assert np.isfinite(tape.gradient(made, silence)).all()


def test_vggish_is_one_of_them():
    params = features.LogMelParams()
    front_end = features.LogMel.of_params(params)
    assert front_end.shape == (96, 64) and front_end.windows.patch_samples == 15600
    assert front_end.as_params() == params
    made = np.asarray(front_end(_SOUND[np.newaxis, :15600]))[0]
    np.testing.assert_allclose(
        made, features.waveform_to_log_mel(_SOUND[:15600], params), atol=1e-5
    )
    assert _log_mel().as_params() is None


def test_settings_in_json_come_back():
    for front_end in (
        _log_mel(reference="max", mean=(1.0,) * 80),
        features.LogSpectrogram(num_bins=100, window="hamming"),
        features.Waveform(sample_rate_hz=8000, gain=32768.0),
    ):
        written = json.loads(json.dumps(features.describe(front_end)))
        assert written == features.describe(front_end)
        assert features.described(written) == front_end


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"front_end": "mfcc"}, "front_end is 'mfcc'; front ends are: log_mel log_spectrogram wav"),
        ({"front_end": "waveform", "hop": 3}, "unknown: hop; the settings of waveform are: sample"),
        ({"hop_samples": 2.5}, "hop_samples is 2.5, not a whole number"),
        ({"fft_length": -2}, "fft_length is -2; expected it above 0"),
        ({"log": "ln"}, "log is 'ln'; expected one of 'natural', 'log10', 'db', None"),
        ({"centred": 1}, "centred is 1; expected one of True, False"),
        ({"mean": "no"}, "mean is 'no', not a number"),
        ({"window_samples": 600}, "windows of 600 samples in a transform of 512"),
        ({"hop_samples": 600}, "windows of 512 samples every 600"),
        ({"high_hz": 9000.0}, "bands from 0 to 9000 Hz"),
        ({"num_bins": 3}, "num_bins is 3, which is of log_spectrogram"),
        ({"patch_samples": 300}, "windows of 300 samples at 16000 Hz are 18.8 ms; expected 25 ms"),
    ],
)
def test_refused(settings, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        features.described(settings)


def test_windows_lie_where_their_frames_do():
    """At 22.05 kHz a frame begins every 220.5 samples, and nothing drifts."""
    windows = features.SampleWindows(_RATE, 11025)
    assert [windows.place(frame) for frame in (0, 1, 2, 1000, -3)] == [0, 221, 441, 220500, -661]
    assert windows.log_mel.patch_frames == 48  # 0.5 s
    assert windows.to_log_mel_rate(_RATE) == 16000
    starts = np.array([0, 7, 52])
    cut = features.cut_windows(_SOUND, starts, windows, context_frames=24).numpy()
    assert cut.shape == (3, *windows.window_shape(24)) == (3, 11025 + 10584)
    padded = np.pad(_SOUND, 30000)
    for row, start in zip(cut, starts, strict=True):
        first = 30000 + windows.place(int(start) - 24)
        np.testing.assert_array_equal(row, padded[first : first + 11025 + 10584])
    assert cut[0, 0] == 0 and cut[2, -1] == 0  # silence beside the recording
