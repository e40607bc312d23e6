"""Every layout is recognised by its content, and split by the rule of its corpus."""

import hashlib

import pytest

from tests.data.folders_of_speech import splits, texts, touch, write
from vggish_inversion.data import corpora


def _position(key):
    """Where the hash of a speaker or an utterance puts it, in percent."""
    return int(hashlib.sha1(key.encode()).hexdigest()[:8], 16) % 100


def _hashed(key):
    """The rule of folders: a tenth for testing, a tenth for validation."""
    place = _position(key)
    return "test" if place < 10 else "validation" if place < 20 else "train"


def _by_speaker(utterances):
    found = {}
    for item in utterances:
        found.setdefault(item.speaker, set()).add(item.split)
    return found


def test_ljspeech_keeps_its_split(tmp_path):
    ids = [
        f"LJ{chapter:03}-{number:04}" for chapter in (1, 2, 48, 49, 50) for number in range(1, 261)
    ]
    touch(tmp_path, *(f"wavs/{name}.wav" for name in ids))
    write(tmp_path, "metadata.csv", "".join(f"{name}|One.|one {name}.\n" for name in ids))
    corpus = corpora.load_corpus(tmp_path)
    expected = {
        name: "test" if name >= "LJ049-0209" else "validation" if _position(name) < 4 else "train"
        for name in ids
    }
    assert splits(corpus.utterances) == expected
    assert [item.id for item in corpus.utterances] == ids
    assert (corpus.layout, corpus.split_rule) == ("LJSpeech", "split as published for LJSpeech")
    assert {item.speaker for item in corpus.utterances} == {"LJ"}


@pytest.mark.parametrize("form", ["{:04}", "common_voice_{}", "zz-{}", "LJ{:04}", "LJ050-{:05}"])
def test_other_ids_in_the_same_layout_have_the_hashed_split(tmp_path, form):
    ids = [form.format(number) for number in range(200)]
    touch(tmp_path, *(f"wavs/{name}.wav" for name in ids))
    write(tmp_path, "metadata.csv", "".join(f"{name}|x y|x y\n" for name in ids))
    corpus = corpora.load_corpus(tmp_path)
    assert splits(corpus.utterances) == {name: _hashed(name) for name in ids}
    assert set(splits(corpus.utterances).values()) == set(corpora.SPLITS)
    assert corpus.split_rule == "split by hash of the recording"
    assert {item.speaker for item in corpus.utterances} == {None}


def test_recordings_of_both_forms_are_each_split_by_their_rule(tmp_path):
    ids = ["LJ050-0001", *(f"mine{number}" for number in range(9))]
    touch(tmp_path, *(f"wavs/{name}.wav" for name in ids))
    write(tmp_path, "metadata.csv", "".join(f"{name}|x|x\n" for name in ids))
    corpus = corpora.load_corpus(tmp_path)
    expected = {"LJ050-0001": "test"} | {name: _hashed(name) for name in ids[1:]}
    assert splits(corpus.utterances) == expected
    assert corpus.split_rule.endswith("as published for LJSpeech and by hash of the recording")


def _write_librispeech(folder, subsets, *, bom=""):
    for subset, speakers in subsets.items():
        for speaker in speakers:
            names = [f"{speaker}-7-{number:04}" for number in range(2)]
            chapter = f"{subset}/{speaker}/7"
            touch(folder, *(f"{chapter}/{name}.flac" for name in names))
            lines = [f"{name} WORDS OF {name}" for name in names]
            write(folder, f"{chapter}/{speaker}-7.trans.txt", bom + "\n".join(lines) + "\n")
    return folder


def test_librispeech_keeps_its_split(tmp_path):
    speakers = [str(number) for number in range(10, 40)]
    subsets = {"train-clean-100": "1", "dev-other": "2", "test-clean": "3", "mine": speakers}
    _write_librispeech(tmp_path, subsets)
    corpus = corpora.load_corpus(tmp_path)
    expected = {"1": "train", "2": "validation", "3": "test"}
    expected |= {speaker: _hashed(speaker) for speaker in speakers}
    assert _by_speaker(corpus.utterances) == {name: {split} for name, split in expected.items()}
    assert corpus.layout == "LibriSpeech"
    assert texts(corpus.utterances)["3-7-0001"] == "WORDS OF 3-7-0001"


