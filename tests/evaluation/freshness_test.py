"""Rows of a results folder are of the recordings and texts of today, or are gone."""

import csv
import dataclasses
import json
import pathlib

import numpy as np
import pytest
from absl import logging

from tests import small_runs, speech
from vggish_inversion import asr, evaluation, results
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import freshness
from vggish_inversion.targets import loading

_CONDITIONS = [
    results.Condition("t", results.NATURAL, "", "", "", "a"),
    results.Condition("t", results.TRUE_LOG_MEL, "", "", "griffin_lim", "a"),
]


@pytest.fixture
def corpus(tmp_path) -> pathlib.Path:
    return speech.write_ljspeech(tmp_path / "lj", ["LJ001-0001", "LJ001-0002", "LJ001-0003"])


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    lines = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: lines.append(text % values))
    return lines


def _write_rows(folder, utterances, conditions=_CONDITIONS) -> None:
    recordings = freshness.digest_recordings(utterances)
    with results.ResultsTable(folder / "results.csv") as table:
        for utterance in utterances:
            for condition in conditions:
                row = dict.fromkeys(results.RESULT_COLUMNS, "")
                row |= dataclasses.asdict(condition) | {"status": "ok"}
                row |= {"utterance": utterance.id, "reference": utterance.text or ""}
                row["speaker"] = utterance.speaker or ""
                table.append({**row, "audio_sha256": recordings[utterance.id]})
                sound = folder / condition.clip("audio", utterance.id)
                sound.parent.mkdir(parents=True, exist_ok=True)
                sound.touch()


def _left(folder, utterances, *, conditions=_CONDITIONS, is_shard=False) -> list[str]:
    """The utterances of the rows that are left."""
    recordings = freshness.digest_recordings(utterances)
    with results.ResultsTable(folder / "results.csv") as table:
        freshness.drop_stale(table, folder, utterances, recordings, conditions, is_shard=is_shard)
        kept = [row["utterance"][-1] for row in table.rows]
        assert not any(table.has(conditions[0], f"LJ001-000{n}") for n in {*"123"} - {*kept})
    with open(folder / "results.csv", newline="") as file:
        assert [row["utterance"][-1] for row in csv.DictReader(file)] == kept
    return kept


def test_what_is_as_it_was_stays(tmp_path, corpus, warnings):
    _write_rows(tmp_path, corpora.read_corpus(corpus))
    assert _left(tmp_path, corpora.read_corpus(corpus)) == [*"112233"]
    assert not warnings


def test_another_recording_under_the_old_name(tmp_path, corpus, warnings):
    _write_rows(tmp_path, corpora.read_corpus(corpus))
    speech.disturb(corpus / "wavs" / "LJ001-0002.wav")
    assert _left(tmp_path, corpora.read_corpus(corpus)) == [*"1133"]
    assert [line.partition(": ")[2] for line in warnings] == [
        "the recording of LJ001-0002 changed since they were measured; they are measured again"
    ]
    sounds = sorted(path.stem[-1] for path in (tmp_path / "audio").rglob("*.wav"))
    assert sounds == [*"1133"]


def test_a_recording_that_cannot_be_read_any_more(tmp_path, corpus, warnings):
    _write_rows(tmp_path, before := corpora.read_corpus(corpus))
    (corpus / "wavs" / "LJ001-0003.wav").unlink()
    assert _left(tmp_path, before) == [*"1122"]
    assert "recording of LJ001-0003 changed" in warnings[0]


def test_another_text(tmp_path, corpus, warnings):
    _write_rows(tmp_path, corpora.read_corpus(corpus))
    table = (corpus / "metadata.csv").read_text().replace("number 1.", "number 1,  edited.")
    (corpus / "metadata.csv").write_text(table)
    assert _left(tmp_path, corpora.read_corpus(corpus)) == [*"1133"]
    assert "the text of LJ001-0002 changed" in warnings[0]


def test_rows_of_other_conditions_go_too_and_are_named(tmp_path, corpus, warnings):
    deep = dataclasses.replace(_CONDITIONS[1], layer="layer_3", preset="paper", loss="l1")
    _write_rows(tmp_path, corpora.read_corpus(corpus), [*_CONDITIONS, deep])
    speech.disturb(corpus / "wavs" / "LJ001-0001.wav")
    assert _left(tmp_path, corpora.read_corpus(corpus)) == [*"222333"]
    assert "rows of layer_3/paper-l1 griffin_lim a were dropped" in warnings[1]


def test_rows_of_other_utterances(tmp_path, corpus, warnings):
    _write_rows(tmp_path, utterances := corpora.read_corpus(corpus))
    assert _left(tmp_path, utterances[:2]) == [*"112233"]
    assert "rows of LJ001-0003, which this evaluation does not name, stay" in warnings.pop()
    assert _left(tmp_path, utterances[:2], is_shard=True) == [*"1122"]
    assert "LJ001-0003, which this evaluation does not name, are of other shards" in warnings.pop()


def test_all_shards_are_of_the_same_recordings_and_texts(corpus):
    def digest() -> str:
        utterances = corpora.read_corpus(corpus)
        return freshness.digest_utterances(utterances, freshness.digest_recordings(utterances))

    digests = [digest()]
    speech.disturb(corpus / "wavs" / "LJ001-0001.wav")
    digests.append(digest())
    table = (corpus / "metadata.csv").read_text().replace("number 1.", "number one.")
    (corpus / "metadata.csv").write_text(table)
    digests.append(digest())
    first, *others = corpora.read_corpus(corpus)
    renamed = [dataclasses.replace(first, speaker="anna"), *others]
    digests.append(freshness.digest_utterances(renamed, freshness.digest_recordings(renamed)))
    assert len(set(digests)) == 4


