"""GE2E against an LSTM of NumPy alone, and against the original's own numbers."""

import os
import pathlib

import numpy as np
import pytest
import scipy.signal
from safetensors.numpy import save_file

from tests import pytorch_files, speech
from vggish_inversion import audio
from vggish_inversion.files import hub
from vggish_inversion.metrics import ge2e

_UNITS, _BANDS = 256, 40
# Where Resemblyzer's pretrained.pt lies, for the test that needs it.
_WEIGHTS = os.environ.get("VGGISH_INVERSION_GE2E_WEIGHTS", "")
_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    """Random weights by PyTorch's names, of the size that they are trained from."""
    rng = np.random.default_rng(0)
    bound = 1 / np.sqrt(_UNITS)
    shapes = {"linear.weight": (256, _UNITS), "linear.bias": (256,)}
    for layer, width in enumerate((_BANDS, _UNITS, _UNITS)):
        shapes[f"lstm.weight_ih_l{layer}"] = (4 * _UNITS, width)
        shapes[f"lstm.weight_hh_l{layer}"] = (4 * _UNITS, _UNITS)
        shapes[f"lstm.bias_ih_l{layer}"] = shapes[f"lstm.bias_hh_l{layer}"] = (4 * _UNITS,)
    return {
        name: rng.uniform(-2 * bound, 2 * bound, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def weights(state, tmp_path_factory) -> pathlib.Path:
    """A file as the published one is: before 1.6, a trainer's, LSTM's weights side by side."""
    path = tmp_path_factory.mktemp("ge2e") / "pretrained.pt"
    flat = np.concatenate([values.ravel() for values in state.values()])
    tensors, offset = {}, 0
    for name, values in state.items():
        tensors[name] = pytorch_files.Tensor(flat, offset=offset, shape=values.shape)
        tensors[name].values = flat
        offset += values.size
    content = {"step": 1, "model_state": tensors | {"similarity_weight": np.ones(1, np.float32)}}
    pytorch_files.write_pytorch(path, content, old=True)
    return path


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _embed_parts(mel: np.ndarray, state) -> np.ndarray:
    """`[parts, frames, 40]` -> `[parts, 256]`, by the formulas of PyTorch's manual, in float64."""
    sequence = mel.astype(np.float64)
    for layer in range(3):
        inputs, hiddens = state[f"lstm.weight_ih_l{layer}"], state[f"lstm.weight_hh_l{layer}"]
        h = c = np.zeros((len(mel), _UNITS))
        outputs = []
        for x in np.moveaxis(sequence, 1, 0):
            gates = x @ inputs.T + state[f"lstm.bias_ih_l{layer}"]
            gates = gates + h @ hiddens.T + state[f"lstm.bias_hh_l{layer}"]
            i, f, g, o = np.split(gates, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
            outputs.append(h)
        sequence = np.stack(outputs, axis=1)
    embeddings = np.maximum(h @ state["linear.weight"].T + state["linear.bias"], 0)
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def _mel_matrix(num_bins: int) -> np.ndarray:
    """Slaney's bands from 0 to 8 kHz, triangles of equal area, from the definition."""

    def to_hertz(mel):
        return np.where(mel < 15, 200 / 3 * mel, 1000 * np.exp(np.log(6.4) / 27 * (mel - 15)))

    highest = 15 + 27 * np.log(8) / np.log(6.4)
    edges = to_hertz(np.linspace(0, highest, _BANDS + 2))
    bins = np.linspace(0, 8000, num_bins)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return np.maximum(triangles, 0) * 2 / (high - low)


def test_the_network_is_pytorchs_lstm(state, weights):
    network = ge2e.build_network()
    ge2e._load_weights(network, weights)
    mel = np.random.default_rng(1).gamma(0.5, 0.2, (3, 50, _BANDS)).astype(np.float32)
    expected = _embed_parts(mel, state)
    np.testing.assert_allclose(network.predict_on_batch(mel), expected, atol=1e-5)
    assert (expected == 0).mean() > 0.2  # the ReLU takes part


def test_the_front_end_by_its_definition():
    waveform = speech.read_clip()[:20000]
    padded = np.pad(waveform, 200)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160]
    window = scipy.signal.get_window("hann", 400)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    expected = power @ _mel_matrix(201).T
    mel = ge2e.mel_power(waveform)
    assert mel.shape == (126, _BANDS)
    np.testing.assert_allclose(mel, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("num_samples", "num_parts"),  # of the original's compute_partial_slices(n, 1.3, 0.75)
    [(1, 1), (8000, 1), (25599, 1), (25600, 1), (28000, 1), (32000, 2), (44799, 3), (44800, 3)]
    + [(44801, 3), (80000, 5), (159999, 12), (160000, 12)],
)
def test_parts_are_the_originals(num_samples, num_parts):
    assert ge2e.part_starts(num_samples) == list(range(0, 77 * num_parts, 77))


def test_an_utterance_is_the_mean_of_its_parts(state, weights):
    waveform = 0.01 * speech.read_clip()[:40000]
    level = np.sqrt(np.mean(waveform**2))
    assert level < 10 ** (-30 / 20)
    raised = waveform * (10 ** (-30 / 20) / level)
    mel = ge2e.mel_power(np.pad(raised, (0, max(0, (77 * 2 + 160) * 160 - 40000))))
    starts = ge2e.part_starts(40000)
    parts = np.stack([mel[start : start + 160] for start in starts])
    mean = _embed_parts(parts, state).mean(axis=0)
    embed = ge2e.Ge2eEncoder(weights)
    np.testing.assert_allclose(embed(waveform), mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(embed(waveform / 10), embed(waveform), atol=1e-5)
    assert embed.fingerprint == f"ge2e, sha256:{hub.sha256(weights)}"


def test_what_has_no_speaker(weights):
    embed = ge2e.Ge2eEncoder(weights)
    for waveform in (np.zeros(0), np.zeros(30000)):
        embedding = embed(waveform.astype(np.float32))
        assert embedding.shape == (256,)
        assert np.isnan(embedding).all()
    short = embed(speech.read_clip()[10000:12000])
    assert np.linalg.norm(short) == pytest.approx(1, abs=1e-5)


def test_other_files_of_the_same_weights(state, weights, tmp_path):
    save_file(state, tmp_path / "ge2e.safetensors")
    np.savez(tmp_path / "ge2e.npz", **state)
    waveform = speech.read_clip()[:30000]
    expected = ge2e.Ge2eEncoder(weights)(waveform)
    for name in ("ge2e.safetensors", "ge2e.npz"):
        found = ge2e.Ge2eEncoder(tmp_path / name)(waveform)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_weights_of_another_network(state, tmp_path):
    missing = {name: values for name, values in state.items() if name != "linear.bias"}
    pytorch_files.write_pytorch(tmp_path / "missing.pt", missing)
    narrow = state | {"lstm.weight_ih_l0": np.zeros((1024, 80), np.float32)}
    pytorch_files.write_pytorch(tmp_path / "narrow.pt", narrow)
    for name, message in (
        ("missing.pt", r"expected the variable linear.bias \[256\]"),
        ("narrow.pt", r"lstm.weight_ih_l0 to have the shape \[1024, 40\], found \[1024, 80\]"),
        ("nowhere.pt", "expected the weights of GE2E, found no file; pip download resemblyzer"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            ge2e.Ge2eEncoder(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.weights
@pytest.mark.skipif(not _WEIGHTS, reason="VGGISH_INVERSION_GE2E_WEIGHTS names no pretrained.pt")
def test_the_published_weights_give_what_the_original_gives():
    """Resemblyzer 0.1.4 on PyTorch 2.13, without its voice activity detector, on a bundled clip."""
    assert hub.sha256(_WEIGHTS) == _SHA256
    embed = ge2e.Ge2eEncoder(_WEIGHTS)
    waveform = audio.read_audio(speech.DEMO_SPEECH / "slt-train.flac")
    embedding = embed(waveform)
    first = [0, 0, 0.2446, 0, 0, 0, 0, 0.05482, 0.01064, 0, 0.11254, 0.1757, 0, 0, 0.00032, 0]
    np.testing.assert_allclose(embedding[:16], first, atol=1e-5)
    assert (embedding > 0).sum() == 118
    assert embedding.sum() == pytest.approx(8.691828, abs=1e-4)
    quiet = [0, 0.02681, 0.02438, 0, 0, 0.00373, 0, 0, 0.01533, 0.03222, 0.07532, 0.20631, 0, 0]
    np.testing.assert_allclose(embed(waveform * np.float32(1e-3))[:14], quiet, atol=1e-5)
