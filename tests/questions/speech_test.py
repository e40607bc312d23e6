"""Recordings are shared out by what is in them; what is heard is never trained on."""

import pathlib
import shutil

import numpy as np
import pytest
import soundfile

from tests import speech as clips
from vggish_inversion.data import corpora
from vggish_inversion.files import contents
from vggish_inversion.questions import speech


def _noises(folder: pathlib.Path, count: int, *, first: int = 0) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(first, first + count):
        noise = np.random.default_rng(index).uniform(-0.1, 0.1, 16000)
        soundfile.write(folder / f"r{index:03d}.wav", noise, 16000)
    return folder


def _digests(items) -> set[str]:
    return {contents.digest(item.path) for item in items}


def test_no_recording_is_in_two_parts_under_any_name(tmp_path):
    own = _noises(tmp_path / "own", 12)
    for path in sorted(own.iterdir()):
        shutil.copyfile(path, own / f"copy_of_{path.name}")
    corpus = _noises(tmp_path / "corpus", 30)  # the first 12 are the user's own
    shared = speech.gather([own], [corpus])
    parts = [_digests(part) for part in (shared.heard, shared.validation, shared.train)]
    assert list(map(len, parts)) == [3, 2, 25]
    assert len(set.union(*parts)) == 30
    assert all(own in item.path.parents for item in (*shared.heard, *shared.validation))


def test_the_contents_decide_and_nothing_else(tmp_path):
    own = _noises(tmp_path / "own", 12)
    heard = _digests(speech.gather([own]).heard)
    for number, path in enumerate(sorted(own.iterdir(), reverse=True)):
        path.rename(own / f"other_{number:02d}.wav")
    assert _digests(speech.gather([own]).heard) == heard


def test_speakers_are_held_out_whole(tmp_path):
    for number, name in enumerate(("anna", "ben", "carl", "dora")):
        _noises(tmp_path / "own" / name, 4, first=10 * number)
    shared = speech.gather([tmp_path / "own"])
    speakers = [
        {item.speaker for item in part if (tmp_path / "own") in item.path.parents}
        for part in (shared.heard, shared.validation, shared.train)
    ]
    assert list(map(len, speakers)) == [1, 1, 2]
    assert len(set.union(*speakers)) == 4


def test_one_recording_is_heard_and_bundled_speech_trained_on(tmp_path):
    said = []
    shared = speech.gather([_noises(tmp_path / "own", 1)], announce=said.append)
    assert [item.id for item in shared.heard] == ["r000"]
    speakers = [{item.speaker for item in part} for part in (shared.validation, shared.train)]
    assert list(map(len, speakers)) == [1, 2], "of the three bundled voices"
    assert len(set.union(*speakers)) == 3
    assert any("bundled clips are added" in line for line in said)


def test_transcripts_come_first_and_every_fault_is_a_line(tmp_path, caplog):
    own = _noises(tmp_path / "own", 8)
    (own / "bad.wav").write_text("words, not samples")
    (own / "empty.wav").write_bytes(b"")
    shared = speech.gather([own])
    lines = [record.getMessage() for record in caplog.records]
    for name in ("bad.wav", "empty.wav"):
        assert sum(name in line for line in lines) == 1
    assert len(shared.heard) == 2
    for path in own.glob("r*.wav"):
        path.unlink()
    with pytest.raises(corpora.CorpusError, match="none of the 2 recordings can be used"):
        speech.gather([own])
    with pytest.raises(corpora.CorpusError, match="no folder"):
        speech.gather([tmp_path / "nowhere"])


def test_texts_of_the_bundled_clips_are_kept():
    shared = speech.gather([clips.DEMO_SPEECH])
    assert all(item.text for item in shared.heard)
