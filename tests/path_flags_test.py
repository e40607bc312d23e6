"""Paths with commas in them reach the scripts whole."""

import pathlib
import re

import pytest
from absl import flags

import path_flags
from vggish_inversion.files import paths

_ROOT = pathlib.Path(__file__).parents[1]
_MAKE = {"a, b.wav", "b", "x,y", "x,y,z", "c d"}


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
    for name in _MAKE:
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a, b.wav", ["a, b.wav"]),
        ("a, b.wav,c.wav", ["a, b.wav", "c.wav"]),
        ("c.wav,a, b.wav", ["c.wav", "a, b.wav"]),
        ("c.wav, d.wav ,b", ["c.wav", "d.wav", "b"]),
        ("x,y,z", ["x,y,z"]),
        ("x,y,w", ["x,y", "w"]),
        ("./x,y", ["./x,y"]),
        ("c d", ["c d"]),
        ('"c, d.wav",e.wav', ["c, d.wav", "e.wav"]),
        ('e.wav, "c, d.wav"', ["e.wav", "c, d.wav"]),
        ('say "hello".wav', ['say "hello".wav']),
        ("absent", ["absent"]),
        ("", []),
        (" ", []),
        ("a," * 3000 + "b", [*["a"] * 3000, "b"]),
    ],
    ids=lambda given: str(given)[:20],
)
def test_commas_split_what_does_not_exist(folder, given, expected):
    assert paths.split_paths(given) == expected


def test_a_whole_path_from_the_root_is_taken_whole(folder):
    whole = str(folder / "a, b.wav")
    assert paths.split_paths(whole) == [whole]
    assert paths.split_paths(f"{whole},{whole}") == [whole, whole]


def test_an_open_quote_is_an_error():
    with pytest.raises(ValueError, match="is no list of paths .* close the quotes"):
        paths.split_paths('"a,b')


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["default"]),
        (["--dirs=a,b"], ["a", "b"]),
        (["--dirs=a", "--dirs=b,a, b.wav"], ["a", "b", "a, b.wav"]),
        (["--dirs", "a, b.wav", "--dirs", "a, b.wav"], ["a, b.wav", "a, b.wav"]),
        (["--dirs="], []),
    ],
)
def test_a_flag_may_be_repeated(folder, arguments, expected):
    values = flags.FlagValues()
    holder = path_flags.define_paths_flag("dirs", ["default"], "Text.", flag_values=values)
    values(["program", *arguments])
    assert holder.value == expected
    again = flags.FlagValues()
    holder = path_flags.define_paths_flag("dirs", ["default"], "Text.", flag_values=again)
    again(["program", *values.flags_into_string().splitlines()])
    assert holder.value == expected


def test_a_required_flag_is_asked_for():
    values = flags.FlagValues()
    path_flags.define_paths_flag("dirs", None, "Text.", required=True, flag_values=values)
    with pytest.raises(flags.IllegalFlagValueError, match="--dirs must have a value"):
        values(["program"])


# What DEFINE_list splits at every comma holds names, and no paths.
_NAMES = {"layers", "presets", "losses", "utterances", "patches_of", "beam_options", "measures"}


def test_every_flag_of_a_script_that_takes_paths_takes_commas_in_them():
    lists, takers = set(), set()
    for path in [*_ROOT.glob("scripts/*.py"), *_ROOT.glob("tools/*.py")]:
        text = path.read_text(encoding="utf-8")
        lists |= set(re.findall(r'DEFINE_list\(\s*"(\w+)"', text))
        takers |= set(re.findall(r'define_paths_flag\(\s*"(\w+)"', text))
    assert takers >= {"input", "data_dir", "results_dirs", "vocoder"}
    assert lists == _NAMES
    assert not takers & _NAMES
    for path in _ROOT.glob("benchmarks/*.py"):
        split = re.findall(r'options\.(\w+)\.split\(","\)', path.read_text(encoding="utf-8"))
        assert not {"data_dirs", "wer_of"} & set(split), path
