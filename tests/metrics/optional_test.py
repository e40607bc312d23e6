"""Pitch on tones of known pitch, speakers on voices of known owners, and the table of both."""

import csv
import math

import numpy as np
import tensorflow as tf

from tests import speech
from vggish_inversion import metrics
from vggish_inversion.metrics import speakers


def _tone(frequency_hz: float, num_samples: int = 16000) -> np.ndarray:
    """A pulse train's first harmonics, such as a voice has."""
    phase = 2 * np.pi * frequency_hz * np.arange(num_samples) / 16000
    return sum(0.2 / n * np.sin(n * phase) for n in range(1, 6)).astype(np.float32)


class PitchTest(tf.test.TestCase):
    def test_tracks_tones(self):
        for frequency in (90.0, 140.0, 220.0, 400.0):
            track = metrics.track_pitch(_tone(frequency))
            cents = 1200 * np.log2(track[5:-5] / frequency)
            self.assertAllInRange(cents, -15.0, 15.0)

    def test_errors_of_known_shifts(self):
        reference = metrics.track_pitch(_tone(150.0))
        shifted = metrics.track_pitch(_tone(150.0 * 2 ** (3 / 12)))
        errors = metrics.pitch_errors(reference, shifted)
        self.assertAllClose(errors.f0_rmse_cents, 300.0, atol=25.0)
        self.assertLess(errors.voicing_error, 0.05)
        half_silent = _tone(150.0)
        half_silent[8000:] = 0
        errors = metrics.pitch_errors(reference, metrics.track_pitch(half_silent))
        self.assertAllClose(errors.voicing_error, 0.5, atol=0.06)
        silent = metrics.pitch_errors(reference, metrics.track_pitch(np.zeros(16000)))
        self.assertTrue(math.isnan(silent.f0_rmse_cents))
        self.assertGreater(silent.voicing_error, 0.9)

    def test_lengths_must_agree(self):
        with self.assertRaisesRegex(ValueError, "expected as many"):
            metrics.pitch_errors(np.zeros(3), np.zeros(4))
        self.assertTrue(math.isnan(metrics.pitch_errors(np.zeros(0), np.zeros(0)).voicing_error))


class SpeakerTest(tf.test.TestCase):
    def test_the_demos_voices_are_told_apart(self):
        with open(speech.DEMO_SPEECH / "transcripts.csv", newline="") as file:
            owners = {row["utterance"]: row["speaker"] for row in csv.DictReader(file)}
        embed = speakers.load_speaker_encoder()
        embeddings = np.stack([embed(speech.read_clip(i)) for i in range(len(speech.CLIPS))])
        names = [owners[path.stem] for path in speech.CLIPS]
        figures = speakers.reference_similarities(embeddings, names)
        num_pairs = len(names) * (len(names) - 1) // 2
        self.assertEqual(figures["num_same_pairs"] + figures["num_other_pairs"], num_pairs)
        self.assertGreater(figures["same_speaker"], figures["other_speaker"] + 0.1)
        self.assertTrue(np.isnan(embed(np.zeros(100, np.float32))).all())

    def test_references_by_hand(self):
        embeddings = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0], [np.nan, 1.0]])
        figures = speakers.reference_similarities(embeddings, ["a", "a", "b", "b"])
        self.assertAllClose(figures["same_speaker"], np.sqrt(0.5), atol=1e-4)
        self.assertAllClose(figures["other_speaker"], np.sqrt(0.5) / 2, atol=1e-4)
        alone = speakers.reference_similarities(embeddings[:1], ["a"])
        self.assertIsNone(alone["same_speaker"])


class OptionalTest(tf.test.TestCase):
    def test_columns_are_those_of_the_table(self):
        clean = speech.read_clip()[:32000]
        for name, (_, columns) in metrics.OPTIONAL_METRICS.items():
            if name == "pesq":
                continue  # an extra; in signals_test
            with self.subTest(name):
                scores = metrics.load_metrics([name])(clean)(0.5 * clean)
                self.assertEqual(tuple(scores), columns)
                self.assertTrue(all(map(math.isfinite, scores.values())))

    def test_an_unknown_name(self):
        with self.assertRaisesRegex(ValueError, "no metric 'mos'; metrics are: spectral_conv"):
            metrics.load_metrics(["mos"])


if __name__ == "__main__":
    tf.test.main()