@pytest.mark.parametrize("part", ["dev-clean", "dev-clean/84", "dev-clean/84/7"])
def test_a_part_of_librispeech_is_split_and_spoken_as_the_whole(tmp_path, part, monkeypatch):
    _write_librispeech(tmp_path, {"dev-clean": ["84"]})
    (tmp_path / "link").symlink_to(tmp_path / part)
    monkeypatch.chdir(tmp_path / part)
    for folder in (tmp_path / part, tmp_path / "link", "."):
        found = corpora.read_corpus(folder)
        assert {item.split for item in found} == {"validation"}, folder
    monkeypatch.chdir(tmp_path / "dev-clean" / "84" / "7")
    for folder in (tmp_path / part, ".", "..", "../.."):
        assert {item.speaker for item in corpora.read_corpus(folder)} == {"84"}, folder


def test_a_byte_order_mark_drops_no_utterance(tmp_path):
    _write_librispeech(tmp_path, {"train-clean-100": ["1", "2"]}, bom="\ufeff")
    corpus = corpora.load_corpus(tmp_path)
    assert len(corpus.utterances) == 4 and corpus.num_rows_without_file == 0
    write(touch(tmp_path / "any", "one.wav"), "one.txt", "\ufeffwords\r\n")
    assert texts(corpora.read_corpus(tmp_path / "any")) == {"one": "words"}
    table = "\ufeffutterance,speaker,text\r\none,x,from the table\r\n"
    write(tmp_path / "any", "transcripts.csv", table)
    assert texts(corpora.read_corpus(tmp_path / "any")) == {"one": "from the table"}


def test_librispeech_says_what_is_left_over(tmp_path):
    _write_librispeech(tmp_path, {"train-clean-100": ["1"]})
    touch(tmp_path, "train-clean-100/1/7/1-7-0009.flac", "music.wav")
    (tmp_path / "train-clean-100/1/7/1-7-0001.flac").unlink()
    write(tmp_path, "train-clean-100/1/7/copy.trans.txt", "1-7-0000 WORDS OF 1-7-0000\n\n")
    corpus = corpora.load_corpus(tmp_path)
    assert (corpus.num_rows, corpus.num_rows_without_file, corpus.num_files_without_row) == (
        3,
        1,
        2,
    )
    assert [item.id for item in corpus.utterances] == ["1-7-0000"]
    write(tmp_path, "train-clean-100/1/7/copy.trans.txt", "1-7-0000 OTHER WORDS\n")
    with pytest.raises(corpora.CorpusError, match="copy.trans.txt line 1 and .*7.trans.txt line 1"):
        corpora.load_corpus(tmp_path)


def test_libritts(tmp_path):
    for subset, speaker in (("train-clean-360", "103"), ("dev-clean", "84"), ("test-other", "9")):
        for number in range(2):
            name = f"{subset}/{speaker}/1240/{speaker}_1240_000000_{number:06}"
            touch(tmp_path, f"{name}.wav")
            write(tmp_path, f"{name}.normalized.txt", f"\ufeffSaid by {speaker}.\n")
            write(tmp_path, f"{name}.original.txt", "Original.")
        write(tmp_path, f"{subset}/{speaker}/1240/{speaker}_1240.trans.tsv", "x\ty\tz\n")
    touch(tmp_path, "dev-clean/84/1240/84_1240_000001_000000.wav")
    write(tmp_path, "dev-clean/84/1240/84_1240_000009_000000.normalized.txt", "No file.")
    corpus = corpora.load_corpus(tmp_path)
    assert corpus.layout == "LibriTTS" and len(corpus.utterances) == 7
    said = texts(corpus.utterances)
    assert said["103_1240_000000_000001"] == "Said by 103."
    assert said["84_1240_000001_000000"] is None
    expected = {"103": {"train"}, "84": {"validation"}, "9": {"test"}}
    assert _by_speaker(corpus.utterances) == expected
    assert (corpus.num_rows, corpus.num_rows_without_file, corpus.num_files_without_row) == (
        7,
        1,
        1,
    )


