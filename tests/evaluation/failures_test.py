"""One item's failure is one row, once, whatever failed; the others are measured."""

import collections
import csv
import json
import pathlib

import numpy as np
import pytest

from tests import speech
from vggish_inversion import evaluation, results
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import grid as grids
from vggish_inversion.evaluation import measure, rendering, stopwatch
from vggish_inversion.files import hub
from vggish_inversion.inverters import search
from vggish_inversion.targets import loading

_TARGET = "small_encoder/speech_commands"
_SETTINGS = {"data_dir": ["demo_speech"], "split": "all"}


class _Recogniser:
    name, fingerprint, rules = "parrot", "none", "letters"

    def transcribe_all(self, waveforms):
        for _ in waveforms:
            yield "words"


def _statuses(rows) -> dict[tuple[str, str], list[str]]:
    found = collections.defaultdict(list)
    for row in rows:
        found[row["layer"], row["utterance"]].append(row["status"])
    return found


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("too short"), "too short"),
        (OSError(28, "No space left on device", "a.wav"), "a.wav: No space left on device"),
        (MemoryError(), "MemoryError"),
        (RuntimeError("cuDNN is gone\nat 0x0"), "RuntimeError: cuDNN is gone at 0x0"),
    ],
)
@pytest.mark.parametrize("num_before", [0, 1, 2])
def test_a_renderer_that_fails_on_its_way(error, reason, num_before, tmp_path):
    """`evaluate` itself, with a renderer that ends in the middle of each utterance."""
    renditions = [grids.Rendition("natural"), grids.Rendition("true_log_mel", "griffin_lim")]
    renditions.append(grids.Rendition("layer_0/paper-l1", "griffin_lim"))
    conditions = grids.conditions(_TARGET, [], ["griffin_lim"], ["parrot"])
    third = results.Condition(_TARGET, "layer_0", "paper", "l1", "griffin_lim", "parrot")
    conditions[renditions[2]] = {"parrot": third}
    utterances = [corpora.Utterance(name, pathlib.Path(name), "words") for name in "ab"]

    def renderer(utterance, wanted):
        for rendition in list(wanted)[:num_before]:
            yield rendering.Rendering(utterance, rendition, np.zeros(4, np.float32), {"stoi": 1})
        raise error

    with results.ResultsTable(tmp_path / "results.csv") as table:
        watch = stopwatch.Stopwatch()
        measure.evaluate(
            *(utterances, renderer, conditions, {"parrot": _Recogniser()}, table, watch),
            recordings={"a": "0", "b": "1"},
        )
    statuses = _statuses(table.rows)
    assert len(statuses) == 3 * len(utterances)
    for utterance in "ab":
        expected = ["ok"] * num_before + [reason] * (3 - num_before)
        layers = ("natural", "true_log_mel", "layer_0")
        assert [statuses[layer, utterance] for layer in layers] == [[text] for text in expected]


def test_an_output_that_cannot_be_written_fails_its_own_row_alone(tmp_path, tmp_path_factory):
    target = loading.load_target(_TARGET)
    runs = [
        item
        for item in search.find_runs(hub.models_dir(), target, layers=["layer_0"])
        if item.preset == "paper"
    ]
    utterances = speech.begin(tmp_path_factory.mktemp("speech"), 2)
    taken = tmp_path / "audio" / "layer_0" / "paper-l1" / f"{utterances[0].id}.wav"
    taken.mkdir(parents=True)
    rows = evaluation.evaluate_runs(
        utterances, target, runs, output_dir=tmp_path, settings=_SETTINGS
    )
    statuses = _statuses(rows)
    assert len(rows) == len(statuses) == 3 * len(utterances)
    failed = {key: texts for key, texts in statuses.items() if texts != ["ok"]}
    assert list(failed) == [("layer_0", utterances[0].id)]
    [[reason]] = failed.values()
    assert reason == f"{taken}: Is a directory"
    with open(tmp_path / "results.csv", encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows

    taken.rmdir()  # what failed is measured again, once there is room
    again = evaluation.evaluate_runs(
        utterances, target, runs, output_dir=tmp_path, settings=_SETTINGS
    )
    assert all(texts == ["ok"] for texts in _statuses(again).values())
    assert len(again) == len(rows)


def test_what_one_inverter_or_vocoder_makes_impossible_is_its_own_row_alone():
    """NaN of one inverter, a vocoder that is out of memory, and inverters that fail altogether."""
    target = loading.load_target(_TARGET)
    found = search.find_runs(hub.models_dir(), target, layers=["layer_5", "layer_6"])
    runs = [item for item in found if item.preset == "paper"]
    utterance = corpora.Utterance("a", speech.CLIPS[0], "words")
    renderer = rendering.Renderer(
        target, runs, grids.Grid(metrics=()), folder=None, watch=stopwatch.Stopwatch()
    )
    conditions = grids.conditions(target.name, runs, ["griffin_lim", "broken"], ["parrot"])
    wanted = {rendition: by_name["parrot"] for rendition, by_name in conditions.items()}

    def broken(log_mels):
        raise MemoryError("no more")

    def failures():
        made = list(rendering.each_once(renderer, utterance, wanted))
        assert len(made) == len(wanted)
        return {
            (item.rendition.name, item.rendition.vocoder): item.reason
            for item in made
            if isinstance(item, rendering.Failure)
        }

    def spoilt(log_mel):
        made = invert(log_mel)
        return made | {"layer_6/paper-l1": np.full_like(log_mel, np.nan)}

    def failing(log_mel):
        raise RuntimeError("no kernel image")

    renderer.vocoders["broken"] = broken
    invert = renderer._reconstructor.invert
    names = ("true_log_mel", "layer_5/paper-l1", "layer_6/paper-l1")
    expected = {(name, "broken"): "MemoryError: no more" for name in names}
    assert failures() == expected

    renderer._reconstructor.invert = spoilt
    is_nan = "log_mel holds NaN; check the network or the audio that made it"
    assert failures() == expected | {("layer_6/paper-l1", "griffin_lim"): is_nan}

    renderer._reconstructor.invert = failing
    reason = "RuntimeError: no kernel image"
    whole = {(name, vocoder): reason for name in names[1:] for vocoder in ("griffin_lim", "broken")}
    assert failures() == whole | {("true_log_mel", "broken"): "MemoryError: no more"}


def test_speaker_similarity_without_a_known_speaker(tmp_path, caplog):
    target = loading.load_target(_TARGET)
    utterances = [corpora.Utterance("alone", speech.CLIPS[0], "words")]
    rows = evaluation.evaluate_runs(
        utterances,
        target,
        [],
        grid=grids.Grid(metrics=("speaker_similarity",)),
        output_dir=tmp_path,
        settings=_SETTINGS,
    )
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert float(rows[0]["speaker_similarity"]) == pytest.approx(1.0)
    assert float(rows[1]["speaker_similarity"]) > 0.5
    references = json.loads((tmp_path / "run.json").read_text())["speaker_similarity"]
    assert references["num_same_pairs"] == references["num_other_pairs"] == 0
    assert references["same_speaker"] is None
    assert "no speaker of the recordings is known" in caplog.text
