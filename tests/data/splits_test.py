"""What is trained on, what is held out, and that both are said."""

import pytest

from tests.data.folders_of_speech import touch
from vggish_inversion import features
from vggish_inversion.data import corpora, shards, splits, training_data


def _ids(chosen):
    return {name: [item.id for item in items] for name, items in chosen.items()}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    names = (f"{split}/{number}.wav" for split in ("train", "dev", "test") for number in range(40))
    return touch(tmp_path, *names)


def test_the_corpus_own_splits_are_trained_and_validated_on(folder):
    said = []
    chosen = _ids(splits.training_splits([folder], announce=said.append))
    assert {name: len(items) for name, items in chosen.items()} == {"train": 40, "validation": 40}
    assert {name.split("/")[0] for name in chosen["train"]} == {"train"}
    assert {name.split("/")[0] for name in chosen["validation"]} == {"dev"}
    assert "120 recordings (40 train, 40 validation, 40 test; split by folder)" in said[0]
    assert said[1] == (
        "training on 40 recordings, validating on 40 (the validation split); 40 are not used"
    )


def test_all_is_every_recording_but_those_held_out(folder):
    said = []
    chosen = _ids(splits.training_splits([folder], split="all", announce=said.append))
    everything = [item.id for item in corpora.read_corpus(folder)]
    assert chosen["validation"] == everything[::20]
    assert sorted(chosen["train"] + chosen["validation"]) == sorted(everything)
    assert said[1] == (
        "training on 114 recordings, validating on 6 (held out, 1 in 20 of all); 0 are not used"
    )


def test_some_are_held_out_where_there_is_no_validation_split(tmp_path):
    touch(tmp_path, *(f"train/{number:02}.wav" for number in range(40)), "test/1.wav")
    said = []
    chosen = _ids(splits.training_splits([tmp_path], announce=said.append))
    assert chosen["validation"] == ["train/00", "train/20"] and len(chosen["train"]) == 38
    assert said[1] == (
        "training on 38 recordings, validating on 2 (held out, 1 in 20 of train); 1 are not used"
    )


def test_what_cannot_be_trained_on_is_refused(tmp_path):
    touch(tmp_path, "test/1.wav", "dev/1.wav")
    with pytest.raises(
        corpora.CorpusError, match=r"no train utterances \(train 0, validation 1, t"
    ):
        splits.training_splits([tmp_path])
    with pytest.raises(ValueError, match="cannot train on the split 'test'; expected train or all"):
        splits.training_splits([tmp_path], split="test")
    with pytest.raises(corpora.CorpusError, match="one utterance is not enough"):
        splits.training_splits([touch(tmp_path / "one", "1.wav")], split="all")


def test_shards_are_not_split_anew(tmp_path, monkeypatch):
    params = features.LogMelParams()
    written = {name: shards.LogMelRecords((), params, "", 7) for name in ("train", "validation")}
    monkeypatch.setattr(training_data, "read_dataset", lambda folder, params: written)
    (tmp_path / training_data.INDEX_FILE).touch()
    said = []
    read = training_data.read_training_data([tmp_path], params, tmp_path, announce=said.append)
    assert read is written
    assert said == [
        f"{tmp_path}: shards of 7 patches of train and 7 patches of validation, split when they "
        "were written"
    ]
    with pytest.raises(corpora.CorpusError, match="--split=all to scripts/prepare_dataset.py"):
        training_data.read_training_data([tmp_path], params, tmp_path, split="all")
