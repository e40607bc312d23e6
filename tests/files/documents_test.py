"""What others wrote is read, or refused in one line that names the file; nothing of it is run."""

import ast
import codecs
import csv
import json
import pathlib
import pickle
import tempfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from vggish_inversion.data import corpora
from vggish_inversion.files import documents, hub
from vggish_inversion.inverters import run

_PACKAGE = pathlib.Path(documents.__file__).parents[1]
_PICKLERS = ("pickle", "dill", "joblib", "cloudpickle", "shelve")
_CELLS = strategies.text(strategies.characters(codec="utf-8", exclude_characters="\0\r"))


class _Bomb:
    """Unpickled, it would write a file."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def __reduce__(self):
        return (pathlib.Path.write_text, (self.path, "run"))


@pytest.fixture(name="path", scope="module")
def _path():
    with tempfile.TemporaryDirectory() as folder:
        yield pathlib.Path(folder, "document")


@pytest.mark.parametrize("read", [documents.read_json, documents.read_table, documents.read_array])
def test_any_bytes_are_read_or_refused(read, path):
    @hypothesis.given(strategies.binary() | strategies.just(b'{"a":' * 100_000))
    @hypothesis.example(np.lib.format.magic(1, 0) + b"\xff\xff{'descr'")
    @hypothesis.example(b"a\n" + b"x" * 200_000)
    def check(content):
        path.write_bytes(content)
        try:
            read(path)
        except documents.DocumentError as error:
            assert str(path) in str(error) and "\n" not in str(error).strip()

    check()


@hypothesis.given(strategies.lists(strategies.tuples(_CELLS, _CELLS), min_size=1))
def test_tables_come_back(path, cells):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("one", "two"), *cells])
    rows = documents.read_table(path, ("one", "two"))
    assert [(row["one"], row["two"]) for row in rows] == cells


def test_an_array_that_promises_too_much_takes_no_memory(path):
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (2**45,)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(documents.DocumentError, match="expected a .npy file"):
        documents.read_array(path)


def test_pickles_are_not_loaded(tmp_path):
    bomb, loot = np.array([_Bomb(tmp_path / "loot")], object), tmp_path / "loot"
    np.save(tmp_path / "array.npy", bomb, allow_pickle=True)
    np.savez(tmp_path / "weights.npz", weights=bomb)
    (tmp_path / "pickle").write_bytes(pickle.dumps(bomb[0]))
    with pytest.raises(documents.DocumentError):
        documents.read_array(tmp_path / "array.npy", kinds="fO")
    with pytest.raises(documents.DocumentError):
        documents.read_array(tmp_path / "pickle")
    with pytest.raises(hub.WeightsError, match="pickled Python objects"):
        hub.read_npz(tmp_path / "weights.npz")
    assert not loot.exists()
    np.load(tmp_path / "array.npy", allow_pickle=True)
    assert loot.exists()  # it would have gone off


def test_the_package_unpickles_nothing_and_runs_no_layers_code():
    calls = 0
    for path in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            settings = {item.arg: ast.unparse(item.value) for item in node.keywords}
            assert settings.get("allow_pickle") in (None, "False"), path
            called = ast.unparse(node.func)
            library, _, function = called.partition(".")
            if path.name != "pocketsphinx.py":  # which hears from its own process, by a pipe
                assert not (library in _PICKLERS and "load" in function.lower()), path
            assert function != "Unpickler", path
            assert called != "np.load", f"{path}: read it with documents or npz"
            if called.endswith("load_model") and called.startswith("keras"):
                calls += 1
                assert settings["safe_mode"] == "True", path
    assert calls == 1


def _write_run(folder: pathlib.Path, **changes) -> pathlib.Path:
    config = {"target": "vggish", "target_weights": None, "target_seed": 0, "log_mel": {}}
    config |= {"target_fingerprint": "", "layer": "conv4", "preset": "paper", "loss": "l1"}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config | changes))
    (folder / "inverter.keras").write_bytes(b"")
    return folder


@pytest.mark.parametrize("name", ["layer", "preset", "loss"])
@pytest.mark.parametrize("value", ["../../x", "/x", "..", "a\0", "x" * 300, "", 3, None])
def test_a_run_cannot_name_files_elsewhere(tmp_path, name, value):
    assert run.read_run(_write_run(tmp_path / "good")).preset == "paper"
    with pytest.raises(hub.WeightsError, match=f"in {name}, got"):
        run.read_run(_write_run(tmp_path / "bad", **{name: value}))


@pytest.mark.parametrize("value", ["../a", "/a", "a\0", "x" * 5000, "wavs/a"])
def test_metadata_cannot_name_files_elsewhere(tmp_path, value):
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "corpus" / "wavs").mkdir(parents=True)
    (tmp_path / "corpus" / "wavs" / "b.wav").write_bytes(b"x")
    (tmp_path / "corpus" / "metadata.csv").write_text(f"{value}|one|one\nb|two|two\n")
    found = corpora.read_corpus(tmp_path / "corpus")
    assert [item.id for item in found] == ["b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_mark_of_an_encoding_is_no_text(path, encoding):
    path.write_bytes('{"a": "é"}\r\n'.encode(encoding))
    assert documents.read_text(path) == '{"a": "é"}\n'
    assert documents.read_json(path) == {"a": "é"}
    path.write_bytes("a,b\r\né,\r\n".encode(encoding))
    assert documents.read_table(path, ("a",)) == [{"a": "é", "b": ""}]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE])
def test_utf_16_may_begin_with_either_byte(path, mark):
    encoding = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    path.write_bytes(mark + "Grüße\n".encode(encoding))
    assert documents.read_text(path) == "Grüße\n"


@pytest.mark.parametrize(
    ("content", "step"),
    [
        ("Grüße\n".encode("cp1252"), "an older encoding.*iconv -f WINDOWS-1252 -t UTF-8 document"),
        ("Привет\n".encode("cp1251"), "an older encoding"),
        ("Grüße\n".encode("utf-16-le"), "as many zeros as UTF-16.*iconv -f UTF-16LE"),
        ("plain\n".encode("utf-16-le"), "as many zeros as UTF-16"),
        (b"caf\xc3\x00\x01\x02" + b"x" * 40, "copy the file again"),
    ],
)
def test_another_encoding_is_refused_with_the_next_step(path, content, step):
    path.write_bytes(content)
    with pytest.raises(documents.DocumentError, match=step):
        documents.read_text(path)


def test_what_is_written_is_read_back_and_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "run.json"
    documents.write_json(path, {"name": "a", "values": [1, 2.5]})
    assert path.read_text() == '{\n  "name": "a",\n  "values": [\n    1,\n    2.5\n  ]\n}\n'
    with pytest.raises(TypeError):
        documents.write_json(path, {"name": object()})
    assert documents.read_json(path) == {"name": "a", "values": [1, 2.5]}
    assert list(tmp_path.iterdir()) == [path]
