"""Names of targets as people write them, paths of any type, and the nearest name for the rest."""

import pathlib

import keras
import pytest

import vggish_inversion as vi
from vggish_inversion.targets import loading


@pytest.mark.parametrize("name", ["YAMNet", " yamnet", "Yamnet\n", "YAMNET"])
def test_case_and_spaces_do_not_matter(name):
    target = vi.load_target(name, weights="untrained")
    assert target.name == "yamnet"
    assert len(target.taps) == 15


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("yament", "yamnet"),
        ("vgish", "vggish"),
        ("VGGish2", "vggish"),
        ("speech_commands", "small_encoder/speech_commands"),
        ("smallencoder/speech_noise", "small_encoder/speech_noise"),
    ],
)
def test_the_nearest_name(name, near):
    with pytest.raises(ValueError, match=f"did you mean {near}.* targets are: vggish, yamnet,"):
        vi.load_target(name)


def test_a_name_like_no_other():
    with pytest.raises(ValueError, match="no target 'resnet'; targets are: vggish, yamnet,"):
        vi.load_target("resnet")
    with pytest.raises(ValueError, match="small_encoder/speech_commands/1") as caught:
        vi.load_target("small_encoder/speech")
    assert "inverter/" not in str(caught.value)  # what is no encoder is of no use here


def test_paths_of_any_type(tmp_path):
    path = tmp_path / "Net.keras"
    inputs = keras.Input((96, 64))
    outputs = keras.layers.Conv1D(3, 3, activation="relu", name="conv")(inputs)
    keras.Model(inputs, keras.layers.Flatten(name="flat")(outputs)).save(path)
    loaded = [vi.load_target(given) for given in (path, str(path))]
    assert loaded[0].fingerprint == loaded[1].fingerprint
    assert {target.name for target in loaded} == {str(path)}
    moved = vi.load_target(path, weights=path)  # a path there, too
    assert moved.weights == str(path)


def test_a_file_of_ones_own_comes_before_a_name_that_differs_in_case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("YAMNet").mkdir()
    assert loading.canonical_name("YAMNet") == "YAMNet"
    assert loading.canonical_name("yamnet") == "yamnet"
