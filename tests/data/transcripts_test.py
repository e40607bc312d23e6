"""Tables are read as people write them, and what is left over is said."""

import pytest

from tests.data.folders_of_speech import texts, touch, write
from vggish_inversion.data import corpora, transcripts

_SAID = {"a": "Hello, world.", "b": "It is so."}


def _corpus(folder, table, *, name="metadata.csv", files=("wavs/a.wav", "wavs/b.wav"), **encoding):
    return write(touch(folder, *files), name, table, **encoding)


@pytest.mark.parametrize(
    "table",
    [
        "a|Hello world!|Hello, world.\nb|It's so.|It is so.\n",
        "a|Hello, world.\nb|It is so.\n",
        "a|Hello, world.\nb|It's so|It is so.",
        "a | x | Hello, world. \n b | x |It is so.\n",
        "a|Hello world!|Hello, world.\nb|It is so.|\n",
        "a|Hello, world.\r\nb|It is so.\r\n\r\n",
        "\n\na|Hello, world.\n\nb|It is so.\n   \n\n",
        "a|Hello, world.\rb|It is so.\r",
        "a.wav|Hello, world.\nb.wav|It is so.\n",
        "wavs/a|Hello, world.\nwavs/b|It is so.\n",
        "wavs\\a.wav|Hello, world.\nwavs\\b.wav|It is so.\n",
        "./wavs/a.WAV|Hello, world.\n/home/me/corpus/wavs/b.mp3|It is so.\n",
        "A|Hello, world.\nB|It is so.\n",
        'a|"Hello, world."\nb|"It is so."\n',
        '"a"|"Hello, world."\n"b"|"It is so."\n',
        "ID|Transcription|Normalized Transcription\na|x|Hello, world.\nb|x|It is so.\n",
        "a\tHello, world.\nb\tIt is so.\n",
        "a;Hello, world.\nb;It is so.\n",
        "a.wav,Hello, world.\nb.wav,It is so.\n",
        'a.wav,"Hello, world."\nb.wav,It is so.\n',
        "File Name;TEXT\na.wav;Hello, world.\nb.wav;It is so.\n",
        "file_name,text\na.wav,Hello, world.\nb.wav,It is so.\n",
        'file_name, text\na.wav, "Hello, world."\nb.wav, "It is so."\n',
        'sep=;\r\n"file";"sentence"\r\n"a.wav";"Hello, world."\r\n"b.wav";"It is so."\r\n',
        'filename,text,,\na.wav,"Hello, world.",,\nb.wav,It is so.,,\n',
        'text,speaker,path\n"Hello, world.",anna,wavs/a.wav\nIt is so.,anna,wavs/b.wav\n',
        'file,utterance\na,"Hello, world."\nb,It is so.\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_one_corpus_written_in_many_ways(tmp_path, table, encoding):
    found = corpora.load_corpus(_corpus(tmp_path, table, encoding=encoding))
    said = {name: (text or "").strip('"') for name, text in texts(found.utterances).items()}
    assert said == _SAID
    assert (found.num_rows, found.num_rows_without_file, found.num_files_without_row) == (2, 0, 0)
    assert not found.remarks


@pytest.mark.parametrize("folder", ["wav", "audio", "", "clips", "data/train", "wavs_16k"])
def test_recordings_may_lie_in_any_folder(tmp_path, folder):
    files = [f"{folder}/{name}.flac".lstrip("/") for name in "ab"]
    found = corpora.read_corpus(_corpus(tmp_path, "a|Hello, world.\nb|It is so.\n", files=files))
    assert sorted(texts(found).values()) == sorted(_SAID.values())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("cats | dogs|cats or dogs", "cats or dogs"),
        ("cats | dogs|cats | dogs", "cats | dogs"),
        ("one | two | three|one two three", "one two three"),
        ("no pipe here|no pipe here", "no pipe here"),
        ("it is 5 | 6|it is five | six", "it is five | six"),
    ],
)
def test_a_pipe_in_the_text_is_text(tmp_path, row, said):
    table = f"a|{row}\nb|It's so.|It is so.\n"
    assert texts(corpora.read_corpus(_corpus(tmp_path, table))) == {"a": said, "b": "It is so."}


