"""One network, some recordings, one page: what is there after a kill, and after more minutes."""

import csv
import json
import pathlib

import numpy as np
import pytest
import soundfile

from tests import networks, small_runs
from tests import speech as clips
from vggish_inversion import evaluation, features, results
from vggish_inversion.evaluation import grid
from vggish_inversion.files import apart
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.inverters import training
from vggish_inversion.inverters.config import TrainConfig
from vggish_inversion.questions import asking, inquiry, inversion, kept, speech
from vggish_inversion.results import read_results
from vggish_inversion.targets import loading
from vggish_inversion.targets.encoder import TargetEncoder


class _KilledError(Exception):
    """Stands for a signal."""


def _record(folder: pathlib.Path, count: int = 5) -> pathlib.Path:
    """Recordings without transcripts."""
    folder.mkdir()
    for index in range(count):
        soundfile.write(folder / f"{index}.wav", clips.read_clip(index)[:17000], 16000)
    return folder


def _inquiry(target, folder: pathlib.Path, layers=()) -> inquiry.Inquiry:
    shared = speech.gather([folder / "own"])
    return inquiry.Inquiry(
        target=target,
        taps=inquiry.choose_taps(layers)(target),
        speech=shared.long_enough(target.source),
        output_dir=folder / "page",
        minutes=10,
        settings={"data_dir": [str(folder / "own")], "split": "held out"},
        announce=lambda line: None,
    )


def _rows(folder: pathlib.Path) -> dict[str, dict[str, str]]:
    with open(folder / "page" / "summary.csv", newline="") as file:
        return {row["layer"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def network():
    return TargetEncoder.from_keras(
        networks.small_cnn(), front_end=features.LogMelParams(), name="my.keras"
    )


class _Listener:
    """A recogniser in no time: what it hears depends on how loud a clip is."""

    name, fingerprint, rules = "listener", "of tests", "letters"

    def transcribe_all(self, waveforms):
        for waveform in waveforms:
            yield "loud words" if np.abs(waveform).mean() > 0.01 else "words"


@pytest.fixture
def listener(monkeypatch):
    monkeypatch.setattr(grid.asr, "load_transcriber", lambda name, **_: _Listener())


@pytest.fixture
def brief(monkeypatch):
    """Minutes that come to a second of training for each tap, in small steps."""
    config = TrainConfig(preset="large", num_views=1, batch_size=2)
    monkeypatch.setattr(inversion, "_CONFIG", config)
    monkeypatch.setattr(training, "_MIN_STEPS", 4)  # and so few batches for batch norm
    monkeypatch.setattr(
        inquiry.Times, "minutes_of_tap", lambda self, minutes, *args, **kwargs: minutes / 600
    )


def test_a_page_that_a_kill_does_not_cost_and_more_minutes_do_not_spoil(
    network, tmp_path, monkeypatch, brief, listener
):
    _record(tmp_path / "own")
    asked = _inquiry(network, tmp_path, ["relu6", "classes"])
    train = inversion.training.train_inverter

    def killed(target, tap, *args, **kwargs):
        if tap.name == "classes":
            raise _KilledError
        return train(target, tap, *args, **kwargs)

    monkeypatch.setattr(inversion.training, "train_inverter", killed)
    with pytest.raises(_KilledError):
        asking.ask(asked)
    page = tmp_path / "page" / "index.html"
    first = page.read_bytes()
    assert {row["preset"] for row in _rows(tmp_path).values()} == {"", "ridge"}
    monkeypatch.setattr(inversion.training, "train_inverter", train)
    sentence, path = asking.ask(asked)
    assert path == page and page.read_bytes() != first
    assert "relu6" in sentence and "classes" in sentence
    rows = _rows(tmp_path)
    assert list(rows) == ["natural", "true_log_mel", "relu6", "classes"]
    run = json.loads((tmp_path / "page" / "run.json").read_text())
    assert run["reference"] == "recogniser"
    assert float(rows["natural"]["wer"]) == 0, "it is the reference"
    for layer in ("relu6", "classes"):
        runs = [
            inverter_run.read_run(config.parent)
            for config in (tmp_path / "page" / "training" / layer).glob("*/config.json")
        ]
        assert {one.preset for one in runs} == {"ridge", "large"}
        best = min(runs, key=lambda one: one.held_out_nats)
        assert rows[layer]["preset"] == best.preset
        assert run["kept"][layer].startswith(best.preset)
        assert run["inverters"] == {
            **run["inverters"],
            f"{layer}/{best.preset}-{best.loss}": best.sha256,
        }
    heard = {item.id for item in asked.speech.heard}
    assert set(read_results(tmp_path / "page").reconstructions) == heard


def test_only_a_better_inverter_replaces_the_one_that_is_kept(network, tmp_path):
    _record(tmp_path / "own")
    asked = _inquiry(network, tmp_path, ["conv"])

    def run(name: str, preset: str, loss: float, data: str = "same") -> pathlib.Path:
        folder = tmp_path / "page" / "training" / name
        made = small_runs.write(folder, network, "conv", preset=preset)
        config = {**made.config, "validation_data": data}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "history.csv").write_text(f"epoch,val_loss\n1,{loss}\n")
        return folder

    def kept_now() -> tuple[str, float]:
        [one] = kept.kept_runs(asked)
        return one.preset, one.held_out_nats

    steps = [
        (run("first", "paper", 0.05), ("paper", 0.5)),
        (run("worse", "large", 0.06), ("paper", 0.5)),
        (run("better", "large", 0.04), ("large", 0.4)),
        (run("elsewhere", "paper", 0.09, data="other"), ("paper", 0.9)),
    ]
    for folder, expected in steps:
        kept.keep_better(asked, folder)
        assert kept_now() == (expected[0], pytest.approx(expected[1]))
        kept.keep_better(asked, folder)  # a kill may have come between
        assert kept_now()[0] == expected[0]


def test_results_of_others_are_left_alone(network, tmp_path):
    _record(tmp_path / "own")
    asked = _inquiry(network, tmp_path, ["conv"])
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "run.json").write_text('{"inverters": {"a": "b"}}')
    with pytest.raises(apart.OverlapError, match="is there already"):
        asking.ask(asked)
    with pytest.raises(ValueError, match="no layer 'convv'; its layers are: conv"):
        inquiry.choose_taps(["convv"])(network)


