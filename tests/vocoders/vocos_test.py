"""Vocos' inverse STFT against NumPy, and its network through the project's check."""

import numpy as np
import tensorflow as tf

from tests import keras_checks, speech
from vggish_inversion import features
from vggish_inversion.vocoders import vocos

_PARAMS = features.LogMelParams()


def _numpy_inverse_stft(spectra: np.ndarray, hop: int) -> np.ndarray:
    """Frame by frame: the waveform that is nearest to spectra of centred frames."""
    length = 2 * (spectra.shape[1] - 1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi / length * np.arange(length))
    total = np.zeros(len(spectra) * hop + 2 * length)
    squares = np.zeros_like(total)
    for index, spectrum in enumerate(spectra):
        frame = np.fft.fftshift(np.fft.irfft(spectrum))  # phases are those of the frame's middle
        first = length + index * hop + hop // 2 - length // 2
        total[first : first + length] += frame * window
        squares[first : first + length] += window**2
    return (total / np.maximum(squares, 1e-2))[length : length + len(spectra) * hop]


def _centred_spectra(waveform: np.ndarray, length: int, hop: int) -> np.ndarray:
    """The opposite: spectra of frames whose middles are half a hop past multiples of the hop."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi / length * np.arange(length))
    padded = np.pad(waveform, length)
    middles = np.arange(len(waveform) // hop) * hop + hop // 2
    frames = padded[middles[:, np.newaxis] + length // 2 + np.arange(length)]
    return np.fft.rfft(np.fft.ifftshift(frames * window, axes=1))


def test_bands_without_a_bin_spread_nothing():
    params = features.LogMelParams(num_bands=128, low_hz=20.0)
    spread, filters = vocos.mel_to_bins(params), features.mel_matrix(params)
    assert not filters.any(axis=0).all()
    np.testing.assert_allclose(np.ones(len(filters)) @ filters @ spread, 1, rtol=1e-5)


class InverseStftTest(tf.test.TestCase):
    def test_overlap_add(self):
        frames = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
        expected = np.zeros((2, 3 * 4 + 9))
        for index in range(5):
            expected[:, 3 * index : 3 * index + 7] += frames[:, index]
        self.assertAllClose(vocos.overlap_add(tf.constant(frames), 3), expected, atol=1e-6)

    def test_against_numpy(self):
        rng = np.random.default_rng(0)
        for num_frames, length, hop in ((1, 512, 160), (9, 512, 160), (6, 64, 16), (5, 512, 200)):
            spectra = rng.normal(size=(2, num_frames, length // 2 + 1, 2)) @ [1, 1j]
            spectra[..., [0, -1]] = spectra[..., [0, -1]].real  # as of any real waveform
            waveform = vocos.inverse_stft(
                *(tf.constant(part, tf.float32) for part in (spectra.real, spectra.imag)), hop
            )
            expected = np.stack([_numpy_inverse_stft(item, hop) for item in spectra])
            self.assertAllClose(waveform, expected, atol=1e-5)

    def test_inverts_the_stft(self):
        clip = speech.read_clip()[:16000]
        spectra = _centred_spectra(clip, 512, 160)[np.newaxis]
        parts = (tf.constant(part, tf.float32) for part in (spectra.real, spectra.imag))
        self.assertAllClose(vocos.inverse_stft(*parts, 160)[0], clip, atol=1e-5)


class MelToBinsTest(tf.test.TestCase):
    def test_a_flat_spectrum_stays_flat(self):
        mel = np.ones(257) @ features.mel_matrix(_PARAMS)
        self.assertAllClose(mel @ vocos.mel_to_bins(_PARAMS), np.ones(257), atol=1e-5)


class BuildGeneratorTest(tf.test.TestCase):
    def test_keras_model(self):
        keras_checks.check_keras_model(
            self, lambda: vocos.build_generator(_PARAMS, width=16, num_blocks=2), (20, 64)
        )

    def test_fits_into_the_store(self):
        num_bytes = 2 * vocos.build_generator(_PARAMS).count_params()
        self.assertLess(num_bytes, 8e6)

    def test_levels_and_places_are_kept_before_training(self):
        clip = speech.read_clip()[:32000]
        log_mel = features.waveform_to_log_mel(clip, _PARAMS).numpy()[np.newaxis]
        waveform = vocos.build_generator(_PARAMS, width=16, num_blocks=1)(log_mel).numpy()[0]
        covered = clip[120 : 120 + len(waveform)]
        envelopes = [
            np.sqrt(np.convolve(item**2, np.ones(800) / 800, "same"))
            for item in (covered, waveform)
        ]
        self.assertGreater(np.corrcoef(*envelopes)[0, 1], 0.9)
        self.assertNear(20 * np.log10(np.std(waveform) / np.std(covered)), 0.0, 6.0)

    def test_a_seed_is_repeatable(self):
        first, again, other = (
            vocos.build_generator(_PARAMS, width=8, num_blocks=1, seed=seed).get_weights()
            for seed in (3, 3, 4)
        )
        self.assertAllEqual(first[0], again[0])
        self.assertNotAllEqual(first[0], other[0])

    def test_other_front_ends(self):
        params = features.LogMelParams(num_bands=40, hop_seconds=0.0125)
        generator = vocos.build_generator(params, width=8, num_blocks=1)
        self.assertEqual(generator(np.zeros([2, 5, 40])).shape, (2, 1000))
