"""Waveforms against waveforms: orders that must hold, and values from other programs."""

import math
import warnings

import librosa
import numpy as np
import pystoi
import pytest
import tensorflow as tf

from tests import speech
from vggish_inversion import metrics


class StoiTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        time = np.arange(3 * 16000) / 16000
        envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * time)
        self.speech = (0.1 * envelope * rng.standard_normal(time.size)).astype(np.float32)
        self.noise = rng.standard_normal(time.size).astype(np.float32)

    def test_falls_with_noise(self):
        for extended in (False, True):
            scores = [
                metrics.stoi(self.speech, self.speech + level * self.noise, extended=extended)
                for level in (0.0, 0.02, 0.1, 1.0)
            ]
            self.assertAllClose(scores[0], 1.0, atol=1e-3)
            self.assertAllInRange(-np.diff(scores), 0.01, 1.0)

    def test_agrees_with_pystoi(self):
        clip, _ = librosa.load(speech.CLIPS[0], sr=16000)
        score = metrics.load_stoi(clip)
        rng = np.random.default_rng(1)
        for level in (0.0, 0.01, 0.1):
            noisy = (clip + level * rng.standard_normal(clip.size)).astype(np.float32)
            found = score(noisy)
            for name, extended in (("stoi", False), ("estoi", True)):
                expected = pystoi.stoi(clip, noisy, 16000, extended)
                self.assertAllClose(found[name], expected, rtol=0, atol=1e-6)

    def test_ignores_level(self):
        self.assertAllClose(metrics.stoi(self.speech, 0.1 * self.speech), 1.0, atol=1e-3)

    def test_undefined_is_nan_without_warnings(self):
        burst = np.zeros_like(self.speech)
        burst[:1600] = self.speech[:1600]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, reference in {
                "silent": np.zeros(16000, np.float32),
                "empty": np.zeros(0, np.float32),
                "short": self.speech[:3000],
                "mostly silent": burst,
            }.items():
                for extended in (False, True):
                    with self.subTest(name, extended=extended):
                        score = metrics.stoi(reference, reference, extended=extended)
                        self.assertTrue(math.isnan(score))

    def test_silent_reconstruction_scores_zero(self):
        self.assertEqual(metrics.stoi(self.speech, np.zeros_like(self.speech)), 0.0)

    def test_shapes_must_agree(self):
        with self.assertRaisesRegex(ValueError, "shapes are"):
            metrics.stoi(self.speech, self.speech[1:])


class LogMelL1Test(tf.test.TestCase):
    def test_value(self):
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((2, 7, 64)).astype(np.float32)
        total = sum(abs(float(x) - float(y)) for x, y in zip(a.flat, b.flat, strict=True))
        self.assertAlmostEqual(metrics.log_mel_l1(a, b), total / (7 * 64), places=6)

    def test_shapes_must_agree(self):
        for other in (np.zeros((3, 64)), np.zeros((0, 64))):
            with self.assertRaisesRegex(ValueError, "expected .frames, bands."):
                metrics.log_mel_l1(np.zeros((2, 64)) if len(other) else other, other)


class SpectralConvergenceTest(tf.test.TestCase):
    def test_agrees_with_librosa(self):
        clean, noisy = speech.read_clip()[:32000], speech.read_clip(1)[:32000]
        spectra = [
            np.abs(librosa.stft(x, n_fft=512, hop_length=160, win_length=400, center=False))
            for x in (np.pad(clean, (56, 56)), np.pad(noisy, (56, 56)))
        ]  # librosa's window is centred in the transform
        expected = np.linalg.norm(spectra[0] - spectra[1]) / np.linalg.norm(spectra[0])
        self.assertAllClose(metrics.spectral_convergence(clean, noisy), expected, rtol=1e-5)

    def test_ends(self):
        clean = speech.read_clip()[:16000]
        self.assertEqual(metrics.spectral_convergence(clean, clean), 0.0)
        self.assertAllClose(metrics.spectral_convergence(clean, 0 * clean), 1.0)
        self.assertTrue(math.isnan(metrics.spectral_convergence(0 * clean, clean)))
        self.assertTrue(math.isnan(metrics.spectral_convergence(clean[:399], clean[:399])))
        with self.assertRaisesRegex(ValueError, "shapes are"):
            metrics.spectral_convergence(clean, clean[1:])


class PesqTest(tf.test.TestCase):
    def test_falls_with_noise(self):
        pytest.importorskip("pesq")
        clean = speech.read_clip()[:48000]
        noise = np.random.default_rng(0).standard_normal(clean.size)
        scores = [metrics.pesq(clean, clean + level * noise) for level in (0.0, 0.002, 0.02)]
        self.assertAllClose(scores[0], 4.64, atol=0.01)  # the scale's end
        self.assertAllInRange(-np.diff(scores), 0.1, 4.0)
        for undefined in ((0 * clean, clean), (clean, 0 * clean), (clean[:900], clean[:900])):
            self.assertTrue(math.isnan(metrics.pesq(*undefined)))


if __name__ == "__main__":
    tf.test.main()