def test_an_inverter_that_was_replaced_is_forgotten(tmp_path):
    rows = [
        {
            **dict.fromkeys(results.RESULT_COLUMNS, ""),
            **{"target": "t", "layer": layer, "preset": preset, "loss": "l1" if preset else ""},
            **{"asr": "a", "utterance": "u", "status": "ok", "num_utterances": "1"},
            **{"stoi": "1", "estoi": "1", "log_mel_l1": "0"},
        }
        for layer, preset in (("natural", ""), ("conv", "ridge"), ("pool", "ridge"))
    ]
    results.write_table(tmp_path / "results.csv", results.RESULT_COLUMNS, rows)
    told = {"conv/ridge-l1": "old", "pool/ridge-l1": "same"}
    (tmp_path / "run.json").write_text(json.dumps({"inverters": told, "views": told}))
    kept = {"conv/ridge-l1": "new", "pool/ridge-l1": "same"}
    num_left = evaluation.forget_inverters(tmp_path, but=kept)
    with open(tmp_path / "results.csv", newline="") as file:
        assert [row["layer"] for row in csv.DictReader(file)] == ["natural", "pool"]
    assert num_left == 2
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["inverters"] == run["views"] == {"pool/ridge-l1": "same"}


def test_minutes_are_shared_out_once(tmp_path):
    shared = inquiry.Times(tmp_path)
    given = {"left": 100.0, "spent": 0.0}
    assert shared.minutes_of_tap(10, "ab", **given) == pytest.approx(46 / 60, abs=1e-3)
    again = inquiry.Times(tmp_path)  # of a command that was killed, and has less time left
    assert again.minutes_of_tap(10, "ab", left=5.0, spent=60.0) == pytest.approx(46 / 60, abs=1e-3)
    more = again.minutes_of_tap(20, "ab", left=500.0, spent=92.0)
    assert more == pytest.approx((592 / 2 - 4) / 60, abs=1e-3)
    assert inquiry.Times(tmp_path / "other").minutes_of_tap(1, "abc", left=12.0, spent=0.0) == 0
    shared.measured(30.0, 60.0)
    assert inquiry.Times(tmp_path).to_measure(10.0) == pytest.approx(1.3 * 5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vggish", "saved_model", "slaney"])
def test_other_targets(kind, tmp_path, brief):
    if kind == "vggish":
        target = loading.load_target("vggish", weights="untrained")
    elif kind == "saved_model":
        networks.waveform_cnn(samples=15600).export(tmp_path / "net")
        (tmp_path / "net" / "front_end.json").write_text('{"front_end": "waveform"}')
        target = loading.load_target(str(tmp_path / "net"))
    else:
        front_end = features.LogMel(num_bands=80, mel_scale="slaney")
        model = networks.small_cnn(front_end.shape)
        target = TargetEncoder.from_keras(model, front_end=front_end, name="slaney.keras")
    _record(tmp_path / "own")
    asked = _inquiry(target, tmp_path)
    assert 1 <= len(asked.taps) <= 5
    _, page = asking.ask(asked)
    assert page.is_file()
    assert {row["layer"] for row in _rows(tmp_path).values()} >= {tap.name for tap in asked.taps}
