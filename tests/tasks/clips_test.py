"""The corpora of the tasks are read as people have them: converted, linked, saved by Excel."""

import pathlib

import pytest

from tests.data.folders_of_speech import touch, write
from vggish_inversion.data import matching, recordings
from vggish_inversion.files import documents
from vggish_inversion.tasks import clips, labelled_corpora


def _read(folder, task):
    """Clips by path below the folder, and what was told."""
    tally = matching.Tally()
    found = labelled_corpora.TASKS[task].read_clips(recordings.walk(folder), tally)
    named = {
        pathlib.Path(clip.path).relative_to(folder).as_posix(): (clip.label, clip.split)
        for clip in found
    }
    return named, tally


def test_lists_of_speech_commands_name_clips_that_were_converted(tmp_path):
    touch(tmp_path, *(f"yes/0000000{number}_nohash_0.OGG" for number in range(3)), "yes/._x.ogg")
    touch(tmp_path, "__MACOSX/yes/._x.ogg", "_background_noise_/noise.wav")
    write(tmp_path, "testing_list.txt", "\ufeffyes/00000000_nohash_0.wav\r\n\r\n")
    lines = "yes/00000001_nohash_0.wav\r\nno/00000001_nohash_0.wav\r\n"
    write(tmp_path, "Validation_List.txt", lines)
    found, tally = _read(tmp_path, "speech_commands")
    assert {name[11:15]: split for name, (_, split) in found.items()} == {"0_no": "test"} | {
        "1_no": "validation",
        "2_no": "train",
    }
    assert tally.num_rows == 3
    (said,) = tally.lines(tmp_path)
    assert (
        "1 of 3 rows without a file: Validation_List.txt line 2 (no/00000001_nohash_0.wav)" in said
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_esc_50_that_was_converted_and_saved_by_a_spreadsheet(tmp_path, encoding, delimiter):
    touch(tmp_path, "audio/1-1-A-0.ogg", "audio/4-2-A-1.ogg", "audio/._5-3-A-1.ogg")
    rows = ["Filename,Fold,target,Category,", "1-1-A-0.wav,1,0,dog,", "4-2-A-1.wav,4,1,crow,"]
    rows += ["5-3-A-1.wav,5,1,crow,", ""]
    table = "\r\n".join(rows).replace(",", delimiter)
    write(tmp_path, "meta/esc50.csv", table, encoding=encoding)
    found, tally = _read(tmp_path, "environmental_sounds")
    assert found == {
        "audio/1-1-A-0.ogg": ("dog", "train"),
        "audio/4-2-A-1.ogg": ("crow", "validation"),
    }
    assert tally.rows_without_file == ["esc50.csv line 4 (audio/5-3-A-1.wav)"]
    assert _read(tmp_path, "bird_detection")[0]["audio/4-2-A-1.ogg"] == ("bird", "validation")


def test_a_linked_corpus_is_read_as_itself(tmp_path):
    touch(tmp_path / "store", "train-clean-100/19/7/19-7-0000.flac", "dev-clean/84/1/84-1-0.flac")
    (tmp_path / "ls").mkdir()
    for subset in ("train-clean-100", "dev-clean"):
        (tmp_path / "ls" / subset).symlink_to(tmp_path / "store" / subset)
    linked, _ = _read(tmp_path / "ls", "speaker_id")
    assert linked == {
        "train-clean-100/19/7/19-7-0000.flac": ("19", clips.hashed_split("19-7-0000"))
    }
    assert linked == _read(tmp_path / "store", "speaker_id")[0]
    assert set(_read(tmp_path / "ls", "speech_noise")[0].values()) >= {("speech", "test")}


def test_common_voice_is_read_as_for_speech(tmp_path):
    touch(tmp_path, "de/clips/a.wav", "de/clips/b.mp3", "en/clips/c.mp3")
    table = (
        "\ufeffclient_id\tpath\tsentence\r\nx\ta.mp3\tGuten Tag\r\ny\tb\tJa\r\nz\td.mp3\tNein\r\n"
    )
    write(tmp_path, "de/validated.tsv", table)
    write(tmp_path, "en/test.tsv", "client_id\tpath\tsentence\nq\tc.mp3\tYes\n")
    found, tally = _read(tmp_path, "language_id")
    assert found == {
        "de/clips/a.wav": ("de", clips.hashed_split("x", test_tenths=2)),
        "de/clips/b.mp3": ("de", clips.hashed_split("y", test_tenths=2)),
        "en/clips/c.mp3": ("en", "test"),
    }
    assert tally.rows_without_file == ["validated.tsv line 4 (d.mp3)"]


def test_birds_and_scenes_say_what_is_missing(tmp_path):
    touch(tmp_path, "wav/1.flac", "wav/3.wav", "audio/park-1.flac")
    write(tmp_path, "birds.csv", "\ufeffItemID;datasetid;HasBird\n1;x;1\n2;x;0\n3;x;0\n")
    write(tmp_path, "notes.csv", "who,what\nme,this\n")
    found, tally = _read(tmp_path, "bird_detection")
    assert {name: label for name, (label, _) in found.items()} == {
        "wav/1.flac": "bird",
        "wav/3.wav": "no_bird",
    }
    assert tally.rows_without_file == ["birds.csv line 3 (wav/2)"]
    write(tmp_path, "evaluation_setup/fold1_train.txt", "audio/park-1.wav\tpark\r\n\r\n")
    write(tmp_path, "evaluation_setup/fold1_evaluate.txt", "audio/bus-1.wav\tbus\n")
    found, tally = _read(tmp_path, "acoustic_scenes")
    assert [label for label, _ in found.values()] == ["park"]
    assert tally.rows_without_file == ["fold1_evaluate.txt line 1 (audio/bus-1.wav)"]
    write(tmp_path, "birds.csv", "itemid,hasbird\n1,1\n2,yes\n")
    with pytest.raises(documents.DocumentError, match="birds.csv line 3: expected 0 or 1 in hasb"):
        _read(tmp_path, "bird_detection")


def test_a_task_says_how_many_clips_it_has(tmp_path):
    folds = (1, 4, 5)
    touch(
        tmp_path, *(f"{kind}/{fold}-1-A.ogg" for kind in ("001-Dog", "002-Rain") for fold in folds)
    )
    touch(tmp_path, "music.wav")
    said = []
    labelled_corpora.read_task("environmental_sounds", [tmp_path], announce=said.append)
    assert said == [
        "environmental_sounds: 6 clips (2 train, 2 validation, 2 test; split folds 1 to 3 for "
        "training, 4 for validation, 5 for testing); 1 other recordings are not of this task"
    ]