def test_vctk_with_two_microphones(tmp_path):
    speakers = [f"p{number}" for number in range(225, 265)]
    for speaker in speakers:
        name = f"{speaker}/{speaker}_001"
        touch(tmp_path, *(f"wav48_silence_trimmed/{name}_mic{number}.flac" for number in (1, 2)))
        write(tmp_path, f"txt/{name}.txt", f"Please call {speaker}.\n")
    touch(tmp_path, "wav48_silence_trimmed/p225/p225_002_mic2.flac", "wav48/p225/p225_001.wav")
    write(tmp_path, "txt/p226/p226_009.txt", "No recording.")
    write(tmp_path, "speaker-info.txt", "ID  AGE\n")
    corpus = corpora.load_corpus(tmp_path)
    assert corpus.layout == "VCTK" and len(corpus.utterances) == 41
    found = {item.id: item for item in corpus.utterances}
    assert found["p225_001"].path.name == "p225_001_mic1.flac"
    assert found["p225_001"].text == "Please call p225."
    assert found["p225_002"].path.name == "p225_002_mic2.flac" and found["p225_002"].text is None
    assert _by_speaker(corpus.utterances) == {name: {_hashed(name)} for name in speakers}
    said = " ".join(corpus.remarks)
    assert "of 40 recordings by two microphones the first is taken" in said
    assert "wav48_silence_trimmed is read, and not wav48" in said
    assert "1 of 41 rows without a file: txt/p226/p226_009.txt" in said


@pytest.mark.parametrize("wrapper", ["", "VCTK-Corpus/VCTK-Corpus/"])
def test_the_older_vctk_wrapped_as_it_is_unpacked(tmp_path, wrapper):
    touch(tmp_path, f"{wrapper}wav48/p225/p225_001.wav", f"{wrapper}wav48/p226/p226_001.wav")
    write(tmp_path, f"{wrapper}txt/p225/p225_001.txt", "Please call Stella.")
    found = corpora.read_corpus(tmp_path)
    assert {item.id: item.speaker for item in found} == {"p225_001": "p225", "p226_001": "p226"}
    assert texts(found)["p225_001"] == "Please call Stella."


_COMMON_VOICE = "client_id\tpath\tsentence\tup_votes\n"


def _write_common_voice(folder, language, lists):
    for name, rows in lists.items():
        touch(folder, *(f"{language}/clips/{path}" for _, path, _ in rows))
        table = "".join(f"{client}\t{path}\t{text}\t2\n" for client, path, text in rows)
        write(folder, f"{language}/{name}.tsv", _COMMON_VOICE + table)


def test_common_voice_by_its_own_lists(tmp_path):
    rows = [(f"client{number}", f"clip{number}.mp3", f"Satz {number}.") for number in range(5)]
    _write_common_voice(
        tmp_path,
        "de",
        {"train": rows[:1], "dev": rows[1:2], "test": rows[2:3], "validated": rows[:4]}
        | {"invalidated": rows[4:]},
    )
    corpus = corpora.load_corpus(tmp_path / "de")
    expected = {"clip0": "train", "clip1": "validation", "clip2": "test"}
    assert splits(corpus.utterances) == expected and corpus.layout == "Common Voice"
    assert texts(corpus.utterances)["clip1"] == "Satz 1."
    assert corpus.utterances[0].speaker == "client0"
    assert "1 clips of validated.tsv are in none of train.tsv, dev.tsv, test.tsv" in " ".join(
        corpus.remarks
    )
    assert corpus.num_files_without_row == 2
    assert splits(corpora.read_corpus(tmp_path)) == expected  # the folder of all languages


def test_common_voice_by_speaker_where_there_are_no_lists(tmp_path):
    for language in ("de", "en"):
        rows = [(f"c{n // 3}", f"{language}{n}.mp3", '"Quoted ""text""."') for n in range(90)]
        _write_common_voice(tmp_path, language, {"validated": rows})
    corpus = corpora.load_corpus(tmp_path)
    expected = {f"c{number}": {_hashed(f"c{number}")} for number in range(30)}
    assert _by_speaker(corpus.utterances) == expected and len(corpus.utterances) == 180
    assert set(texts(corpus.utterances).values()) == {'Quoted "text".'}


def test_a_clip_on_two_lists_of_common_voice_is_refused(tmp_path):
    rows = [("c0", "a.mp3", "x")]
    _write_common_voice(tmp_path, "de", {"train": rows, "test": rows})
    with pytest.raises(
        corpora.CorpusError, match="test.tsv line 2 and .*train.tsv line 2 say diff"
    ):
        corpora.load_corpus(tmp_path)


@pytest.mark.parametrize("root", ["", "data/"])
def test_audiofolder_with_one_table(tmp_path, root):
    names = [f"{root}{split}/{n}.wav" for split in ("train", "validation", "test") for n in "12"]
    touch(tmp_path, *names)
    table = "".join(f"{name},Said in {name}.,anna\n" for name in names)
    write(tmp_path, "metadata.csv", "file_name,transcription,speaker_id\n" + table)
    corpus = corpora.load_corpus(tmp_path)
    assert corpus.layout == "audiofolder" and corpus.split_rule == "split by folder"
    expected = {"train": "train", "validation": "validation", "test": "test"}
    assert {item.path.parent.name: item.split for item in corpus.utterances} == expected
    said = {item.path.relative_to(tmp_path).as_posix(): item.text for item in corpus.utterances}
    assert said == {name: f"Said in {name}." for name in names}
    assert {item.speaker for item in corpus.utterances} == {"anna"}


