"""Losses against NumPy, TensorFlow's log-mel and hand-made cases."""

import numpy as np
import tensorflow as tf
from scipy import signal

from tests import speech
from vggish_inversion import features
from vggish_inversion.vocoders import losses

_PARAMS = features.LogMelParams()


def _scipy_magnitude(waveform, length: int, hop: int) -> np.ndarray:
    window = signal.get_window("hann", length)  # periodic
    transform = signal.ShortTimeFFT(window, hop, 1.0, mfft=length)
    inside = transform.stft(
        waveform,
        p0=-(-(length // 2) // hop),
        p1=(len(waveform) - length // 2) // hop + 1,
    )
    return np.abs(inside).T


class StftTest(tf.test.TestCase):
    def test_magnitude_against_scipy(self):
        clip = speech.read_clip()[:16000]
        for length, hop in ((256, 64), (512, 128), (1024, 256)):
            ours = losses.stft_magnitude(
                tf.constant(clip[np.newaxis]), features.periodic_hann(length), hop, length
            )
            theirs = np.maximum(_scipy_magnitude(clip, length, hop), 1e-7**0.5)
            self.assertAllClose(ours[0], theirs[: ours.shape[1]], atol=1e-3)
            self.assertLen(theirs, ours.shape[1])

    def test_log_mel_is_the_front_end(self):
        clip = speech.read_clip()[np.newaxis, :16000]
        ours = losses.log_mel(tf.constant(clip), _PARAMS)
        theirs = features.waveform_to_log_mel(clip, _PARAMS)
        self.assertAllClose(ours, theirs, atol=0.05)  # magnitudes have a floor here
        self.assertLess(np.abs(ours - theirs).mean(), 1e-3)

    def test_stft_loss_by_hand(self):
        clip = speech.read_clip()[np.newaxis, :16000]
        loud = np.random.default_rng(0).normal(size=clip.shape).astype(np.float32)
        for natural, vocoded, convergence, log_distance in (
            (clip, clip, 0.0, 0.0),
            (loud, loud * 0.5, 0.5, np.log(2)),  # half everywhere
            (loud, loud * 2.0, 1.0, np.log(2)),
            (loud, -loud, 0.0, 0.0),  # blind to phase
        ):
            given = losses.stft_loss(tf.constant(natural), tf.constant(vocoded), 512, 128)
            self.assertAllClose(given, (convergence, log_distance), atol=2e-3)

    def test_spectral_loss_joins_the_resolutions(self):
        rng = np.random.default_rng(0)
        natural = rng.normal(size=(2, 4096)).astype(np.float32)
        vocoded = rng.normal(size=(2, 4096)).astype(np.float32)
        parts = []
        for length, hop in ((256, 64), (512, 128), (1024, 256)):
            target, given = (
                np.stack([_scipy_magnitude(item, length, hop) for item in batch])
                for batch in (natural, vocoded)
            )
            parts.append(np.linalg.norm(target - given) / np.linalg.norm(target))
            parts.append(np.abs(np.log(target) - np.log(given)).mean())
        mel = [features.waveform_to_log_mel(item, _PARAMS).numpy() for item in (natural, vocoded)]
        expected = sum(parts) / 3 + np.abs(mel[0] - mel[1]).mean()
        self.assertAllClose(losses.SpectralLoss(_PARAMS)(natural, vocoded), expected, rtol=1e-3)

    def test_silence_has_finite_gradients(self):
        silence = tf.zeros([1, 2048])
        for natural in (silence, tf.random.stateless_normal([1, 2048], [0, 0])):
            with tf.GradientTape() as tape:
                tape.watch(silence)
                loss = losses.SpectralLoss(_PARAMS)(natural, silence)
            self.assertTrue(np.isfinite(loss))
            self.assertTrue(np.isfinite(tape.gradient(loss, silence)).all())


class AdversarialTest(tf.test.TestCase):
    def test_hinge(self):
        real, fake = [tf.constant([2.0, 0.5])], [tf.constant([-3.0, 0.0])]
        # Real: past the margin, half short of it; fake: past it, a whole margin short.
        self.assertAllClose(losses.hinge_discriminator_loss(real, fake), 0.25 + 0.5)
        self.assertAllClose(losses.hinge_generator_loss(fake), 1.5)
        self.assertAllClose(losses.hinge_generator_loss(fake * 3), 4.5)

    def test_feature_matching(self):
        real = [tf.constant([1.0, 3.0]), tf.constant([[0.0]])]
        fake = [tf.constant([2.0, 1.0]), tf.constant([[4.0]])]
        self.assertAllClose(losses.feature_matching_loss(real, fake), (1.5 + 4.0) / 2)

    def test_feature_matching_teaches_the_generator_alone(self):
        real, fake = tf.constant([1.0]), tf.constant([0.0])
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            loss = losses.feature_matching_loss([real], [fake])
        gradients = tape.gradient(loss, [real, fake])
        self.assertIsNone(gradients[0])
        self.assertAllClose(gradients[1], [-1.0])
