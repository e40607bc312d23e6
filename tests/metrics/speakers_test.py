"""Which networks embed speakers: targets, your own of patches or of waveforms, and none else."""

import json

import keras
import numpy as np
import pytest
import soxr

from tests import pytorch_files, speech
from vggish_inversion import features
from vggish_inversion.files import hub
from vggish_inversion.metrics import speakers


def _save(tmp_path, *layers, shape, name="encoder.keras"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), *layers])
    model.save(tmp_path / name)
    return model, str(tmp_path / name)


def test_a_network_of_waveforms(tmp_path):
    model, path = _save(
        tmp_path,
        keras.layers.Reshape((-1, 1)),
        keras.layers.Conv1D(6, 400, 160, activation="relu"),
        keras.layers.GlobalAveragePooling1D(),
        shape=(None,),
    )
    embed = speakers.load_speaker_encoder(path)
    waveform = speech.read_clip()
    kernel, bias = model.layers[1].get_weights()
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 400)[::160]
    expected = np.maximum(frames @ kernel[:, 0] + bias, 0).mean(axis=0)
    np.testing.assert_allclose(embed(waveform), expected, atol=1e-5)
    assert embed.fingerprint == f"sha256:{hub.sha256(path)}"
    assert np.isnan(embed(np.zeros(0, np.float32))).all()
    assert repr(embed) == "<WaveformEncoder encoder.keras>"


def test_a_network_of_patches_at_a_rate_of_its_own(tmp_path):
    model, path = _save(
        tmp_path, keras.layers.Flatten(), keras.layers.Dense(5, name="embedding"), shape=(48, 64)
    )
    settings = {"sample_rate_hz": 8000, "high_hz": 3800}
    (tmp_path / "encoder.json").write_text(json.dumps(settings))
    embed = speakers.load_speaker_encoder(path)
    params = features.LogMelParams(**settings, patch_frames=48, patch_hop_frames=48)
    waveform = speech.read_clip()[:32000]
    log_mel = np.asarray(features.waveform_to_log_mel(soxr.resample(waveform, 16000, 8000), params))
    starts = features.covering_patch_starts(len(log_mel), params)
    patches = np.stack([log_mel[start : start + 48] for start in starts])
    np.testing.assert_allclose(
        embed(waveform), model.predict_on_batch(patches).mean(axis=0), rtol=1e-3, atol=1e-3
    )
    assert np.isnan(embed(waveform[:500])).all()


def test_the_default_is_ours():
    embed = speakers.load_speaker_encoder()
    assert repr(embed) == "<PatchEncoder layer_6 of small_encoder/speaker_id>"
    assert embed.fingerprint.startswith("network-sha256:")
    assert embed(speech.read_clip()).shape == (128,)


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([keras.layers.Reshape((-1, 1))], (None,), r"expected \[batch, size\] of a speaker enc"),
        ([keras.layers.Reshape((96, 64, 1)), keras.layers.Conv2D(2, 3)], (96, 64), "end it with a"),
    ],
)
def test_networks_that_embed_nothing(tmp_path, layers, shape, message):
    _, path = _save(tmp_path, *layers, shape=shape)
    with pytest.raises(ValueError, match=message) as caught:
        speakers.load_speaker_encoder(path)
    assert "\n" not in str(caught.value)


def test_a_network_of_windows_of_samples_is_an_encoder(tmp_path):
    """Its window is a second; a recording's embedding is the mean of its windows'."""
    network, path = _save(tmp_path, keras.layers.Dense(2), shape=(16000,))
    waveform = np.random.default_rng(0).normal(size=20000).astype(np.float32)
    windows = np.stack([waveform[:16000], waveform[4000:20000]])
    expected = np.asarray(network(windows)).mean(axis=0)
    np.testing.assert_allclose(
        speakers.load_speaker_encoder(path)(waveform), expected, rtol=1e-4, atol=1e-4
    )


def test_names_of_no_encoder(tmp_path):
    pytorch_files.write_pytorch(tmp_path / "a.pt", {"w": np.zeros(2, np.float32)})
    for name, message in (
        ("xvector", "no target 'xvector'"),
        (str(tmp_path / "a.pt"), "expected .*, found a PyTorch file"),
        (f"ge2e={tmp_path / 'a.pt'}", "expected the variable lin|expected the variable lstm"),
        ("ge2e=", "expected the weights of GE2E, found no file"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            speakers.load_speaker_encoder(name)
        assert "\n" not in str(caught.value)