def _open(folder, *, version, vocoder="60 iterations", scorer="1") -> dict:
    fingerprints = {"inverters": {}, "recognisers": {}, "vocoders": {"griffin_lim": vocoder}}
    fingerprints |= {"scorers": {"speaker_similarity": scorer}}
    versions = {"versions": {"numpy": version}, "patches_seen": {}, "views": {}}
    results.open_results(folder, {**fingerprints, **versions})
    return json.loads((folder / "run.json").read_text())


def test_versions_that_rows_were_measured_with_are_kept(tmp_path, warnings):
    assert "earlier_versions" not in _open(tmp_path, version="1")
    assert "earlier_versions" not in _open(tmp_path, version="1")
    assert not warnings
    assert _open(tmp_path, version="2")["earlier_versions"] == [{"numpy": "1"}]
    assert "other versions (numpy 1 -> 2)" in warnings[0]
    assert _open(tmp_path, version="3")["earlier_versions"] == [{"numpy": "1"}, {"numpy": "2"}]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"vocoder": "8 iterations"}, "vocoder griffin_lim"),
        ({"scorer": "2"}, "the network of the metric speaker_similarity"),
    ],
)
def test_rows_of_other_settings_or_networks_are_not_mixed_in(tmp_path, change, named):
    _open(tmp_path, version="1")
    with pytest.raises(ValueError, match=f"different: {named}"):
        _open(tmp_path, version="1", **change)


@pytest.fixture(scope="module")
def target():
    return loading.load_target("small_encoder/speech_commands", weights="untrained")


class _Ear:
    """A recogniser of no time, whose words follow from the samples."""

    name, fingerprint, rules = "ear", "1", "letters"

    def transcribe_all(self, waveforms):
        for waveform in waveforms:
            yield f"text number {'one' if np.abs(waveform).mean() < 0.1 else 'none'}"


@pytest.fixture
def ear(monkeypatch) -> None:
    monkeypatch.setattr(asr, "load_transcriber", lambda *_, **__: _Ear())


def _evaluate(corpus, target, runs, folder, *, name="lj", **options) -> list[dict[str, str]]:
    settings = {"data_dir": [name], "split": "all"}
    utterances = corpora.read_corpus(corpus)
    return evaluation.evaluate_runs(
        utterances, target, runs, output_dir=folder, settings=settings, **options
    )


def test_an_evaluation_of_a_changed_corpus_ends_as_a_new_one(tmp_path, corpus, target, ear):
    runs = [small_runs.write(tmp_path / "run", target, "layer_0")]
    before = _evaluate(corpus, target, runs, tmp_path / "results")
    for name in ("LJ001-0001", "LJ001-0002"):
        speech.disturb(corpus / "wavs" / f"{name}.wav")
    table = (corpus / "metadata.csv").read_text().replace("number 2.", "two words and more.")
    (corpus / "metadata.csv").write_text(table)
    after = _evaluate(corpus, target, runs, tmp_path / "results")
    assert after == _evaluate(corpus, target, runs, tmp_path / "new")
    assert after != before
    for name in ("summary.csv", "comparisons.csv"):
        new = (tmp_path / "new" / name).read_bytes()
        assert (tmp_path / "results" / name).read_bytes() == new
    sounds = [tmp_path / place / "audio/natural/LJ001-0001.wav" for place in ("results", "new")]
    assert sounds[0].read_bytes() == sounds[1].read_bytes()


def test_a_corpus_is_its_recordings_and_texts_and_not_its_path(tmp_path, corpus, target, ear):
    runs = [small_runs.write(tmp_path / "run", target, "layer_0")]
    first = _evaluate(corpus, target, runs, tmp_path / "results")
    elsewhere = {"name": "/elsewhere/lj", "folder": tmp_path / "results"}
    assert _evaluate(corpus, target, runs, **elsewhere) == first
    speech.disturb(corpus / "wavs" / "LJ001-0001.wav")
    with pytest.raises(ValueError, match="different: data_dir"):  # perhaps another corpus
        _evaluate(corpus, target, runs, tmp_path / "results")
    again = _evaluate(corpus, target, runs, **elsewhere | {"name": "/elsewhere/./lj/"})
    assert len(again) == len(first) and again != first


def test_shards_of_a_corpus_that_changed_between_them_are_refused(tmp_path, corpus, target, ear):
    runs = [small_runs.write(tmp_path / "run", target, "layer_0")]

    def measure(index: int) -> None:
        shard = evaluation.Shard(index, 2)
        _evaluate(corpus, target, runs, tmp_path / "parts" / shard.folder, shard=shard)

    measure(1)
    speech.disturb(corpus / "wavs" / "LJ001-0003.wav")  # of the first shard
    measure(2)
    with pytest.raises(ValueError, match="different: recordings, texts or speakers"):
        evaluation.merge_results([tmp_path / "parts"], tmp_path / "merged")
    measure(1)
    merged = evaluation.merge_results([tmp_path / "parts"], tmp_path / "merged")
    assert merged == _evaluate(corpus, target, runs, tmp_path / "whole")