def test_audiofolder_with_a_table_in_each_split(tmp_path):
    for split in ("train", "test"):
        touch(tmp_path, f"{split}/0001.wav", f"{split}/sub/0002.wav")
        row = '{"file_name": "%s", "text": "%s"}\n'
        lines = row % ("0001.wav", f"one {split}") + row % ("sub/0002.wav", f"two {split}")
        write(tmp_path, f"{split}/metadata.jsonl", lines)
    found = corpora.read_corpus(tmp_path)
    expected = {"train/0001": "one train", "train/sub/0002": "two train"}
    expected |= {"test/0001": "one test", "test/sub/0002": "two test"}
    assert texts(found) == expected
    assert {name.split("/")[0]: split for name, split in splits(found).items()} == {
        "train": "train",
        "test": "test",
    }


def test_audiofolder_without_folders_is_split_by_hash_or_by_a_column(tmp_path):
    touch(tmp_path, *(f"{number}.wav" for number in range(60)))
    rows = [f"{number}.wav,x,{('train', 'dev', 'test')[number % 3]}" for number in range(60)]
    write(tmp_path, "metadata.csv", "file_name,text,split\n" + "\n".join(rows))
    found = splits(corpora.read_corpus(tmp_path))
    assert found["1"] == "validation" and found["2"] == "test" and found["3"] == "train"
    rows = [",".join(row.split(",")[:2]) for row in rows]
    write(tmp_path, "metadata.csv", "file_name,text\n" + "\n".join(rows))
    found = splits(corpora.read_corpus(tmp_path))
    assert found == {str(number): _hashed(str(number)) for number in range(60)}


def test_the_folder_above_a_corpus_is_that_corpus(tmp_path):
    touch(tmp_path, "LJSpeech-1.1/wavs/LJ050-0001.wav")
    write(tmp_path, "LJSpeech-1.1/metadata.csv", "LJ050-0001|x|y\n")
    (found,) = corpora.read_corpus(tmp_path)
    assert (found.id, found.text, found.split) == ("LJ050-0001", "y", "test")


@pytest.mark.parametrize(
    "container",
    ["wav", "wavs", "audio", "clips", "data", "recordings", "wav48", "flac", "audio_16k", "Train"],
)
def test_a_container_is_never_a_speaker(tmp_path, container):
    names = [f"{container}/{number}.wav" for number in range(40)]
    touch(tmp_path / "nobody", *names)
    found = corpora.read_corpus(tmp_path / "nobody")
    assert {item.speaker for item in found} == {None}
    assert {item.split for item in found} == set(corpora.SPLITS)  # not all in one
    touch(tmp_path / "named", *(f"{container}/anna/{number}.wav" for number in range(2)))
    assert {item.speaker for item in corpora.read_corpus(tmp_path / "named")} == {"anna"}


def test_folders_of_splits_are_the_split_where_there_are_two(tmp_path):
    touch(tmp_path, *(f"train/{number}.wav" for number in range(30)))
    found = splits(corpora.read_corpus(tmp_path))
    assert found == {f"train/{number}": _hashed(f"train/{number}") for number in range(30)}
    touch(tmp_path, "test/anna/1.wav", "dev/1.wav")
    found = splits(corpora.read_corpus(tmp_path))
    assert found["test/anna/1"] == "test" and found["dev/1"] == "validation"
    assert {split for name, split in found.items() if name.startswith("train/")} == {"train"}


def test_any_folder_keeps_its_split(tmp_path):
    touch(tmp_path, *(f"speaker{speaker}/{clip}.wav" for speaker in range(40) for clip in "ab"))
    touch(tmp_path, *(f"{number}.wav" for number in range(40)))
    found = corpora.read_corpus(tmp_path)
    for item in found:
        assert item.split == _hashed(item.speaker or item.id)
    assert {item.speaker for item in found} == {None, *(f"speaker{n}" for n in range(40))}


