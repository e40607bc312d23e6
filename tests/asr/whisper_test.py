"""Whisper: a small folder that the test writes; with real weights where a folder is named."""

import os
import pathlib
import tempfile
import unittest

import numpy as np

from tests import speech
from tests.asr import whisper_folder
from vggish_inversion import asr, audio
from vggish_inversion.asr import whisper

_REAL = "VGGISH_INVERSION_WHISPER"  # an environment variable: the folder of a real model


def _noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.1 * rng.standard_normal(int(seconds * 16000)).astype(np.float32)


class WhisperTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        cls.folder = whisper_folder.write_whisper_folder(cls.scratch / "tiny")
        cls.transcriber = whisper.WhisperTranscriber(str(cls.folder), max_compression_ratio=None)

    def test_many_at_once_give_what_each_gives_alone(self):
        waveforms = [_noise(seconds, seed) for seed, seconds in enumerate((0.5, 1, 2, 31, 3, 4))]
        together = list(self.transcriber.transcribe_all(iter(waveforms)))
        self.assertEqual(together, [self.transcriber(waveform) for waveform in waveforms])
        self.assertEqual(together, list(self.transcriber.transcribe_all(waveforms)))
        self.assertTrue(all(together), "random weights write something")
        self.assertLessEqual({*" ".join(together).split()}, {*whisper_folder.WORDS})

    def test_a_bad_waveform_keeps_its_place(self):
        waveforms = [_noise(1), np.full(10, np.nan, np.float32), np.zeros((2, 5)), _noise(1)]
        heard = list(self.transcriber.transcribe_all(waveforms))
        self.assertEqual(heard[0], heard[3])
        self.assertRegex(str(heard[1]), "NaN")
        self.assertRegex(str(heard[2]), "shape")
        with self.assertRaisesRegex(ValueError, "NaN"):
            self.transcriber(waveforms[1])

    def test_silence_has_no_words(self):
        self.assertEqual(self.transcriber(np.zeros(16000, np.float32)), "")
        self.assertEqual(self.transcriber(np.zeros(0, np.float32)), "")

    def test_text_that_repeats_itself_is_gated_and_says_why(self):
        gated = asr.load_transcriber("whisper", model=str(self.folder))(_noise(2))
        text = self.transcriber(_noise(2))
        self.assertGreater(whisper.compression_ratio(text), whisper.MAX_COMPRESSION_RATIO)
        self.assertEqual(gated, "")
        self.assertRegex(gated.reason, "repeats itself: compression ratio [0-9.]+, over 2.4")

    def test_a_window_that_is_gated_takes_no_other_with_it(self):
        transcriber = whisper.WhisperTranscriber(str(self.folder))
        sentence = "The birch canoe slid on the smooth planks."
        gated = transcriber._gate([sentence, "and so " * 50])
        self.assertEqual(gated, sentence)
        self.assertTrue(gated.reason)
        self.assertEqual(transcriber._gate([sentence, sentence[:9]]), f"{sentence} {sentence[:9]}")

    def test_the_fingerprint_is_of_the_weights(self):
        other = whisper_folder.write_whisper_folder(self.scratch / "other", seed=1)
        moved = whisper_folder.write_whisper_folder(self.scratch / "moved")
        here, elsewhere, another = (
            whisper.WhisperTranscriber(str(item)).fingerprint
            for item in (self.folder, moved, other)
        )
        self.assertEqual(here, elsewhere)
        self.assertNotEqual(here, another)
        self.assertNotEqual(here, self.transcriber.fingerprint, "it gates nothing")
        self.assertEqual(self.transcriber.name, "whisper")

    def test_faults_of_a_folder_are_named(self):
        broken = whisper_folder.write_whisper_folder(self.scratch / "broken")
        with self.assertRaisesRegex(ValueError, "knows English alone, not 'fr'"):
            whisper.WhisperTranscriber(str(broken), language="fr")
        (broken / "model.bin").write_bytes((broken / "model.bin").read_bytes()[:1000])
        with self.assertRaisesRegex(ValueError, "cannot be read as a Whisper model"):
            whisper.WhisperTranscriber(str(broken))
        (broken / "tokenizer.json").write_text("{}")
        with self.assertRaisesRegex(ValueError, "cannot be read as a Whisper model"):
            whisper.WhisperTranscriber(str(broken))
        (broken / "model.bin").unlink()
        with self.assertRaisesRegex(ValueError, "lacks model.bin; copy"):
            whisper.WhisperTranscriber(str(broken))


class WindowsTest(unittest.TestCase):
    def test_a_long_clip_is_parted_where_it_is_quiet(self):
        waveform = _noise(70)
        for pause in (27.3, 55.1):
            waveform[int(pause * 16000) : int((pause + 0.3) * 16000)] = 0
        pieces = whisper.split_at_quiet(waveform)
        np.testing.assert_array_equal(np.concatenate(pieces), waveform)
        ends = np.cumsum([len(piece) for piece in pieces])[:-1] / 16000
        self.assertEqual(len(ends), 2)
        for end, pause in zip(ends, (27.3, 55.1), strict=True):
            self.assertTrue(pause <= end <= pause + 0.3, f"parted at {end} s")

    def test_thirty_seconds_are_one_window(self):
        self.assertEqual(len(whisper.split_at_quiet(_noise(30))), 1)
        self.assertEqual(len(whisper.split_at_quiet(_noise(30.01))), 2)


@unittest.skipUnless(_REAL in os.environ, f"set {_REAL} to the folder of a real Whisper")
class RealWeightsTest(unittest.TestCase):
    def test_hears_the_bundled_speech(self):
        transcriber = whisper.WhisperTranscriber(os.environ[_REAL])
        heard = transcriber(audio.read_audio(speech.DEMO_SPEECH / "slt-garden.flac"))
        self.assertIn("garden", heard.lower())
