"""No script writes over what it was given to read, or takes its own output for input.

Each case is refused in one line, before the first write: every file is what it was.
"""

import hashlib
import json
import pathlib

import numpy as np
import pytest
import soundfile

from tests import script_runner, speech
from tests.report import results_folder
from vggish_inversion import reconstruction, results
from vggish_inversion.files import apart, hub
from vggish_inversion.training import run_folder

_TARGET = "--target=small_encoder/speech_commands"


def _state(folder: pathlib.Path) -> dict[str, str]:
    """Every file below a folder by its content, links by where they lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder"
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """What users have: recordings, links to them, results, models, and notes of their own."""
    root = tmp_path_factory.mktemp("user")
    waveform = speech.read_clip()
    for name in ("speech/a.wav", "speech/sub/b.wav", "x/x/a.wav", "other/a.wav"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, waveform, 16000)
    (root / "speech" / "a.txt").write_text("words of mine")
    (root / "link").symlink_to(root / "speech")
    (root / "collected").mkdir()
    (root / "collected" / "one").symlink_to(root / "speech" / "sub")
    (root / "singles").mkdir()
    (root / "singles" / "b.wav").symlink_to(root / "speech" / "sub" / "b.wav")
    (root / "notes" / "natural").mkdir(parents=True)
    (root / "notes" / "README.md").write_text("my notes")
    (root / "notes" / "config.json").write_text('{"mine": true}')
    (root / "notes" / "summary.csv").write_text("a,b\n1,2\n")
    (root / "notes" / "reconstruct.csv").write_text("a,b\n1,2\n")
    (root / "page").mkdir()
    (root / "page" / "index.html").write_text("my page")
    results_folder.write_results_folder(root / "results")
    (root / "results" / "notes.txt").write_text("what I thought of it")
    for index in (1, 2):
        (root / "shards" / f"shard-{index}-of-2").mkdir(parents=True)
        (root / "shards" / f"shard-{index}-of-2" / "run.json").write_text("{}")
    np.savez(root / "weights.npz", kernel=np.zeros(3))
    (root / "net.keras").write_bytes(b"a network")
    (root / "run").mkdir()
    (root / "run" / "inverter.keras").write_bytes(b"an inverter")
    (root / "run" / "config.json").write_text("{}")
    return root


def _reconstruct(given: str, output: str) -> tuple[str, list[str]]:
    inverter = hub.find_model("inverter/small_encoder/speech_commands/layer_6/paper-l1")
    flags = [f"--inverter={inverter}", f"--input={given}", f"--output_dir={output}"]
    return "scripts/reconstruct.py", flags


def _script(name: str, *flags: str) -> tuple[str, list[str]]:
    return f"scripts/{name}.py", list(flags)


# What is run, in which folder below the user's, and a part of what is said.
_CASES = {
    "the input folder": (_reconstruct("speech", "speech"), ".", "lies in speech, which is read"),
    "the input folder, spelt otherwise": (
        _reconstruct("speech", "other/../speech/"),
        ".",
        "lies in speech, which is read",
    ),
    "here": (_reconstruct(".", "."), "speech", "lies in ., which is read"),
    "inside of the input": (_reconstruct("speech", "speech/out"), ".", "lies in speech"),
    "inside of one of two": (_reconstruct("other,speech", "speech/new/out"), ".", "lies in speech"),
    "a link to the input": (_reconstruct("speech", "link"), ".", "lies in speech"),
    "the input is a link": (_reconstruct("link", "speech/out"), ".", "lies in link"),
    "where a linked folder leads": (
        _reconstruct("collected", "speech/sub"),
        ".",
        "lies in",
    ),
    "where a linked file leads": (_reconstruct("singles", "speech/sub"), ".", "lies in"),
    "a file's folder": (
        _reconstruct("speech/a.wav", "speech"),
        ".",
        "speech is the folder of speech/a.wav",
    ),
    "a file here": (_reconstruct("a.wav", "."), "speech", ". is the folder of a.wav"),
    "a file's folder, whatever its kind": (
        _reconstruct("speech/a.txt", "speech"),
        ".",
        "speech is the folder of speech/a.txt",
    ),
    "where a name leads back into the input": (
        _reconstruct("x", "."),
        ".",
        "x/a.wav lies in x, which is read",
    ),
    "recordings of others": (
        _reconstruct("speech", "other"),
        ".",
        "other/a.wav is there already, without a row in the reconstruct.csv",
    ),
    "a table of others": (_reconstruct("speech", "notes"), ".", "not of this program"),
    "results in the corpus": (
        _script("evaluate", _TARGET, "--data_dir=speech", "--output_dir=speech"),
        ".",
        "lies in speech, which is read",
    ),
    "results below the corpus": (
        _script("evaluate", _TARGET, "--data_dir=link", "--output_dir=speech/results"),
        ".",
        "lies in link, which is read",
    ),
    "a corpus in the results": (
        _script("evaluate", _TARGET, "--data_dir=out/audio/natural", "--output_dir=out"),
        ".",
        "where files are written",
    ),
    "a shard in the corpus": (
        _script("evaluate", "--shard=1/2", "--data_dir=speech", "--output_dir=speech/r"),
        ".",
        "lies in speech",
    ),
    "a pipeline in the corpus": (
        _script("evaluate_beam", "--data_dir=speech", "--output_dir=speech"),
        ".",
        "lies in speech",
    ),
    "results beside tables of others": (
        _script(
            "evaluate",
            *(_TARGET, "--layers=layer_6", "--data_dir=speech", "--split=all"),
            "--output_dir=other_tables",
        ),
        ".",
        "other_tables/summary.csv is there already",
    ),
    "the demo over results": (
        _script("demo", "--output_dir=results"),
        ".",
        "holds results that this demo did not make",
    ),
    "the demo over a page": (_script("demo", "--output_dir=page"), ".", "index.html is there"),
    "a page over a table": (
        _script("make_report", "--results_dir=results", "--output=results/summary.csv"),
        ".",
        "would be written over",
    ),
    "a page whose numbers are run.json": (
        _script("make_report", "--results_dir=results", "--output=results/run.html"),
        ".",
        "run.json is read, and would be written over",
    ),
    "a page among the clips": (
        _script("make_report", "--results_dir=results", "--output=results/audio/x.html"),
        ".",
        "lies in results/audio",
    ),
    "a page called json": (
        _script("make_report", "--results_dir=results", "--output=page.json"),
        ".",
        "name it .html",
    ),
    "training in the corpus": (
        _script("train_inverter", "--layer=conv1", "--data_dir=speech", "--output_dir=speech"),
        ".",
        "lies in speech",
    ),
    "training over the network": (
        _script(
            "train_inverter",
            *("--target=run/inverter.keras", "--layer=a", "--data_dir=speech", "--output_dir=run"),
        ),
        ".",
        "run/inverter.keras is read, and would be written over",
    ),
    "training over what it begins with": (
        _script(
            "train_inverter",
            *("--layer=conv1", "--data_dir=speech", "--output_dir=run"),
            "--initial_weights=run/inverter.keras",
        ),
        ".",
        "run/inverter.keras is read, and would be written over",
    ),
    "a grid in the corpus": (
        _script("train_all", "--data_dir=speech", "--output_dir=speech"),
        ".",
        "lies in speech",
    ),
    "a vocoder over its inverter": (
        _script("train_melgan", "--data_dir=speech", "--inverter=run", "--output_dir=run"),
        ".",
        "run/config.json is read, and would be written over",
    ),
    "a vocoder in the corpus": (
        _script("train_melgan", "--data_dir=speech", "--output_dir=speech"),
        ".",
        "lies in speech",
    ),
    "an encoder among notes": (
        _script("train_small_encoder", "--data_dir=speech", "--output_dir=notes"),
        ".",
        "notes/config.json is there already",
    ),
    "an encoder in the corpus": (
        _script("train_small_encoder", "--data_dir=speech", "--output_dir=speech"),
        ".",
        "lies in speech",
    ),
    "shards in the corpus": (
        _script("prepare_dataset", "--data_dir=speech", "--output_dir=speech/shards"),
        ".",
        "lies in speech",
    ),
    "the paper in the corpus": (
        _script("reproduce_paper", "--data_dir=speech", "--output_dir=speech"),
        ".",
        "lies in speech",
    ),
    "shards merged into their folder": (
        _script("merge_results", "--results_dirs=shards", "--output_dir=shards/whole"),
        ".",
        "lies in shards, which is read",
    ),
    "the page's numbers over a file of others": (
        _script("make_report", "--results_dir=results", "--output=notes/config.html"),
        ".",
        "config.json is there already, and not of this program",
    ),
    "the page over a page of others": (
        _script("make_report", "--results_dir=results", "--output=page/index.html"),
        ".",
        "index.html is there already, and not of this program",
    ),
    "weights over themselves": (
        _script(
            "convert_weights",
            *("--target=net.keras", "--output=other/../net.keras"),
        ),
        ".",
        "net.keras is read, and would be written over",
    ),
}


@pytest.fixture(scope="module")
def outcomes(place):
    (place / "out" / "audio" / "natural").mkdir(parents=True)
    soundfile.write(place / "out" / "audio" / "natural" / "a.wav", speech.read_clip(), 16000)
    (place / "other_tables").mkdir()
    (place / "other_tables" / "summary.csv").write_text("a,b\n1,2\n")
    before = _state(place)
    done = {
        case: script_runner.run(program, *flags, cwd=place / cwd)
        for case, ((program, flags), cwd, _) in _CASES.items()
    }
    return done, before, _state(place)


@pytest.mark.parametrize("case", _CASES)
def test_it_is_refused_in_one_line(case, outcomes):
    done = outcomes[0][case]
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "Traceback" not in done.stderr, done.stderr
    assert _CASES[case][2] in errors[0]


def test_every_file_is_what_it_was(outcomes):
    _, before, after = outcomes
    made = {name for name in after.keys() - before.keys() if not name.endswith(".lock")}
    assert made == set()
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("given", "output"),
    [
        (["speech"], "reconstructed"),
        (["speech"], "."),  # above it: a.wav and sub/b.wav come to lie beside the folder
        (["speech/a.wav"], "."),
        (["speech/a.wav"], "speech/out"),  # a file's folder is not searched
        (["speech/sub"], "speech/out"),
        (["speech"], "speech_2"),  # a name that begins alike
    ],
)
def test_what_is_apart_is_allowed(given, output, place, monkeypatch):
    monkeypatch.chdir(place)
    assert reconstruction.find_inputs(given, output_dir=output)


def test_a_recording_is_not_written_over_from_python_either(place):
    path = place / "speech" / "a.wav"
    with pytest.raises(apart.OverlapError, match="would be written over"):
        reconstruction.reconstruct_files(
            [(path, pathlib.Path("a.wav"))], None, "layer_6", place / "speech"
        )
    assert not (place / "speech" / "reconstruct.csv").exists()


def _reconstruct_all(folder, *names, level=0.5, breaks="") -> list[str]:
    """Reconstructs a clip into each of some names; at the one that breaks it, a kill or a fault."""

    def reconstruct(path, *, names):
        if path.name == breaks:
            raise KeyboardInterrupt if breaks == "killed" else ValueError("no sound any more")
        made = reconstruction.Reconstruction(np.zeros((1, 64)), np.full(16000, level))
        return dict.fromkeys(names, made)

    inputs = [(pathlib.Path("in", name), pathlib.Path(f"{name}.wav")) for name in names]
    return reconstruction.reconstruct_files(inputs, reconstruct, "layer_6", folder)


def _level(path: pathlib.Path) -> float:
    return soundfile.read(path)[0].max()


def test_an_earlier_runs_own_files_are_made_anew(tmp_path):
    """Killed after its first wav, a run is started again: the wav is its own."""
    with pytest.raises(KeyboardInterrupt):
        _reconstruct_all(tmp_path, "a", "killed", "c", level=0.1, breaks="killed")
    table = (tmp_path / "reconstruct.csv").read_text()
    assert "in/c,c.wav,not reached" in table and "in/a,a.wav,ok" in table
    assert _reconstruct_all(tmp_path, "a", "killed", "c") == ["ok"] * 3
    assert _level(tmp_path / "a.wav") == pytest.approx(0.5)
    rows = (tmp_path / "reconstruct.csv").read_text().splitlines()[1:]
    assert rows == [f"in/{name},{name}.wav,ok" for name in ("a", "killed", "c")]


def test_other_wavs_of_an_earlier_run_keep_their_rows(tmp_path):
    _reconstruct_all(tmp_path, "a", "b", level=0.1)
    _reconstruct_all(tmp_path, "b", "c")
    rows = (tmp_path / "reconstruct.csv").read_text().splitlines()[1:]
    assert rows == [f"in/{name},{name}.wav,ok" for name in "abc"]
    assert [round(_level(tmp_path / f"{name}.wav"), 1) for name in "abc"] == [0.1, 0.5, 0.5]


def test_of_an_input_that_fails_now_no_wav_stays(tmp_path):
    _reconstruct_all(tmp_path, "a", "b", level=0.1)
    assert _reconstruct_all(tmp_path, "a", "b", breaks="a") == ["no sound any more", "ok"]
    assert not (tmp_path / "a.wav").exists()
    rows = (tmp_path / "reconstruct.csv").read_text().splitlines()[1:]
    assert rows == ["in/a,,no sound any more", "in/b,b.wav,ok"]


def test_a_recording_that_was_put_beside_an_earlier_runs_is_not_written_over(tmp_path):
    _reconstruct_all(tmp_path, "a")
    soundfile.write(tmp_path / "b.wav", np.full(16000, 0.9), 16000)
    with pytest.raises(apart.OverlapError, match="b.wav is there already, without a row"):
        _reconstruct_all(tmp_path, "a", "b")
    assert _level(tmp_path / "b.wav") == pytest.approx(0.9, abs=1e-3)


def test_a_name_that_is_no_utf_8_has_its_row(tmp_path):
    for _ in range(2):
        assert _reconstruct_all(tmp_path, "a", "b\udcff", "c") == ["ok"] * 3
    rows = (tmp_path / "reconstruct.csv").read_text().splitlines()[1:]
    assert rows[1] == r"in/b\udcff,b\udcff.wav,ok"


def test_one_output_that_cannot_be_written_is_one_row(tmp_path):
    """Two of three are made."""
    folder = tmp_path / "out"
    (folder / "b.wav").mkdir(parents=True)

    def reconstruct(path, *, names):
        made = reconstruction.Reconstruction(np.zeros((1, 64)), np.zeros(16000))
        return dict.fromkeys(names, made)

    names = ("a.wav", "b.wav", "c.wav")
    inputs = [(path, pathlib.Path(name)) for path, name in zip(speech.CLIPS, names, strict=False)]
    statuses = reconstruction.reconstruct_files(inputs, reconstruct, "layer_6", folder)
    assert statuses == ["ok", f"{folder / 'b.wav'}: Is a directory", "ok"]
    rows = (folder / "reconstruct.csv").read_text().splitlines()
    assert [row.rsplit(",", 2)[1] for row in rows[1:]] == ["a.wav", "", "c.wav"]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("no kernel image"), OSError("gone")])
def test_whatever_fails_is_one_row(error, tmp_path, caplog):
    def reconstruct(path, *, names):
        raise error

    inputs = [(speech.CLIPS[0], pathlib.Path("a.wav"))]
    [status] = reconstruction.reconstruct_files(inputs, reconstruct, "layer_6", tmp_path)
    assert str(error) in status and status != "ok"
    assert f"{speech.CLIPS[0]}: {status}" in caplog.text  # the line names the file


@pytest.mark.parametrize("name", ["summary.csv", "audio/natural/a.wav", "log_mel/a.npy"])
def test_results_take_the_place_of_nothing(name, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(apart.OverlapError, match="is there already, without the run.json"):
        results.open_results(tmp_path, {"inverters": {}, "vocoders": {}, "recognisers": {}})
    assert (tmp_path / name).read_bytes() == b"mine"
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize("name", ["inverter.keras", "vocoder.keras"])
def test_a_network_that_is_there_is_not_what_a_run_gives(name, tmp_path):
    """Copied there to go on with, it was returned, untrained, or written over."""
    (tmp_path / name).write_bytes(b"a network")
    with (
        pytest.raises(run_folder.RunError, match=f"{name} is there already"),
        run_folder.open_run(tmp_path, {"seed": 0}),
    ):
        pass
    assert (tmp_path / name).read_bytes() == b"a network"
    (tmp_path / "history.csv").write_text("epoch\n1\n")  # its own run's
    with run_folder.open_run(tmp_path, {"seed": 0}):
        pass


def test_a_runs_folder_takes_no_settings_of_others(place, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    settings = {"seed": 0, "train_data": "a", "validation_data": "b"}
    with (
        pytest.raises(run_folder.RunError, match="is not of a run; use another output folder"),
        run_folder.open_run(tmp_path, settings),
    ):
        pass
    assert json.loads((tmp_path / "config.json").read_text()) == {"model_type": "wav2vec2"}
