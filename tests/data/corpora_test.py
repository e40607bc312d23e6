"""Every layout is recognised, and nothing crosses a split."""

import pathlib
import tempfile

import soundfile
import tensorflow as tf

from tests import speech
from vggish_inversion.data import corpora


def _write_librispeech(folder: pathlib.Path, subset: str, speakers) -> None:
    for speaker in speakers:
        chapter = folder / subset / speaker / "7"
        chapter.mkdir(parents=True)
        lines = []
        for number in range(2):
            name = f"{speaker}-7-{number:04d}"
            soundfile.write(chapter / f"{name}.flac", speech.read_clip()[:800], 16000)
            lines.append(f"{name} SOME WORDS {number}")
        (chapter / f"{speaker}-7.trans.txt").write_text("\n".join(lines) + "\n")


class CorporaTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_ljspeech_has_the_published_test_split(self):
        ids = ["LJ001-0001", "LJ001-0002", "LJ049-0208", "LJ049-0209", "LJ049-0230", "LJ050-0001"]
        folder = speech.write_ljspeech(self.folder / "lj", ids, num_samples=800)
        test = corpora.read_corpus(folder, split="test")
        self.assertEqual([item.id for item in test], ids[3:])
        self.assertEqual(test[0].text, "Text number 3.")
        rest = [item.id for item in corpora.read_corpus(folder) if item.split != "test"]
        self.assertEqual(rest, ids[:3])

    def test_ljspeech_needs_no_file_for_every_line(self):
        folder = speech.write_ljspeech(self.folder / "lj", ["LJ001-0001"], num_samples=800)
        with open(folder / "metadata.csv", "a") as file:
            file.write("LJ001-0002|absent|absent\n")
        self.assertLen(corpora.read_corpus(folder), 1)

    def test_a_metadata_line_that_names_nothing_is_named(self):
        folder = speech.write_ljspeech(self.folder / "lj", ["LJ001-0001"], num_samples=800)
        (folder / "metadata.csv").write_text("LJ001-0001|one|one\n|two|two\n")
        with self.assertRaisesRegex(corpora.CorpusError, "line 2: names no recording"):
            corpora.read_corpus(folder)

    def test_librispeech_splits_by_subset(self):
        for subset, speakers in (
            ("train-clean-100", "12"),
            ("dev-clean", "3"),
            ("test-clean", "4"),
        ):
            _write_librispeech(self.folder / "ls", subset, speakers)
        by_split = {
            split: {item.speaker for item in corpora.read_corpus(self.folder / "ls", split=split)}
            for split in corpora.SPLITS
        }
        self.assertEqual(by_split, {"train": {"1", "2"}, "validation": {"3"}, "test": {"4"}})
        only = corpora.read_corpus(self.folder / "ls" / "dev-clean", split="validation")
        self.assertEqual([item.text for item in only], ["SOME WORDS 0", "SOME WORDS 1"])

    def test_speakers_never_cross_splits_in_any_folder(self):
        for speaker in range(30):
            (self.folder / "any" / f"speaker{speaker}").mkdir(parents=True)
            for clip in range(2):
                path = self.folder / "any" / f"speaker{speaker}" / f"{clip}.wav"
                soundfile.write(path, speech.read_clip()[:800], 16000)
        splits = {}
        for item in corpora.read_corpus(self.folder / "any"):
            splits.setdefault(item.speaker, set()).add(item.split)
        self.assertLen(splits, 30)
        self.assertTrue(all(len(split) == 1 for split in splits.values()))
        self.assertEqual(set.union(*splits.values()), set(corpora.SPLITS))

    def test_transcripts_beside_the_audio(self):
        for name in ("one", "two", "three"):
            soundfile.write(self.folder / f"{name}.wav", speech.read_clip()[:800], 16000)
        (self.folder / "two.txt").write_text("from a text file\n")
        (self.folder / "transcripts.csv").write_text('utterance,speaker,text\none,x,"a, b"\n')
        texts = {item.id: (item.text, item.speaker) for item in corpora.read_corpus(self.folder)}
        expected = {"one": ("a, b", "x"), "two": ("from a text file", None), "three": (None, None)}
        self.assertEqual(texts, expected)

    def test_the_bundled_speech_is_a_corpus(self):
        utterances = corpora.read_corpus(speech.DEMO_SPEECH)
        self.assertGreaterEqual(len(utterances), 8)
        self.assertTrue(all(item.text for item in utterances))
        self.assertEqual({item.speaker for item in utterances}, {"slt", "rms", "awb"})

    def test_errors_say_what_was_expected(self):
        with self.assertRaisesRegex(corpora.CorpusError, "no folder .*absent"):
            corpora.read_corpus(self.folder / "absent")
        with self.assertRaisesRegex(corpora.CorpusError, "no audio in .*expected LJSpeech"):
            corpora.read_corpus(self.folder)
        with self.assertRaisesRegex(ValueError, "splits are: train validation test all"):
            corpora.read_corpus(speech.DEMO_SPEECH, split="dev")
        folder = speech.write_ljspeech(self.folder / "lj", ["LJ050-0001"], num_samples=800)
        with self.assertRaisesRegex(corpora.CorpusError, "no train utterances .*test 1"):
            corpora.read_corpus(folder, split="train")

    def test_corpora_are_joined_but_ids_must_differ(self):
        one = speech.write_ljspeech(self.folder / "one", ["LJ050-0001"], num_samples=800)
        two = speech.write_ljspeech(self.folder / "two", ["LJ050-0002"], num_samples=800)
        joined = corpora.read_corpora([one, two], split="test")
        self.assertEqual([item.id for item in joined], ["LJ050-0001", "LJ050-0002"])
        with self.assertRaisesRegex(corpora.CorpusError, "LJ050-0001.wav is in both .*one and .*"):
            corpora.read_corpora([one, self.folder], split="test")
