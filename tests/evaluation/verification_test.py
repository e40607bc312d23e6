"""Speaker verification of a results folder: the same however it came about, and no crash."""

import csv
import json
import pathlib
import shutil

import numpy as np
import pytest

from tests import speech
from vggish_inversion import audio, evaluation, metrics, results
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import beam, verification
from vggish_inversion.evaluation import grid as grids
from vggish_inversion.metrics import speakers
from vggish_inversion.targets import loading

_TARGET = "small_encoder/speech_commands"
_SETTINGS = {"data_dir": ["demo_speech"], "split": "all"}
_GRID = grids.Grid(metrics=("speaker_verification",))


class _Parrot:
    name, fingerprint, rules = "parrot", "none", "letters"

    def transcribe_all(self, waveforms):
        for _ in waveforms:
            yield "words"


@pytest.fixture(scope="module")
def target():
    return loading.load_target(_TARGET)


@pytest.fixture(autouse=True)
def _parrot(monkeypatch):
    monkeypatch.setattr(grids.Grid, "load_transcribers", lambda _: {"parrot": _Parrot()})


def _corpus() -> list[corpora.Utterance]:
    """Two speakers, three clips of each."""
    return [item for item in corpora.read_corpus(speech.DEMO_SPEECH) if item.speaker != "slt"]


def _evaluate(folder, target, utterances=None, *, grid=_GRID, shard=None):
    utterances = _corpus() if utterances is None else utterances
    return evaluation.evaluate_runs(
        utterances, target, [], grid=grid, shard=shard, output_dir=folder, settings=_SETTINGS
    )


