"""A run knows what it was trained on, wherever it is read and whatever was moved."""

import json
import pathlib
import shutil

import pytest

from tests import networks, script_runner, small_runs, speech
from vggish_inversion.files import hub
from vggish_inversion.inverters import card, origin, run, search
from vggish_inversion.targets import fingerprint, loading

_TASK = "small_encoder/speech_commands"
_SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"


@pytest.fixture
def elsewhere(tmp_path):
    """A folder from which no path of the test's leads to anything."""
    folder = tmp_path / "else" / "where"
    folder.mkdir(parents=True)
    return folder


def _own_network(folder: pathlib.Path, monkeypatch, *, name="nets/own.keras"):
    """A run on a network of the user's own, given by a relative path."""
    (folder / name).parent.mkdir(parents=True)
    networks.small_cnn().save(folder / name)
    monkeypatch.chdir(folder)
    target = loading.load_target(name)
    return target, small_runs.write(folder / "runs" / "conv", target, "conv")


def test_weights_and_seed_of_the_inverters_are_theirs(tmp_path):
    target = loading.load_target(_TASK, weights="untrained", seed=3)
    small_runs.write(tmp_path / "a", target, "layer_0")
    small_runs.write(tmp_path / "b", target, "layer_1")
    assert search.find_source(tmp_path, _TASK) == origin.TargetSource(_TASK, "untrained", 3, _TASK)
    found, runs = search.open_runs(tmp_path)  # the only target that there is
    assert (found.name, found.fingerprint) == (_TASK, target.fingerprint)
    assert [item.layer for item in runs] == ["layer_0", "layer_1"]
    # what is given comes first, and is refused where it is another
    assert search.find_source(tmp_path, _TASK, seed=4).seed == 4
    with pytest.raises(ValueError, match="inverts small_encoder/.* with weights .*, not "):
        search.open_runs(tmp_path, _TASK, seed=4)


def test_relative_weights_are_found_from_elsewhere(tmp_path, elsewhere, monkeypatch):
    (tmp_path / "home" / "weights").mkdir(parents=True)
    encoder_file = hub.find_model(_TASK) / "encoder.keras"
    shutil.copyfile(encoder_file, tmp_path / "home" / "weights" / "mine.keras")
    monkeypatch.chdir(tmp_path / "home")
    target = loading.load_target(_TASK, weights="weights/mine.keras")
    trained = small_runs.write(pathlib.Path("runs/one"), target, "layer_0")
    monkeypatch.chdir(elsewhere)
    place = tmp_path / "home" / "runs" / "one"
    weights = tmp_path / "home" / "weights" / "mine.keras"
    source = search.find_source(place)
    assert source.weights == str(weights)
    assert run.read_run(place).load_target().fingerprint == target.fingerprint
    # all moved together, as to another machine
    (tmp_path / "home").rename(tmp_path / "moved")
    place, weights = (tmp_path / "moved" / path for path in ("runs/one", "weights/mine.keras"))
    assert search.find_source(place).weights == str(weights)
    # a run of before, which kept no more than what was given
    config = {name: value for name, value in trained.config.items() if name != origin.PATHS}
    (place / "config.json").write_text(json.dumps(config))
    assert search.find_source(place).weights == str(weights)
    # nowhere
    weights.rename(elsewhere / "other.keras")
    with pytest.raises(hub.WeightsError, match="runs/one: expected weights/mine.keras, .*--target"):
        run.read_run(place).load_target()
    assert run.read_run(place).load_target(weights="other.keras").name == _TASK


def test_a_network_of_your_own_is_found_from_elsewhere(tmp_path, elsewhere, monkeypatch):
    target, trained = _own_network(tmp_path / "home", monkeypatch)
    monkeypatch.chdir(elsewhere)
    found = run.read_run(trained.folder).load_target()
    assert (found.name, found.fingerprint) == ("nets/own.keras", target.fingerprint)
    # evaluated under another spelling, from another folder
    path = tmp_path / "home" / "nets" / "own.keras"
    spelt, runs = search.open_runs(tmp_path / "home" / "runs", str(path))
    assert (spelt.name, len(runs)) == (str(path), 1)
    # moved: its new place is said
    path.rename(elsewhere / "new.keras")
    with pytest.raises(hub.WeightsError, match="expected nets/own.keras, .* found it neither"):
        run.read_run(trained.folder).load_target()
    moved = run.read_run(trained.folder).load_target(weights="new.keras")
    assert (moved.name, moved.fingerprint) == ("nets/own.keras", target.fingerprint)


