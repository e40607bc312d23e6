"""Corpora in the layouts that people have, and their readers."""

import pathlib

from fuzzing import readers
from fuzzing.readers import Reader


def write_ljspeech(folder: pathlib.Path) -> None:
    """metadata.csv beside wavs/."""
    from vggish_inversion import audio

    (folder / "wavs").mkdir()
    names = ["LJ001-0001", "LJ001-0002", "LJ049-0210"]
    for index, name in enumerate(names):
        audio.write_wav(folder / "wavs" / f"{name}.wav", readers.speech(index, 0.2))
    rows = [f"{name}|In 1{index}.|In eleven." for index, name in enumerate(names)]
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")


def write_transcribed(folder: pathlib.Path) -> None:
    """Any folder of audio, with transcripts.csv and a text beside a recording."""
    from vggish_inversion import audio

    (folder / "anna").mkdir()
    for index, name in enumerate(("anna/a", "anna/b", "c")):
        audio.write_wav(folder / f"{name}.wav", readers.speech(index, 0.2))
    table = "utterance,speaker,text\nanna/a,anna,in eleven\nc,carl,twelve\n"
    (folder / "transcripts.csv").write_text(table)
    (folder / "anna" / "b.txt").write_text("thirteen\n")


def write_librispeech(folder: pathlib.Path) -> None:
    """dev-clean/SPEAKER/CHAPTER with its transcripts."""
    from vggish_inversion import audio

    chapter = folder / "dev-clean" / "84" / "121123"
    chapter.mkdir(parents=True)
    names = [f"84-121123-{index:04}" for index in range(2)]
    for index, name in enumerate(names):
        audio.write_wav(chapter / f"{name}.wav", readers.speech(index, 0.2))
    lines = [f"{name} GO DO YOU HEAR" for name in names]
    (chapter / "84-121123.trans.txt").write_text("\n".join(lines) + "\n")


def write_tasks(folder: pathlib.Path) -> None:
    """The tables of the corpora that small encoders are trained on."""
    for name in ("meta", "audio", "wav", "evaluation_setup"):
        (folder / name).mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    rows += [f"{fold}-1-A-{kind}.wav,{fold},{kind},{label},True,1,A" for fold in range(1, 6)
             for kind, label in enumerate(("dog", "rooster"))]  # fmt: skip
    (folder / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n")
    for row in rows[1:]:
        (folder / "audio" / row.split(",")[0]).write_bytes(b"x")
    (folder / "birds.csv").write_text("itemid,hasbird\n1,0\n2,1\n")
    for name in ("1.wav", "2.wav"):
        (folder / "wav" / name).write_bytes(b"x")
    places = [(f"audio/{index}.wav", f"city-{index}") for index in range(60)]
    for name, _ in places:
        (folder / name).write_bytes(b"x")
    rows = ["filename\tidentifier", *("\t".join(place) for place in places)]
    (folder / "meta.csv").write_text("\n".join(rows) + "\n")
    for fold, parity in (("train", 0), ("evaluate", 1)):
        lines = [f"{name}\t{('park', 'bus')[i % 4 // 2]}" for i, (name, _) in enumerate(places)
                 if i % 2 == parity]  # fmt: skip
        (folder / "evaluation_setup" / f"fold1_{fold}.txt").write_text("\n".join(lines) + "\n")
    for language in ("de", "en"):
        clips = folder / language / "clips"
        clips.mkdir(parents=True)
        for split in ("train", "dev", "test", "validated"):
            names = (
                [f"{split}.mp3"] if split != "validated" else ["train.mp3", "dev.mp3", "test.mp3"]
            )
            table = ["client_id\tpath\tsentence", *(f"x\t{name}\ta" for name in names)]
            (folder / language / f"{split}.tsv").write_text("\n".join(table) + "\n")
            (clips / f"{split}.mp3").write_bytes(b"x")


def _read_corpus(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import corpora, heard

    utterances = corpora.read_corpus(folder)
    heard.fingerprint(utterances, features.LogMelParams())


def _read_tasks(folder, _):
    from vggish_inversion.tasks import labelled_corpora

    for name in ("environmental_sounds", "language_id", "acoustic_scenes", "bird_detection"):
        labelled_corpora.read_task(name, [folder])


READERS = (
    Reader("corpora", "metadata.csv", write_ljspeech, "metadata.csv", _read_corpus, 2),
    Reader("corpora", "transcripts.csv", write_transcribed, "**/*.[ct]*", _read_corpus),
    Reader("corpora", "trans.txt", write_librispeech, "**/*.trans.txt", _read_corpus),
    Reader("corpora", "tables of tasks", write_tasks, "**/*.[ct][sx][vt]", _read_tasks),
)  # fmt: skip