def test_a_pipe_in_the_only_text_is_text(tmp_path):
    files = [f"{name}.wav" for name in "abc"]
    table = "a|this | that one\nb|It is so.\nc|and | more | of it\n"
    found = texts(corpora.read_corpus(_corpus(tmp_path, table, files=files)))
    assert found == {"a": "this | that one", "b": "It is so.", "c": "and | more | of it"}


def test_quotes_of_the_text_stay_and_those_of_csv_go(tmp_path):
    table = 'a|"No," he said, "no."|"No," he said, "no."\nb|"He said ""no""."\n'
    found = texts(corpora.read_corpus(_corpus(tmp_path, table)))
    assert found == {"a": '"No," he said, "no."', "b": 'He said "no".'}


def test_a_third_cell_that_names_speakers_is_no_text(tmp_path):
    files = [f"wavs/{number}.wav" for number in range(8)]
    rows = [f"{number}.wav|some words number {number}|speaker{number % 2}" for number in range(8)]
    found = corpora.load_corpus(_corpus(tmp_path, "\n".join(rows), files=files))
    assert texts(found.utterances)["3"] == "some words number 3"
    assert {item.speaker for item in found.utterances} == {"speaker0", "speaker1"}
    assert "read as the speaker" in " ".join(found.remarks)


def test_numbers_and_their_names_are_two_texts(tmp_path):
    files = [f"{number}.wav" for number in range(8)]
    names = ("zero", "one", "two", "three")
    rows = [f"{number}|{number % 4}|{names[number % 4]}" for number in range(8)]
    found = texts(corpora.read_corpus(_corpus(tmp_path, "\n".join(rows), files=files)))
    assert found == {str(number): names[number % 4] for number in range(8)}


def test_a_table_of_more_columns_wants_a_head(tmp_path):
    files = [f"{number}.wav" for number in range(4)]
    rows = [f"{number}|words {number}|words {number}|anna" for number in range(4)]
    with pytest.raises(corpora.CorpusError, match="most rows have 4 cells.*a first line"):
        corpora.read_corpus(_corpus(tmp_path, "\n".join(rows), files=files))
    rows.insert(0, "id|raw_text|text|speaker")
    found = corpora.read_corpus(_corpus(tmp_path, "\n".join(rows), files=files))
    assert texts(found)["2"] == "words 2" and found[0].speaker == "anna"


def test_what_is_left_over_is_counted_and_named(tmp_path):
    table = "a|one\nabsent|two\nalso_absent|three\na.wav|one\n"
    found = corpora.load_corpus(_corpus(tmp_path, table, files=("wavs/a.wav", "wavs/extra.wav")))
    assert texts(found.utterances) == {"a": "one"}
    assert (found.num_rows, found.num_rows_without_file, found.num_files_without_row) == (4, 2, 1)
    said = "\n".join(found.remarks)
    assert "2 of 4 rows without a file: metadata.csv line 2 (absent), metadata.csv line 3" in said
    assert "1 files without a row: wavs/extra.wav" in said
    assert "1 rows that are there twice, and count once: metadata.csv line 4 (a.wav)" in said
    assert "4 rows, 2 of them without a file; 1 files without a row" in found.describe()


def test_what_is_left_over_is_logged_whoever_reads(tmp_path, caplog):
    corpora.read_corpus(_corpus(tmp_path, "a|one\nabsent|two\n"))
    assert "1 of 2 rows without a file" in caplog.text and "1 files without a row" in caplog.text


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("a|one\nb|two\na.wav|three\n", "lines 1 and 3 say different things of a.wav"),
        ("file,text\na,one\n,two\n", "line 3: names no recording"),
        ("file,text,split\na,one,hold-out\n", "line 2: the split is 'hold-out'; expected one of"),
        ("file,text,note\na,one,x,y\n", "line 2: expected 3 cells, got 4; put quotes"),
        ('file,text\na,"one\nb,two\n', "line 2: a quotation mark opens and does not close"),
        ('file,text\na,"one" x\nb,"two\nc,"\n', "line 3: a quotation mark opens and does not"),
        ("c|one\nd|two\n", "names a recording: metadata.csv line 1 .c. is one of 2 of its rows, "),
    ],
)
def test_what_cannot_be_meant_is_refused_by_line(tmp_path, table, reason):
    with pytest.raises(corpora.CorpusError, match=reason) as caught:
        corpora.read_corpus(_corpus(tmp_path, table))
    assert "\n" not in str(caught.value)