def test_a_network_that_is_named_is_the_one_that_is_loaded(tmp_path, monkeypatch):
    """The same relative path, where another network lies."""
    _, trained = _own_network(tmp_path / "home", monkeypatch)
    other = tmp_path / "other" / "nets"
    other.mkdir(parents=True)
    changed = networks.small_cnn()
    changed.set_weights([value + 1 for value in changed.get_weights()])
    changed.save(other / "own.keras")
    monkeypatch.chdir(tmp_path / "other")
    with pytest.raises(ValueError, match="with weights .*, not nets/own.keras with"):
        search.open_runs(trained.folder, "nets/own.keras")


def test_several_weights_in_one_folder_are_refused_by_name(tmp_path):
    for seed, layer in ((0, "layer_0"), (1, "layer_1"), (1, "layer_2")):
        target = loading.load_target(_TASK, weights="untrained", seed=seed)
        small_runs.write(tmp_path / f"{layer}-{seed}", target, layer)
    with pytest.raises(ValueError, match=r"on 2 different weights .*layer_0-0; .*layer_1-1, "):
        search.open_runs(tmp_path, _TASK)
    for layers in (["layer_1", "layer_2"], ["layer_0"]):  # of one kind, each
        target, runs = search.open_runs(tmp_path, _TASK, layers=layers)
        assert [item.layer for item in runs] == layers
        assert {item.config["target_fingerprint"] for item in runs} == {target.fingerprint}


def test_runs_of_before_and_of_now_are_of_one_network(tmp_path):
    for seed, layer in ((3, "layer_0"), (3, "layer_1")):
        target = loading.load_target(_TASK, weights="untrained", seed=seed)
        small_runs.write(tmp_path / layer, target, layer)
    path = tmp_path / "layer_0" / "config.json"
    config = json.loads(path.read_text())
    earlier = fingerprint.of_weights(target.model)
    path.write_text(json.dumps(config | {"target_fingerprint": earlier}))
    found, runs = search.open_runs(tmp_path, _TASK)
    assert found.fingerprint == target.fingerprint
    assert [item.layer for item in runs] == ["layer_0", "layer_1"]
    path.write_text(json.dumps(config | {"target_fingerprint": earlier[:-1] + "x"}))
    with pytest.raises(ValueError, match="on 2 different weights"):
        search.open_runs(tmp_path, _TASK)


def test_what_is_there_is_said(tmp_path):
    target = loading.load_target(_TASK, weights="untrained")
    small_runs.write(tmp_path / "a", target, "layer_0")
    other = loading.load_target("small_encoder/speaker_id", weights="untrained")
    with pytest.raises(ValueError, match=f"where there are some for: {_TASK}"):
        search.find_runs(tmp_path, other, layers=None)


def test_the_store_keeps_no_path_of_the_machine(tmp_path, monkeypatch):
    weights = tmp_path / "mine.keras"
    shutil.copyfile(hub.find_model(_TASK) / "encoder.keras", weights)
    monkeypatch.chdir(tmp_path)
    target = loading.load_target(_TASK, weights="mine.keras")
    trained = small_runs.write(tmp_path / "run", target, "layer_0")
    assert str(tmp_path) in (tmp_path / "run" / "config.json").read_text()
    shape = list(target.tap("layer_0").shape)
    config = {**trained.config, "data_dir": [], "command": [], "tap_shape": shape}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    (tmp_path / "run" / "history.csv").write_text("epoch,num_patches,val_loss\n1,8,0.1\n")
    stored = card.store_inverter(tmp_path / "run", tmp_path / "store")
    assert str(tmp_path) not in (stored / "config.json").read_text()
    assert run.read_run(stored).config["target_weights"] == "mine.keras"


@pytest.mark.slow
def test_evaluate_takes_the_weights_of_the_inverters(tmp_path, elsewhere):
    target = loading.load_target(_TASK, weights="untrained", seed=3)
    small_runs.write(tmp_path / "runs" / "a", target, "layer_0")
    data_dir = speech.write_ljspeech(tmp_path / "lj", ["LJ001-0001"])
    flags = [f"--data_dir={data_dir}", f"--inverters_dir={tmp_path / 'runs'}", "--split=all"]
    flags += ["--output_dir=results"]
    done = script_runner.run("evaluate.py", *flags, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    settings = json.loads((elsewhere / "results" / "run.json").read_text())
    assert (settings["target"], settings["target_fingerprint"]) == (_TASK, target.fingerprint)
