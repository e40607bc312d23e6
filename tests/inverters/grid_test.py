"""A run that fails, whatever it fails of, is one entry of its grid, and the others are trained."""

import pathlib

import pytest

from vggish_inversion.inverters import grid, training
from vggish_inversion.targets import loading

_FAILURES = {
    "layer_1": ValueError("the loss is not finite"),
    "layer_2": OSError(28, "No space left on device", "runs/layer_2"),
    "layer_3": MemoryError(),
}
_REASONS = ["", "the loss is not finite", "runs/layer_2: No space left on device", "MemoryError"]


@pytest.fixture(scope="module")
def target():
    return loading.load_target("small_encoder/speech_commands", weights="untrained")


def _train(target, monkeypatch, folder: pathlib.Path, announce):
    def train(_, tap, config, *, run_dir, **__):
        if tap.name in _FAILURES:
            raise _FAILURES[tap.name]
        run_dir.mkdir(parents=True)
        (run_dir / "history.csv").write_text("epoch,num_patches,val_loss\n1,64,0.5\n")

    monkeypatch.setattr(training, "train_inverter", train)
    layers = ["layer_0", "layer_1", "layer_2", "layer_3", "layer_4", "absent"]
    places = [(layer, training.TrainConfig()) for layer in layers]
    data = {"train": None, "validation": None}
    return grid.train_grid(target, places, data=data, folder=folder, settings={}, announce=announce)


def test_the_others_are_trained(target, monkeypatch, tmp_path):
    said = []
    runs = _train(target, monkeypatch, tmp_path, said.append)
    assert [run.error for run in runs[:5]] == [*_REASONS, ""]
    assert "has no layer 'absent'" in runs[5].error and len(runs) == 6
    assert [run.folder for run in runs[:5]] == [
        tmp_path / f"layer_{index}" / "paper-l1" for index in range(5)
    ]
    assert [line for line in said if "64 patches" in line] == ["  64 patches, val_loss 0.5000"] * 2


def test_a_reader_that_has_gone_is_no_failure_of_a_run(target, monkeypatch, tmp_path):
    def announce(line):
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        _train(target, monkeypatch, tmp_path, announce)
