"""A run that goes on is on the same data, target and initial weights, by what is in them."""

import pytest

from vggish_inversion.training import run_folder

_SETTINGS = {"target": "nets/own.keras", "target_fingerprint": "sha256:1", "train_data": "1"}
_SETTINGS |= {"target_weights": None, "target_seed": 0, "paths": {}, "learning_rate": 0.1}


def _begin(tmp_path, **changes) -> None:
    with run_folder.open_run(tmp_path / "run", _SETTINGS | changes):
        (tmp_path / "run" / "history.csv").write_text("epoch\n1\n")


def test_names_and_places_may_be_others(tmp_path):
    _begin(tmp_path)
    moved = {"target": "../own.keras", "target_weights": "here", "paths": {"target": {}}}
    with run_folder.open_run(tmp_path / "run", _SETTINGS | moved | {"data_dir": ["there"]}):
        pass


@pytest.mark.parametrize("name", ["target_fingerprint", "train_data", "learning_rate"])
def test_contents_may_not(tmp_path, name):
    _begin(tmp_path)
    with (
        pytest.raises(run_folder.RunError, match=f"other settings .{name} .* -> 'another'"),
        run_folder.open_run(tmp_path / "run", _SETTINGS | {name: "another"}),
    ):
        pass


def test_initial_weights_are_those_that_the_run_began_with(tmp_path):
    first, second = tmp_path / "first.keras", tmp_path / "second.keras"
    first.write_bytes(b"weights")
    second.write_bytes(b"weights")

    def settings(path) -> dict:
        described = run_folder.describe_initial_weights(path and str(path))
        return {**_SETTINGS, "initial_weights": path and str(path), **described}

    _begin(tmp_path, **settings(first))
    with run_folder.open_run(tmp_path / "run", settings(second)):
        pass  # the same, at another place
    second.write_bytes(b"others!")
    for path in (second, None):
        with (
            pytest.raises(run_folder.RunError, match="initial_weights_sha256 .* -> "),
            run_folder.open_run(tmp_path / "run", settings(path)),
        ):
            pass
    first.unlink()  # what it gave is in the checkpoint
    with run_folder.open_run(tmp_path / "run", settings(first)):
        pass
