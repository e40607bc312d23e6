"""A folder has one writer, keeps what is written inside of it, and gets it whole."""

import pathlib
import subprocess
import sys

import hypothesis
import pytest
from hypothesis import strategies

from vggish_inversion.files import folders
from vggish_inversion.training import run_folder

_HOLD = """
import pathlib, sys, time
from vggish_inversion.files import folders
with folders.sole_writer(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_writer_is_refused_until_the_first_is_dead(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        message = rf"run is being written by another process \(process {process.pid} on .*output"
        with (
            pytest.raises(folders.FolderBusyError, match=message),
            folders.sole_writer(tmp_path / "run"),
        ):
            pass
        with folders.sole_writer(tmp_path / "other"):
            pass
    finally:
        process.kill()
        process.wait()
    with folders.sole_writer(tmp_path / "run"):
        pass


def test_a_run_has_one_writer_and_readers(tmp_path):
    with run_folder.open_run(tmp_path, {"seed": 0}):
        with (
            pytest.raises(folders.FolderBusyError),
            run_folder.open_run(tmp_path, {"seed": 0}),
        ):
            pass
        with run_folder.open_run(tmp_path, {"seed": 0}, writes=False):  # another worker's
            pass
    with run_folder.open_run(tmp_path, {"seed": 0}):
        pass


@hypothesis.given(strategies.text() | strategies.from_regex(r"(\.\.|a|/|\0){0,6}", fullmatch=True))
def test_no_name_leads_outside(name):
    root = pathlib.Path("/srv/out")
    try:
        path = folders.inside(root, name)
    except ValueError:
        return
    assert path.resolve().is_relative_to(root) and path != root


@pytest.mark.parametrize("name", ["", ".", "..", "/etc/x", "a/../../x", "a\0b"])
def test_hostile_names(name):
    with pytest.raises(ValueError, match="is no name for a file below"):
        folders.inside(pathlib.Path("out"), name)


def test_what_fails_leaves_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OSError, match="full"), folders.write_file(tmp_path / "a.txt") as path:
        path.write_text("ne")
        raise OSError("full")
    with pytest.raises(OSError, match="full"), folders.write_whole(tmp_path / "b") as folder:
        (folder / "part").write_text("ne")
        raise OSError("full")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_who_comes_second_is_told_or_takes_what_is_there(tmp_path):
    def write(folder):
        (folder / "part").write_text("mine")
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / "part").write_text("theirs")

    folders.write_once(tmp_path / "cache", write)
    assert (tmp_path / "cache" / "part").read_text() == "theirs"
    with (
        pytest.raises(FileExistsError, match="there already"),
        folders.write_whole(tmp_path / "cache"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
