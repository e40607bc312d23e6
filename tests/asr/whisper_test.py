"""Whisper: a small folder that the test writes; with real weights where a folder is named."""

import os
import pathlib
import tempfile
import types
import unittest
from unittest import mock

import numpy as np

from tests import speech
from tests.asr import whisper_folder
from vggish_inversion import asr, audio
from vggish_inversion.asr import gates, whisper

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
        cls.transcriber = whisper.WhisperTranscriber(str(cls.folder), gate=gates.OPEN)

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

    def test_text_that_is_not_believed_is_gated_and_says_why(self):
        gated = asr.load_transcriber("whisper", model=str(self.folder))(_noise(2))
        text = self.transcriber(_noise(2))
        self.assertGreater(gates.compression_ratio(text), gates.MAX_COMPRESSION_RATIO)
        self.assertEqual(gated, "")
        self.assertRegex(gated.reason, "repeats itself: compression ratio [0-9.]+, over 2.4")

    def test_a_window_is_as_short_as_its_clip_allows(self):
        calls = self._decoded(gates.Hypothesis("a bird sings in the old garden"))
        waveforms = [_noise(seconds) for seconds in (0.5, 1, 9, 29, 31)]
        self.assertEqual(len(list(self.transcriber.transcribe_all(waveforms))), 5)
        heard = sorted(calls, reverse=True)
        # 31 s are parted within the last 5 s of a window; half a second and one share a batch.
        self.assertIn(sum(frames == 3000 for frames, _ in heard), (1, 2))
        self.assertIn((400, 2), heard)
        self.assertIn((1200, 1), heard)
        self.assertEqual(sum(number for _, number in heard), 6)

    def test_a_text_that_goes_round_is_heard_again_in_thirty_seconds(self):
        for first in (
            gates.Hypothesis("and so " * 50),
            gates.Hypothesis("still writing", is_cut=True),
        ):
            calls = self._decoded(first, whole=gates.Hypothesis("a bird"))
            self.assertEqual(list(self.transcriber.transcribe_all([_noise(1)] * 2)), ["a bird"] * 2)
            self.assertEqual(calls, [(400, 2), (3000, 2)])
        calls = self._decoded(gates.Hypothesis("and so " * 50), whole=gates.Hypothesis("so " * 50))
        self.assertEqual(self.transcriber(_noise(28)), "so " * 50, "heard once: it was whole")
        self.assertEqual(calls, [(3000, 1)])

    def test_a_batch_that_fails_keeps_the_others(self):
        def decode(batch, num_frames):
            if num_frames == 400:
                raise RuntimeError("out of memory")
            return [gates.Hypothesis("a bird")] * len(batch)

        with mock.patch.object(self.transcriber, "_decode", decode):
            short, long, silent = self.transcriber.transcribe_all(
                [_noise(1), _noise(9), np.zeros(16000, np.float32)]
            )
        self.assertEqual((long, silent), ("a bird", ""))
        self.assertIsInstance(short, asr.TranscriptionError)
        self.assertRegex(str(short), "Whisper gave up: out of memory")

    def test_what_nobody_waits_for_is_not_heard(self):
        calls = self._decoded(gates.Hypothesis("a bird"))
        heard = self.transcriber.transcribe_all(_noise(1) for _ in range(1000))
        self.assertEqual(next(heard), "a bird")
        heard.close()
        self.assertLessEqual(sum(number for _, number in calls), 32)

    def _decoded(self, heard, *, whole=None) -> list[tuple[int, int]]:
        """Has the decoder say so, and lists what it is asked: frames, and windows of the batch."""
        calls = []

        def decode(batch, num_frames):
            calls.append((num_frames, len(batch)))
            return [whole if whole and num_frames == 3000 else heard] * len(batch)

        self.enterContext(mock.patch.object(self.transcriber, "_decode", decode))
        return calls

    def test_language_is_that_of_the_prompt_and_of_the_rules(self):
        # CTranslate2 tells a model of many languages by its 51,865 words.
        network = types.SimpleNamespace(is_multilingual=True, n_mels=80)
        self.enterContext(mock.patch("ctranslate2.models.Whisper", lambda *_, **__: network))
        german = asr.load_transcriber("whisper", model=str(self.folder), language="de")
        self.assertEqual((self.transcriber.rules, german.rules), ("whisper:en", "letters"))
        self.assertNotEqual(german.fingerprint, whisper.load(str(self.folder)).fingerprint)
        tokens = [german._tokenizer.id_to_token(index) for index in german._prompt]
        self.assertIn("<|de|>", tokens)
        with self.assertRaisesRegex(ValueError, r"has no <\|fr\|> in its tokenizer.json"):
            asr.load_transcriber("whisper", model=str(self.folder), language="fr")
        with self.assertRaisesRegex(ValueError, "PocketSphinx knows US English alone, not 'de'"):
            asr.load_transcriber("pocketsphinx", language="de")

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


@unittest.skipUnless(_REAL in os.environ, f"set {_REAL} to the folder of a real Whisper")
class RealWeightsTest(unittest.TestCase):
    def test_hears_the_bundled_speech(self):
        transcriber = whisper.WhisperTranscriber(os.environ[_REAL])
        heard = transcriber(audio.read_audio(speech.DEMO_SPEECH / "slt-garden.flac"))
        self.assertIn("garden", heard.lower())

    def test_noise_and_hum_say_nothing_and_why(self):
        transcriber = whisper.WhisperTranscriber(os.environ[_REAL])
        for level in (0.2, 2, 0.02):
            for waveform in (level * _noise(5), level * np.sin(np.arange(80000) / 50) / 10):
                heard = transcriber(waveform.astype(np.float32))
                self.assertEqual(heard, "")
                self.assertRegex(heard.reason, "no speech|low confidence|repeats itself")