def _summary(folder: pathlib.Path) -> dict[str, dict[str, str]]:
    with open(folder / "summary.csv", encoding="utf-8", newline="") as file:
        return {row["layer"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def whole(target, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(grids.Grid, "load_transcribers", lambda _: {"parrot": _Parrot()})
        _evaluate(folder, target)
    return folder


def test_the_columns_are_those_of_the_embeddings_of_the_audio(whole):
    summary = _summary(whole)
    utterances = _corpus()
    owners = {item.id: item.speaker for item in utterances}
    embed = speakers.load_speaker_encoder()
    natural = {item.id: embed(audio.read_audio(item.path)) for item in utterances}
    for layer in ("natural", "true_log_mel"):
        trials = {
            name: embed(audio.read_audio(whole / "audio" / layer / f"{name}.wav"))
            for name in owners
        }
        expected = metrics.verify_speakers(trials, natural, owners)
        row = summary[layer]
        assert float(row["speaker_eer"]) == pytest.approx(expected.eer, abs=0.01)
        assert float(row["speaker_eer"]) < 0.2
        counts = [row[name] for name in results.VERIFIED[-3:]]
        assert counts == ["2", "6", "6"]
        assert row["speaker_linkability"] == row["speaker_eer_low"] == ""  # too few
    assert list(summary["natural"])[-9:] == list(results.VERIFIED)
    assert results.VERIFIED[0] == "speaker_eer"
    run = json.loads((whole / "run.json").read_text())
    assert run["scorers"] == {"speaker_verification": embed.fingerprint}
    assert results.read_results(whole).summaries[0].scores["speaker_eer"].value < 0.2
    assert "EER %" in evaluation.summary_text(whole)


def test_a_reconstruction_of_another_speaker(whole, target, tmp_path):
    """Planted: each rendering is a clip of the other speaker, so that all are wrong."""
    utterances = _corpus()
    folder = tmp_path / "planted"
    shutil.copytree(whole, folder)
    condition = results.Condition(_TARGET, "true_log_mel", "", "", "griffin_lim", "parrot")
    embed = speakers.load_speaker_encoder()
    for item in utterances:
        other = next(each for each in utterances if each.speaker != item.speaker)
        embedding = embed(audio.read_audio(other.path))
        verification.write_embedding(folder, condition, item.id, embedding)
    _evaluate(folder, target, utterances)
    summary = _summary(folder)
    assert float(summary["true_log_mel"]["speaker_eer"]) > 0.9
    assert float(summary["natural"]["speaker_eer"]) < 0.1


def test_a_run_that_goes_on_and_shards_that_are_merged_say_the_same(whole, target, tmp_path):
    folder = tmp_path / "killed"
    shutil.copytree(whole, folder)
    lines = (folder / "results.csv").read_text().splitlines(keepends=True)
    (folder / "results.csv").write_text("".join(lines[:10]) + lines[10][:20])
    (folder / "summary.csv").unlink()
    shutil.rmtree(folder / "speaker_embedding" / "true_log_mel")
    (folder / "speaker_embedding" / "true_log_mel").mkdir()
    for row in list(csv.DictReader(lines))[:9]:
        name = f"speaker_embedding/{row['layer']}/{row['utterance']}.npy"
        shutil.copy(whole / name, folder / name)
    _evaluate(folder, target)
    assert (folder / "summary.csv").read_text() == (whole / "summary.csv").read_text()

    for number in (1, 2):
        shard = evaluation.Shard(number, 2)
        _evaluate(tmp_path / "shards" / str(number), target, shard=shard)
    evaluation.merge_results([tmp_path / "shards"], tmp_path / "merged")
    merged, expected = _summary(tmp_path / "merged"), _summary(whole)
    for layer, row in expected.items():
        for name in results.VERIFIED:
            assert merged[layer][name] == row[name]


@pytest.mark.parametrize("kept", ["one speaker", "one recording each", "no speaker"])
def test_what_cannot_be_verified_is_a_line(kept, target, tmp_path, caplog):
    utterances = _corpus()
    if kept == "one speaker":
        utterances = utterances[:2]
    elif kept == "one recording each":
        utterances = utterances[::3][:2]
    else:
        utterances = [corpora.Utterance(item.id, item.path, item.text) for item in utterances[:2]]
    rows = _evaluate(tmp_path, target, utterances)
    assert [row["status"] for row in rows] == ["ok"] * 4
    row = _summary(tmp_path)["natural"]
    assert {row[name] for name in results.VERIFIED} == {""}
    assert row["stoi"] == "1.0"
    [line] = [item for item in caplog.messages if "speaker" in item]
    assert "speaker_eer stays empty: natural: speaker verification needs two speakers" in line
    assert "(and 1 more alike)" in line


def test_embeddings_that_are_gone(whole, target, tmp_path, caplog):
    folder = tmp_path / "results"
    shutil.copytree(whole, folder)
    place = folder / "speaker_embedding" / "true_log_mel"
    first, second, third, *_ = sorted(place.glob("*.npy"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-9])
    np.save(third, np.array([{}], object))
    _evaluate(folder, target)
    assert "3 of 18 embeddings in speaker_embedding are missing or damaged" in caplog.text
    assert _summary(folder)["true_log_mel"]["num_target_trials"] == "3"
    assert _summary(folder)["natural"] == _summary(whole)["natural"]


def test_another_speaker_or_encoder(whole, target, tmp_path, caplog):
    folder = tmp_path / "results"
    shutil.copytree(whole, folder)
    utterances = _corpus()
    first = utterances[0]
    utterances[0] = corpora.Utterance(first.id, first.path, first.text, "rms", first.split)
    _evaluate(folder, target, utterances)
    assert f"the speaker of {first.id} changed" in caplog.text
    with open(folder / "results.csv", encoding="utf-8", newline="") as file:
        owners = {row["utterance"]: row["speaker"] for row in csv.DictReader(file)}
    assert owners[first.id] == "rms"
    assert float(_summary(folder)["natural"]["speaker_eer"]) > 0
    other = grids.Grid(metrics=_GRID.metrics, speaker_encoder="small_encoder/language_id")
    with pytest.raises(ValueError, match="the network of the metric speaker_verification"):
        _evaluate(folder, target, utterances, grid=other)


def test_beam_keeps_embeddings_beside_the_audio(tmp_path):
    with pytest.raises(ValueError, match="leave out --nowrite_audio, or the metric"):
        beam.evaluate_with_beam(
            [], None, [], grid=_GRID, output_dir=tmp_path, settings={}, write_audio=False
        )
