"""A model's folder is written whole, or is left as it was."""

import hashlib
import json
import pathlib
import shutil

import pytest

from vggish_inversion.files import hub
from vggish_inversion.inverters import card

_STORE = pathlib.Path(__file__).parents[2] / "hub_models"
_INVERTER = "inverter/small_encoder/speech_commands/layer_6/paper-l1/1"


def _contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _describe(path: pathlib.Path):
    return {"size": path.stat().st_size}, f"# {path.name}\n"


def test_a_folder_has_the_model_its_digest_settings_card_and_history(tmp_path):
    (tmp_path / "history.csv").write_text("epoch\n1\n")
    folder = hub.write_model_folder(
        tmp_path / "store" / "net" / "1" / "net.keras",
        save=lambda path: path.write_bytes(b"weights"),
        describe=_describe,
        beside=[tmp_path / "history.csv"],
    )
    digest = hashlib.sha256(b"weights").hexdigest()
    assert _contents(folder) == {
        "net.keras": b"weights",
        "net.keras.sha256": f"{digest}  net.keras\n".encode(),
        "config.json": b'{\n  "size": 7\n}\n',
        "README.md": b"# net.keras\n",
        "history.csv": b"epoch\n1\n",
    }
    assert list(folder.parent.iterdir()) == [folder]  # nothing else is left


@pytest.mark.parametrize("at", ["save", "describe", "beside"])
def test_what_cannot_be_made_whole_leaves_the_folder_as_it_was(tmp_path, at):
    path = tmp_path / "net" / "1" / "net.keras"
    given = {"save": lambda path: path.write_bytes(b"new"), "describe": _describe}

    def fail(_):
        raise ValueError("not this one")

    faulty = (
        {**given, "beside": [tmp_path / "absent.csv"]} if at == "beside" else {**given, at: fail}
    )
    with pytest.raises((ValueError, FileNotFoundError)):
        hub.write_model_folder(path, **faulty)
    assert not path.parent.exists()
    hub.write_model_folder(path, **given)
    before = _contents(path.parent)
    with pytest.raises((ValueError, FileNotFoundError)):
        hub.write_model_folder(path, **faulty)
    assert _contents(path.parent) == before
    assert list(path.parent.parent.iterdir()) == [path.parent]


def test_a_model_that_stays_has_its_digest_and_card_written_anew(tmp_path):
    path = tmp_path / "1" / "net.keras"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    hub.write_model_folder(path, save=None, describe=_describe)
    digest = hashlib.sha256(b"weights").hexdigest()
    assert (path.parent / "net.keras.sha256").read_text().split() == [digest, "net.keras"]
    assert json.loads((path.parent / "config.json").read_text()) == {"size": 7}


def test_a_stored_inverter_keeps_every_byte_but_those_of_its_card(tmp_path):
    shutil.copytree(_STORE / _INVERTER, tmp_path / _INVERTER)
    before = _contents(_STORE / _INVERTER)
    [commit] = [line for line in before["README.md"].decode().splitlines() if "Commit:" in line]
    for is_there, expected in ((True, commit), (False, "- Commit: abc")):
        if not is_there:
            (tmp_path / _INVERTER / "README.md").unlink()
        stored = card.store_inverter(tmp_path / _INVERTER, tmp_path, commit="abc")
        after = _contents(stored)
        assert {name for name in before if before[name] != after.get(name)} == {"README.md"}
        assert set(after) == set(before)
        text = (stored / "README.md").read_text()
        assert hub.sha256(stored / "inverter.keras") in text
        assert expected in text.splitlines()  # of its training, where a card names it