def test_twins_in_a_folder_have_ids_of_their_own_and_one_split(tmp_path):
    touch(tmp_path, *(f"{number}{end}" for number in range(30) for end in (".wav", ".flac")))
    touch(tmp_path, "single.wav", "x/0.wav", "y/0.wav")
    write(tmp_path, "0.txt", "words")
    found = corpora.read_corpora([tmp_path], split="all")
    by_id = {item.id: item for item in found}
    assert len(by_id) == 63 and {"0.wav", "0.flac", "single", "x/0", "y/0"} <= by_id.keys()
    assert by_id["0.wav"].text == by_id["0.flac"].text == "words"
    for number in range(30):
        assert by_id[f"{number}.wav"].split == by_id[f"{number}.flac"].split


def test_transcripts_csv_says_what_is_left_over(tmp_path):
    touch(tmp_path, "a.wav", "x/b.flac", "c.wav")
    table = "Utterance;Speaker;Text\na.wav;anna;one\nx\\b;ben;two; and more\nd;anna;three\n\n"
    write(tmp_path, "transcripts.csv", table, encoding="utf-16")
    corpus = corpora.load_corpus(tmp_path)
    assert texts(corpus.utterances) == {"a": "one", "c": None, "x/b": "two; and more"}
    assert (corpus.num_rows, corpus.num_rows_without_file, corpus.num_files_without_row) == (
        3,
        1,
        1,
    )
    assert corpus.layout == "folder" and "1 recordings without a text" in corpus.describe()


def test_corpora_that_share_ids_name_their_folders(tmp_path):
    for place in ("man/speech", "woman/speech", "child"):
        touch(tmp_path / place, "anna/1.wav", f"{place[0]}/2.wav")
        write(tmp_path / place, "anna/1.txt", f"said by {place}")
    folders = [tmp_path / place for place in ("man/speech", "woman/speech", "child")]
    alone = [splits(corpora.read_corpus(folder)) for folder in folders]
    joint = corpora.load_corpora(folders)
    assert [next(iter(texts(corpus.utterances).items())) for corpus in joint] == [
        ("man/speech/anna/1", "said by man/speech"),
        ("woman/speech/anna/1", "said by woman/speech"),
        ("tmp/child/anna/1".replace("tmp", tmp_path.name), "said by child"),
    ]
    assert [list(splits(corpus.utterances).values()) for corpus in joint] == [
        list(each.values()) for each in alone
    ]
    assert len({item.speaker for corpus in joint for item in corpus.utterances}) == 6
    assert all("another corpus has the same ids" in corpus.remarks[-1] for corpus in joint)
    assert len(corpora.read_corpora(folders, split="all")) == 6


def test_corpora_that_share_nothing_keep_their_ids(tmp_path):
    for name, shared in (("one", "1"), ("two", "1"), ("three", "3")):
        touch(tmp_path / name, f"{shared}.wav")
    found = corpora.load_corpora([tmp_path / name for name in ("one", "two", "three")])
    ids = [item.id for corpus in found for item in corpus.utterances]
    assert ids == ["one/1", "two/1", "3"]


def test_a_third_corpus_may_have_such_ids_already(tmp_path):
    for name, shared in (("one", "1"), ("two", "1"), ("three", "one/1")):
        touch(tmp_path / name, f"{shared}.wav")
    found = corpora.load_corpora([tmp_path / name for name in ("one", "two", "three")])
    ids = [item.id for corpus in found for item in corpus.utterances]
    assert ids == ["one/1", "two/1", "three/one/1"]


@pytest.mark.parametrize("second", ["one", "link", "", "one/anna"])
def test_a_recording_in_two_corpora_is_refused_and_both_are_named(tmp_path, second):
    touch(tmp_path / "one", "anna/1.wav")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    with pytest.raises(corpora.CorpusError) as caught:
        corpora.read_corpora([tmp_path / "one", tmp_path / second], split="all")
    assert str(tmp_path / "one") in str(caught.value)
    assert f"and {tmp_path / second};" in str(caught.value)


def test_a_corpus_says_how_it_was_read(tmp_path):
    folder = _write_librispeech(tmp_path / "ls", {"train-clean-100": "12", "dev-clean": "3"})
    said = []
    corpora.read_corpora([folder], split="train", announce=said.append)
    assert said == [
        f"{folder}: layout LibriSpeech; 6 recordings (4 train, 2 validation, 0 test; split by "
        "subset); 6 rows, 0 of them without a file; 0 files without a row; 0 recordings without a "
        "text"
    ]
    assert "layout='LibriSpeech'" in repr(corpora.load_corpus(folder))
