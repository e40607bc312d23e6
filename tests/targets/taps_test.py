"""A layer is resolved once, where it enters, and aliases are names of their taps everywhere."""

import json

import pytest

import vggish_inversion as vi
from tests import speech
from vggish_inversion.data import log_mel_cache
from vggish_inversion.features import views
from vggish_inversion.inverters import chain
from vggish_inversion.inverters import config as inverter_config
from vggish_inversion.reconstruction import model_folders, store
from vggish_inversion.targets import encoder, loading
from vggish_inversion.targets.taps import Tap, ViewedTap

_TARGET = "small_encoder/speech_commands"


@pytest.fixture(scope="module")
def target():
    return loading.load_target(_TARGET, weights="untrained")


@pytest.fixture
def resolved(monkeypatch):
    """The names that `tap` is asked to resolve."""
    names, original = [], encoder.TargetEncoder.tap

    def tap(self, name):
        names.extend([name] if isinstance(name, str) else [])
        return original(self, name)

    monkeypatch.setattr(encoder.TargetEncoder, "tap", tap)
    return names


def test_training_and_reconstruction_resolve_a_layer_once(target, resolved, tmp_path):
    cache = log_mel_cache.cache_log_mel(
        vi.read_corpus(speech.DEMO_SPEECH)[:1], target.log_mel, tmp_path / "cache"
    )
    config = vi.TrainConfig(preset="large", num_epochs=1, batch_size=2, num_views=3)
    places = {"train": cache, "validation": cache, "run_dir": tmp_path / "run", "settings": {}}
    inverter = vi.train_inverter(target, "layer_6", config, **places)
    assert resolved == ["layer_6"]
    resolved.clear()
    vocoder = vi.load_vocoder("griffin_lim", target.log_mel)
    reconstructor = vi.Reconstructor(target, {"mine": ("layer_6", inverter)}, vocoder)
    assert resolved == ["layer_6"]
    assert reconstructor.road.embedding_shape("mine") == (3, 128)
    vi.Reconstructor(target, {"mine": (target.tap(target.taps[-1]), inverter)}, vocoder)
    assert resolved == ["layer_6"]


def test_the_context_is_that_of_the_config_or_the_preset(target):
    def viewed(tap, **settings):
        config = inverter_config.TrainConfig(**settings)
        return chain.view_tap(target, target.taps[tap], config)

    assert viewed(1, preset="large") == ViewedTap(target.taps[1], views.Views(1, 96))
    assert viewed(6, preset="large").views.num_views == 17
    assert viewed(6, preset="paper").views.context_frames == 0
    assert viewed(6, preset="large", num_views=5).views == views.Views(5, 96)
    inverter = chain.build_inverter(
        target, viewed(6, preset="large"), vi.TrainConfig(preset="large"), precision="float32"
    )
    taken = ViewedTap.taken_by(inverter, target.taps[6], target.log_mel)
    assert taken == viewed(6, preset="large")
    with pytest.raises(ValueError, match="cannot invert a tap of"):
        ViewedTap.taken_by(inverter, target.taps[1], target.log_mel)


def test_a_tap_of_another_network_is_refused(target):
    assert target.tap(target.taps[2]) is target.taps[2]
    assert target.tap(Tap("layer_2", (1,), "relu")) is target.taps[2]  # as its name says
    with pytest.raises(ValueError, match="has no layer 'conv4'"):
        target.up_to(Tap("conv4", (1,), "relu"))


def test_aliases_choose_among_runs(tmp_path):
    for layer in ("conv3_2", "conv4_2"):
        folder = tmp_path / layer / "paper-l1"
        folder.mkdir(parents=True)
        settings = {"target": "vggish", "layer": layer, "preset": "paper"}
        (folder / "config.json").write_text(json.dumps(settings))
        (folder / "inverter.keras").write_bytes(b"")
    for layer in ("conv4", "conv4_2"):
        found = model_folders.find_model(tmp_path, layer=layer, preset=None)
        assert found == tmp_path / "conv4_2" / "paper-l1"
    with pytest.raises(ValueError, match="expected one model of fc2 paper, there are others"):
        model_folders.find_model(tmp_path, layer="fc2", preset="paper")
    config = {"target": "vggish", "layer": "conv4_2"}
    assert model_folders.is_of_layer(config, "conv4")
    assert not model_folders.is_of_layer(config, "conv3")
    assert not model_folders.is_of_layer({**config, "target": "conv.keras"}, "conv4")


def test_a_folder_of_one_layer_refuses_another():
    folder = store.hub.find_model(f"inverter/{_TARGET}/layer_1/paper-l1")
    with pytest.raises(ValueError, match="inverts layer_1, not layer_2"):
        vi.load_reconstructor(folder, layer="layer_2")
