"""One walk: links are followed once, and what systems leave behind is not there."""

import os

import pytest

from tests.data.folders_of_speech import touch
from vggish_inversion import audio
from vggish_inversion.data import corpora, recordings


def _names(folder):
    return [path.relative_to(folder).as_posix() for path in recordings.audio_files(folder)]


def test_every_format_that_is_read_is_found_in_any_case_of_letters(tmp_path):
    names = [f"x{ending}" for ending in audio.AUDIO_EXTENSIONS]
    names += [f"y{ending.upper()}" for ending in audio.AUDIO_EXTENSIONS]
    touch(tmp_path, *names, "notes.txt", "wav")
    assert sorted(_names(tmp_path)) == sorted(names)


def test_what_systems_leave_behind_is_not_seen(tmp_path):
    touch(tmp_path, "a.wav", "._a.wav", ".hidden/b.wav", "__MACOSX/a.wav", "x/@eaDir/a.wav")
    touch(tmp_path, "x/__MACOSX/._c.wav", ".a.unfinished.wav")
    assert _names(tmp_path) == ["a.wav"]


def test_a_hidden_folder_that_is_named_is_read(tmp_path):
    assert _names(touch(tmp_path / ".cache" / "speech", "a.wav")) == ["a.wav"]


def test_linked_folders_are_followed_and_loops_end(tmp_path):
    touch(tmp_path / "elsewhere", "anna/1.wav", "anna/2.wav")
    touch(tmp_path / "corpus", "ben/1.wav")
    (tmp_path / "corpus" / "anna").symlink_to(tmp_path / "elsewhere" / "anna")
    (tmp_path / "corpus" / "ben" / "loop").symlink_to(tmp_path / "corpus")
    (tmp_path / "elsewhere" / "anna" / "back").symlink_to(tmp_path / "corpus" / "ben")
    (tmp_path / "corpus" / "up").symlink_to(tmp_path)
    assert _names(tmp_path / "corpus") == ["anna/1.wav", "anna/2.wav", "ben/1.wav"]
    speakers = {item.id: item.speaker for item in corpora.read_corpus(tmp_path / "corpus")}
    assert speakers == {"anna/1": "anna", "anna/2": "anna", "ben/1": "ben"}


def test_a_corpus_behind_a_link_is_read_as_itself(tmp_path):
    touch(tmp_path / "real", "anna/1.wav", "ben/1.wav")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert _names(tmp_path / "link") == _names(tmp_path / "real") == ["anna/1.wav", "ben/1.wav"]


def test_a_recording_counts_once_under_its_own_name(tmp_path):
    touch(tmp_path, "pool/x.wav", "pool/y.wav")
    (tmp_path / "a.wav").symlink_to(tmp_path / "pool" / "x.wav")
    (tmp_path / "again").symlink_to(tmp_path / "pool")
    tree = recordings.walk(tmp_path)
    assert [path.name for path in tree.audio] == ["x.wav", "y.wav"]
    assert tree.aliases == {tmp_path / "a.wav": tmp_path / "pool" / "x.wav"}
    assert "2 links to what is here already" in " ".join(tree.remarks)


def test_a_folder_made_of_links_to_a_store_keeps_every_name(tmp_path):
    touch(tmp_path, "blobs/0f3a")
    for name in ("a.wav", "b.wav"):
        (tmp_path / "corpus").mkdir(exist_ok=True)
        (tmp_path / "corpus" / name).symlink_to(tmp_path / "blobs" / "0f3a")
    assert _names(tmp_path / "corpus") == ["a.wav", "b.wav"]
    assert _names(tmp_path) == ["corpus/a.wav", "corpus/b.wav"]


def test_links_to_nothing_are_said_and_the_rest_is_read(tmp_path):
    touch(tmp_path, "a.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "absent.wav")
    (tmp_path / "self.wav").symlink_to(tmp_path / "self.wav")
    tree = recordings.walk(tmp_path)
    assert [path.name for path in tree.audio] == ["a.wav"]
    (remark,) = tree.remarks
    assert "2 links that lead nowhere" in remark and "b.wav" in remark


def test_a_folder_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    touch(tmp_path, "a.wav", "locked/b.wav")
    scandir = os.scandir

    def refuse(folder):
        if os.fspath(folder).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    tree = recordings.walk(tmp_path)
    assert [path.name for path in tree.audio] == ["a.wav"]
    assert "1 folders that cannot be read (the first: " in tree.remarks[0]


def test_sound_of_other_formats_is_said(tmp_path):
    touch(tmp_path, "a.wma", "b.amr", "c.AMR")
    with pytest.raises(
        corpora.CorpusError, match=r"found 1 .wma, 1 .amr.*3 files of formats .*\(.amr .wma\)"
    ):
        corpora.read_corpus(tmp_path)


def test_a_folder_of_tables_that_hold_the_sound_says_what_it_holds(tmp_path):
    touch(tmp_path, "data/train-00000-of-00001.parquet", "README.md")
    with pytest.raises(corpora.CorpusError, match=r"no audio in .* \(found 1 .md, 1 .parquet\)"):
        corpora.read_corpus(tmp_path)


def test_no_folder_is_no_recording(tmp_path):
    assert recordings.audio_files(tmp_path / "absent") == []
    assert recordings.audio_files(touch(tmp_path, "a.wav") / "a.wav") == []
