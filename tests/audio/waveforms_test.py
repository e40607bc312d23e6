"""What callers give for sound: a path or samples is taken, anything else is told what is wanted."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tests import speech
from vggish_inversion import audio, reconstruction
from vggish_inversion.reconstruction import saved_model
from vggish_inversion.targets import loading

_TONE = np.sin(np.arange(16000) / 9).astype(np.float32)


@pytest.mark.parametrize(
    "sound",
    [
        _TONE,
        _TONE.astype(np.float64),
        _TONE.tolist(),
        tuple(_TONE.tolist()),
        tf.constant(_TONE),
        _TONE[::-1][::-1],  # not contiguous
    ],
)
def test_samples_of_any_container(sound):
    made = audio.to_waveform(sound)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, _TONE, atol=1e-6)


def test_paths_are_read():
    expected = audio.read_audio(speech.CLIPS[0])
    for path in (speech.CLIPS[0], str(speech.CLIPS[0])):
        np.testing.assert_array_equal(audio.to_waveform(path), expected)


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        ((_TONE * 32767).astype(np.int16), r"holds int16: expected floats .* waveform / 32768"),
        ((_TONE * 2e9).astype(np.int32), r"holds int32: .* waveform / 2147483648"),
        (np.zeros(9, np.uint8), r"holds uint8: .*\(waveform - 128.0\) / 128"),
        ([0, 1, 2], "holds int64: expected floats"),
        (_TONE.astype(complex), "holds complex128: expected floats"),
        (_TONE > 0, "holds bool: expected floats"),
        (np.stack([_TONE, _TONE]), r"shape \(2, 16000\): .*average .*waveform.mean\(axis=0\)"),
        (np.stack([_TONE, _TONE], 1), r"shape \(16000, 2\): .*average .*mean\(axis=1\)"),
        (_TONE[np.newaxis], r"shape \(1, 16000\): expected \[samples\], mono; take waveform\[0\]"),
        (_TONE[:, np.newaxis], r"shape \(16000, 1\): .*take waveform\[:, 0\]"),
        (np.zeros((2, 3, 4), np.float32), r"shape \(2, 3, 4\): expected \[samples\]"),
        (np.float32(0.5), r"shape \(\): expected \[samples\]"),
        ([], "has no samples: expected"),
        (np.array([0.0, np.nan]), "has NaN or infinite samples"),
        (np.array([0.0, np.inf]), "has NaN or infinite samples"),
        (_TONE * 32767, r"reaches 3\d{4}(\.\d)?: expected floats in \[-1, 1\]; divide"),
        (b"RIFF", "got bytes: expected the path .*decode_audio takes the bytes"),
        (["a.wav", "b.wav"], "got list of str: expected the path .*one by one"),
        ([pathlib.Path("a.wav")], "got list of PosixPath: expected the path"),
        ([[0.0], [1.0, 2.0]], "got list .*: expected the path"),
        (None, "got NoneType: expected the path"),
        ({"waveform": _TONE}, "got dict: expected the path"),
    ],
)
def test_anything_else_is_told_what_is_wanted(sound, said):
    with pytest.raises(ValueError, match=said) as caught:
        audio.to_waveform(sound)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_reconstructors_take_paths_and_refuse_the_rest(tmp_path):
    target = loading.load_target("small_encoder/speech_commands")
    reconstructor = reconstruction.Reconstructor(
        target, {}, lambda log_mel: tf.zeros([1, log_mel.shape[1] * 160])
    )
    waveform = audio.read_audio(speech.CLIPS[0])
    for sound in (speech.CLIPS[0], str(speech.CLIPS[0]), waveform, waveform.tolist()):
        made = reconstructor(sound)["true_log_mel"]
        assert made.waveform.shape == waveform.shape
        np.testing.assert_allclose(made.log_mel, reconstructor.log_mel(waveform), atol=1e-4)
    with pytest.raises(ValueError, match="holds int16"):
        reconstructor((waveform * 32767).astype(np.int16))
    with pytest.raises(audio.AudioError, match="^a.flac: cannot be read"):
        reconstructor("a.flac")
    short = tmp_path / "short.wav"
    audio.write_wav(short, waveform[:1600])
    with pytest.raises(ValueError, match=f"^{short}: 0.10 s is too short"):
        reconstructor(short)


def test_a_saved_reconstructor_takes_them_too():
    saved = saved_model.SavedReconstructor.__new__(saved_model.SavedReconstructor)
    saved._source = loading.load_target("small_encoder/speech_commands").source
    saved.config = {"layer": "layer_1"}
    taken = []

    def reconstruct(waveform):
        taken.append(waveform.shape)
        return {"log_mel": tf.zeros([1, 64]), "waveform": waveform}

    saved._reconstruct = reconstruct
    assert list(saved(speech.CLIPS[0])) == ["layer_1"]
    assert taken == [audio.read_audio(speech.CLIPS[0]).shape]
    with pytest.raises(ValueError, match=r"shape \(2, 16000\)"):
        saved(np.stack([_TONE, _TONE]))
