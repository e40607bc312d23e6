"""A path is found where it was, and beside what kept it; names that none can have are no crash."""

import pathlib

import pytest

from vggish_inversion.files import integrity, places


def test_names_and_urls_keep_nothing(tmp_path):
    for source in (None, "", "vggish", "https://tfhub.dev/google/vggish/1", "\0", "x" * 5000):
        assert places.keep(source, tmp_path) is None


def test_a_checkpoint_is_kept_though_no_file_has_its_name(tmp_path):
    (tmp_path / "model.ckpt.index").touch()
    kept = places.keep(str(tmp_path / "model.ckpt"), tmp_path / "runs" / "a")
    assert kept == {"absolute": str(tmp_path / "model.ckpt"), "relative": "../../model.ckpt"}
    found = places.find("model.ckpt", kept, tmp_path / "runs" / "a", instead="")
    assert found == str(tmp_path / "model.ckpt")


def test_where_it_was_comes_before_what_has_its_name_here(tmp_path, monkeypatch):
    for folder in ("then", "now"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.keras").touch()
    monkeypatch.chdir(tmp_path / "then")
    kept = places.keep("net.keras", tmp_path / "run")
    monkeypatch.chdir(tmp_path / "now")
    found = places.find("net.keras", kept, tmp_path / "run", instead="")
    assert found == str(tmp_path / "then" / "net.keras")


@pytest.mark.parametrize("kept", [None, 7, [], {"absolute": 3}, {"relative": "\0"}])
@pytest.mark.parametrize("source", ["none.keras", "\0", "x" * 5000])
def test_nowhere(tmp_path, source, kept):
    with pytest.raises(integrity.WeightsError, match="runs/a: expected .*; name it$"):
        places.find(source, kept, pathlib.Path("runs/a"), instead="name it")


def test_what_moved_together_is_found_at_the_same_place_beside(tmp_path):
    """It was given by its whole path, so no folder above tells where it is."""
    (tmp_path / "then" / "nets").mkdir(parents=True)
    (tmp_path / "then" / "nets" / "net.keras").touch()
    source = str(tmp_path / "then" / "nets" / "net.keras")
    (tmp_path / "then" / "runs" / "a").mkdir(parents=True)
    kept = places.keep(source, tmp_path / "then" / "runs" / "a")
    (tmp_path / "then").rename(tmp_path / "now")
    found = places.find(source, kept, tmp_path / "now" / "runs" / "a", instead="")
    assert found == str(tmp_path / "now" / "nets" / "net.keras")
