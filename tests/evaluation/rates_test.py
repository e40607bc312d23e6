"""Rates are pooled over words, in the reconstructor's order, and what cannot be rated is named."""

import dataclasses
import pathlib
import shutil
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf

import vggish_inversion as vi
from vggish_inversion import asr, evaluation, reconstruction


class _Recogniser:
    """Hears all of a recording, nothing of a quieter copy, and gives up on what is silent."""

    rules = "letters"

    def transcribe_all(self, waveforms):
        for waveform in waveforms:
            if not np.any(waveform):
                yield asr.TranscriptionError("nothing to hear")
            else:
                texts = {item.id: item.text for item in vi.bundled_speech()}
                yield texts["slt-garden"] if np.abs(waveform).max() > 0.1 else ""


def _reconstructor(gain: float):
    def reconstruct(waveform):
        log_mel = np.zeros((1, 64), np.float32)
        halves = np.where(np.arange(len(waveform)) % 2, waveform, 0.0)
        return {
            "half": reconstruction.Reconstruction(log_mel, halves),
            "faint": reconstruction.Reconstruction(log_mel, gain * waveform),
        }

    return reconstruct


class WordErrorRatesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.object(asr, "load_transcriber", lambda name: _Recogniser()))
        [self.garden] = [item for item in vi.bundled_speech() if item.id == "slt-garden"]

    def test_pooled_over_words(self):
        # 14 words that are right, and 3 that are not what is heard, with 13 more: 14 of 17.
        other = dataclasses.replace(self.garden, text="the garden party")
        rates = evaluation.word_error_rates(_reconstructor(0.01), [self.garden, other])
        self.assertEqual(list(rates), ["natural", "half", "faint"])
        errors = vi.word_errors("the garden party", self.garden.text)
        expected = round(errors.num_errors / (14 + 3), 4)
        self.assertEqual(rates, {"natural": expected, "half": expected, "faint": 1.0})

    def test_the_folder_of_a_corpus(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in (folder / "one.flac", folder / "two.flac"):
            shutil.copy(self.garden.path, name)
            name.with_suffix(".txt").write_text(self.garden.text)
        expected = {"natural": 0.0, "half": 0.0, "faint": 1.0}
        for given in (folder, str(folder)):
            self.assertEqual(evaluation.word_error_rates(_reconstructor(0.01), given), expected)
        with self.assertRaisesRegex(ValueError, "no folder absent"):
            evaluation.word_error_rates(_reconstructor(0.01), "absent")
        for wrong in ([str(folder)], [self.garden, self.garden.path], [None]):
            kind = type(wrong[-1]).__name__
            with self.assertRaisesRegex(ValueError, f"or the folder of a corpus; got {kind}"):
                evaluation.word_error_rates(_reconstructor(0.01), wrong)

    def test_refusals(self):
        wordless = dataclasses.replace(self.garden, text=" ... ")
        with self.assertRaisesRegex(ValueError, "the text of what is said, got slt-garden without"):
            evaluation.word_error_rates(_reconstructor(0.01), [self.garden, wordless])
        with self.assertRaisesRegex(ValueError, "text of what is said, got none"):
            evaluation.word_error_rates(_reconstructor(0.01), [])
        with self.assertRaisesRegex(asr.TranscriptionError, "nothing to hear"):
            evaluation.word_error_rates(_reconstructor(0.0), [self.garden])


if __name__ == "__main__":
    tf.test.main()