def test_a_name_that_may_be_two_recordings_is_refused_unless_it_says_which(tmp_path):
    files = ("anna/1.wav", "ben/1.wav")
    with pytest.raises(corpora.CorpusError, match="line 1: '1' may be .*anna/1.wav or .*ben/1.wav"):
        corpora.read_corpus(_corpus(tmp_path, "1|one\n", files=files))
    found = corpora.read_corpus(_corpus(tmp_path, "anna/1|one\nben/1|two\n", files=files))
    assert texts(found) == {"anna/1": "one", "ben/1": "two"}


def test_a_row_never_takes_another_speaker_s_recording(tmp_path):
    table = "anna/1|one\nben/1|two\n"
    found = corpora.load_corpus(_corpus(tmp_path, table, files=("wavs/ben/1.wav", "wavs/x.wav")))
    assert texts(found.utterances) == {"ben/1": "two"}
    assert found.num_rows_without_file == 1


def test_of_copies_in_other_folders_those_in_wavs_are_meant(tmp_path):
    files = ("wavs/a.wav", "wavs_16k/a.wav", "b.wav", "old/b.wav")
    found = corpora.load_corpus(_corpus(tmp_path, "a|one\nb|two\n", files=files))
    names = [item.path.relative_to(tmp_path).as_posix() for item in found.utterances]
    assert names == ["wavs/a.wav", "b.wav"] and found.num_files_without_row == 2


def test_of_twins_one_is_taken_and_the_other_is_said(tmp_path):
    files = ("wavs/a.flac", "wavs/a.wav", "wavs/b.flac")
    found = corpora.load_corpus(_corpus(tmp_path, "a|one\nb|two\n", files=files))
    assert [item.path.name for item in found.utterances] == ["a.wav", "b.flac"]
    assert "1 files without a row: wavs/a.flac" in " ".join(found.remarks)
    found = corpora.read_corpus(_corpus(tmp_path, "a.flac|one\nb|two\n", files=files))
    assert [item.path.name for item in found] == ["a.flac", "b.flac"]


def test_accents_written_in_two_ways_are_one_name(tmp_path):
    composed, apart = "caf\u00e9", "cafe\u0301"  # as most systems, and as macOS, write it
    found = corpora.read_corpus(_corpus(tmp_path, f"{composed}|one\n", files=[f"{apart}.wav"]))
    assert list(texts(found).values()) == ["one"]


@pytest.mark.parametrize("name", ["metadata.tsv", "metadata.txt", "metadata.jsonl"])
def test_a_table_may_end_otherwise(tmp_path, name):
    table = '{"file_name": "wavs/a.wav", "text": "Hello, world."}\n\n{"audio": "b", "Text": "so"}\n'
    table = table if name.endswith("jsonl") else "a\tHello, world.\nb\tso\n"
    found = corpora.read_corpus(_corpus(tmp_path, table, name=name, encoding="utf-8-sig"))
    assert texts(found) == {"a": "Hello, world.", "b": "so"}


@pytest.mark.parametrize("line", ["[1]", "{", '{"text": "x"}', "[" * 100_000])
def test_json_lines_are_refused_by_line(tmp_path, line):
    table = '{"file_name": "a", "text": "x"}\n' + line
    with pytest.raises(corpora.CorpusError, match="metadata.jsonl line 2"):
        corpora.read_corpus(_corpus(tmp_path, table, name="metadata.jsonl"))


def test_a_class_is_no_text(tmp_path):
    found = transcripts.read_transcripts(write(tmp_path, "t", "file_name,label\na.wav,dog\n") / "t")
    assert found.has_head and found.entries[0].text is None


def test_an_older_encoding_is_refused_with_the_next_step(tmp_path):
    folder = _corpus(tmp_path, "a|Grüße\nb|café\n", encoding="cp1252")
    with pytest.raises(corpora.CorpusError, match="metadata.csv: expected text in UTF-8 .*iconv"):
        corpora.read_corpus(folder)
