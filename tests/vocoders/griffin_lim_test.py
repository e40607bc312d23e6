"""Griffin-Lim against librosa, SciPy, the speech it was given, and its own promises."""

import functools

import librosa
import numpy as np
import pystoi
import tensorflow as tf
from scipy import optimize

from tests import speech
from vggish_inversion import features, vocoders
from vggish_inversion.vocoders import griffin_lim

_PARAMS = features.LogMelParams()
_BEFORE = 120  # half a window less half a hop


# Shared, for tracing the graph takes longer than most tests.
@functools.cache
def _default() -> griffin_lim.GriffinLim:
    return griffin_lim.GriffinLim(_PARAMS)


@functools.cache
def _brief() -> griffin_lim.GriffinLim:
    return griffin_lim.GriffinLim(_PARAMS, num_iterations=8)


@functools.cache
def _clip() -> np.ndarray:
    return speech.read_clip()[:32000]


def _log_mel(waveform: np.ndarray) -> np.ndarray:
    return features.waveform_to_log_mel(waveform, _PARAMS).numpy()


def _aligned(output: np.ndarray) -> np.ndarray:
    """Puts a vocoder's output where the analysed waveform was."""
    return np.pad(output, _BEFORE)


def _log_mel_error(waveform: np.ndarray, log_mel: np.ndarray) -> float:
    return float(np.mean(np.abs(_log_mel(waveform)[: len(log_mel)] - log_mel)))


def test_the_fingerprint_is_of_the_settings():
    changes = ({}, {"num_iterations": 8}, {"momentum": 0.5}, {"seed": 1}, {"block_frames": 512})
    made = [griffin_lim.GriffinLim(_PARAMS, **change) for change in changes]
    assert len({item.fingerprint for item in made}) == len(changes)
    assert griffin_lim.GriffinLim(_PARAMS).fingerprint == made[0].fingerprint


def test_bands_without_a_bin_are_left_out(caplog):
    """128 bands from 20 Hz are narrower, at first, than the bins of a window of 25 ms."""
    params = features.LogMelParams(num_bands=128, low_hz=20.0)
    bank = librosa.filters.mel(sr=16000, n_fft=512, n_mels=128, fmin=20, fmax=7500, htk=True)
    num_empty = int((bank.max(axis=1) == 0).sum())
    assert num_empty > 0
    log_mel = features.waveform_to_log_mel(_clip(), params).numpy()
    vocoder = griffin_lim.GriffinLim(params, num_iterations=8)
    assert f"{num_empty} of 128 bands have no bin" in caplog.text
    made = vocoder(log_mel[np.newaxis])[0].numpy()
    assert np.isfinite(made).all()
    again = features.waveform_to_log_mel(np.pad(made, _BEFORE), params).numpy()
    assert np.abs(again[: len(log_mel)] - log_mel).mean() < 0.1
    # What an inverter makes of such a band is not heard.
    log_mel[:, ~features.mel_matrix(params).any(axis=0)] = 1.0
    np.testing.assert_array_equal(vocoder(log_mel[np.newaxis])[0], made)


class GriffinLimTest(tf.test.TestCase):
    def test_a_sine_keeps_its_frequency_place_and_level(self):
        time = np.arange(16000) / 16000
        sine = (0.3 * np.sin(2 * np.pi * 440 * time) * (time > 0.5)).astype(np.float32)
        output = _aligned(_default()(_log_mel(sine)[np.newaxis])[0].numpy())
        spectrum = np.abs(np.fft.rfft(output, 16000))
        self.assertNear(np.argmax(spectrum), 440, 20)  # a mel band here is 40 Hz from the next
        rms = np.sqrt(np.mean(output[9000:15000] ** 2))
        self.assertNear(20 * np.log10(rms / (0.3 / np.sqrt(2))), 0.0, 1.0)
        self.assertNear(np.argmax(np.abs(output) > 0.1), 8000, 80)

    def test_silence_stays_silent(self):
        silence = tf.fill([1, 30, 64], _PARAMS.log_floor)
        for log_mel in (silence, silence - 5.0, tf.fill([1, 30, 64], -np.inf)):
            output = _brief()(log_mel)
            self.assertAllClose(output, tf.zeros([1, 4800]), atol=1e-6)

    def test_extreme_log_mel_stays_in_range(self):
        for value in (7.0, 100.0, np.inf):
            output = _brief()(tf.fill([1, 30, 64], value)).numpy()
            self.assertTrue(np.isfinite(output).all())
            self.assertAllClose(np.abs(output).max(), 1.0)

    def test_quiet_speech_is_not_scaled(self):
        log_mels = np.stack([_log_mel(_clip()), _log_mel(0.1 * _clip())])
        loud, quiet = _brief()(log_mels).numpy()
        level = np.std(quiet) / np.std(loud)
        self.assertNear(level, 0.1, 0.01)

    def test_reconstructs_speech(self):
        log_mel = _log_mel(_clip())
        output = _aligned(_default()(log_mel[np.newaxis])[0].numpy())
        self.assertLess(_log_mel_error(output, log_mel), 0.05)
        self.assertGreater(pystoi.stoi(_clip()[: len(output)], output[: len(_clip())], 16000), 0.97)

    def test_is_closer_than_librosa(self):
        log_mel = _log_mel(_clip())
        vocoder = griffin_lim.GriffinLim(_PARAMS, num_iterations=32)
        ours = _aligned(vocoder(log_mel[np.newaxis])[0].numpy())
        magnitude = vocoder.mel_to_magnitude(np.exp(log_mel[np.newaxis]) - 0.01)[0].numpy()
        theirs = librosa.griffinlim(
            magnitude.T, n_iter=32, hop_length=160, win_length=400, n_fft=512, random_state=0
        )
        theirs = np.pad(theirs, (200, 200))  # its frames are centred on multiples of the hop
        self.assertLess(_log_mel_error(theirs, log_mel), 0.2)
        self.assertLess(_log_mel_error(ours, log_mel), _log_mel_error(theirs, log_mel))

    def test_more_iterations_come_closer(self):
        log_mel = _log_mel(_clip()[8000:24000])
        for momentum in (0.0, 0.99):
            errors = []
            for num_iterations in (0, 5, 50):
                vocoder = griffin_lim.GriffinLim(
                    _PARAMS, num_iterations=num_iterations, momentum=momentum
                )
                output = _aligned(vocoder(log_mel[np.newaxis])[0].numpy())
                errors.append(_log_mel_error(output, log_mel))
            self.assertAllEqual(errors, sorted(errors, reverse=True))
            self.assertLess(errors[-1], 0.4 * errors[0])

    def test_padding_frames_do_not_matter(self):
        log_mel = _log_mel(_clip())[:100]
        padded = np.pad(log_mel, ((0, 57), (0, 0)), constant_values=_PARAMS.log_floor)
        single, longer = _brief()(log_mel[np.newaxis])[0], _brief()(padded[np.newaxis])[0]
        self.assertAllClose(single[:15000], longer[:15000], atol=1e-3)
        self.assertNear(np.std(single[15000:]), np.std(longer[15000:16000]), 0.01)
        self.assertAllClose(longer[16400:], np.zeros_like(longer[16400:]), atol=1e-6)

    def test_blocks_join_unheard(self):
        log_mel = _log_mel(speech.read_clip())  # 368 frames
        whole = _aligned(_default()(log_mel[np.newaxis])[0].numpy())
        vocoder = griffin_lim.GriffinLim(_PARAMS, block_frames=120, overlap_frames=40)
        joined = _aligned(vocoder(log_mel[np.newaxis])[0].numpy())
        self.assertEqual(joined.shape, whole.shape)
        errors = [
            np.abs(_log_mel(waveform) - log_mel[: len(_log_mel(waveform))]).mean(axis=1)
            for waveform in (whole, joined)
        ]
        for first in (80, 160, 240):  # where the blocks overlap
            seam = slice(first, first + 40)
            self.assertLess(errors[1][seam].mean(), errors[0][seam].mean() + 0.005)
        self.assertLess(errors[1].mean(), errors[0].mean() + 0.005)

    def test_blocks_do_not_see_what_lies_far_behind(self):
        log_mel = _log_mel(speech.read_clip())
        vocoder = griffin_lim.GriffinLim(
            _PARAMS, num_iterations=4, block_frames=60, overlap_frames=20
        )
        whole = vocoder(np.stack([log_mel, log_mel - 1.0]))
        self.assertAllClose(whole[0], vocoder(log_mel[np.newaxis])[0], atol=1e-4)
        # 40 frames of stride: three blocks of the part are those of the whole, but for the fade
        part = vocoder(log_mel[np.newaxis, : 3 * 40 + 20])[0]
        self.assertAllClose(part[: 2 * 40 * 160], whole[0][: 2 * 40 * 160], atol=1e-4)

    def test_what_is_shorter_than_two_blocks_is_one(self):
        log_mel = _log_mel(_clip())[np.newaxis]
        for num_frames in (20, 60, 99):
            vocoder = griffin_lim.GriffinLim(
                _PARAMS, num_iterations=8, block_frames=60, overlap_frames=20
            )
            self.assertAllEqual(vocoder(log_mel[:, :num_frames]), _brief()(log_mel[:, :num_frames]))

    def test_spectral_convergence_falls(self):
        log_mel = _log_mel(_clip()[8000:24000])
        mel = np.exp(log_mel) - _PARAMS.log_offset
        distances = []
        for num_iterations in (0, 1, 2, 4, 8, 16, 32, 64):
            vocoder = griffin_lim.GriffinLim(_PARAMS, num_iterations=num_iterations)
            output = _aligned(vocoder(log_mel[np.newaxis])[0].numpy())
            again = np.exp(_log_mel(output)[: len(mel)]) - _PARAMS.log_offset
            distances.append(np.linalg.norm(again - mel) / np.linalg.norm(mel))
        # Momentum may step past the goal once, by a little.
        for before, after in zip(distances, distances[1:], strict=False):
            self.assertLess(after, 1.02 * before)
        self.assertLess(distances[-1], 0.5 * distances[0])

    def test_a_seed_is_repeatable(self):
        log_mel = _log_mel(_clip())[np.newaxis]
        first, again, other = (
            griffin_lim.GriffinLim(_PARAMS, num_iterations=2, seed=seed)(log_mel)
            for seed in (3, 3, 4)
        )
        self.assertAllEqual(first, again)
        self.assertNotAllClose(first, other, atol=1e-2)

    def test_magnitudes_fit_the_mel_as_well_as_nnls(self):
        matrix = features.mel_matrix(_PARAMS)
        speech_mel = np.exp(_log_mel(_clip())[40:60]) - _PARAMS.log_offset
        # No spectrum has a mel like this: neighbouring bands overlap.
        uneven_mel = np.random.default_rng(0).exponential(size=(20, 64)).astype(np.float32)
        for mel, num_steps in ((speech_mel, 20), (uneven_mel, 200)):
            magnitude = _default().mel_to_magnitude(mel[np.newaxis], num_steps=num_steps)[0].numpy()
            self.assertAllGreaterEqual(magnitude, 0.0)
            ours = np.linalg.norm(magnitude @ matrix - mel)
            best = np.linalg.norm([optimize.nnls(matrix.T, frame)[1] for frame in mel])
            self.assertLess(ours, 1.25 * best + 0.002 * np.linalg.norm(mel))

    def test_other_front_ends(self):
        params = features.LogMelParams(num_bands=40, hop_seconds=0.0125, log_offset=0.001)
        log_mel = features.waveform_to_log_mel(_clip(), params).numpy()
        output = vocoders.load_vocoder("griffin_lim", params)(log_mel[np.newaxis])[0].numpy()
        self.assertLen(output, len(log_mel) * 200)
        again = features.waveform_to_log_mel(np.pad(output, 100), params).numpy()
        self.assertLess(np.mean(np.abs(again - log_mel)), 0.15)

    def test_unusable_settings_are_refused(self):
        with self.assertRaisesRegex(ValueError, "must not be negative, got -1 and 0.99"):
            griffin_lim.GriffinLim(_PARAMS, num_iterations=-1)
        with self.assertRaisesRegex(ValueError, "overlap_frames is 40: expected 1 to a third of 9"):
            griffin_lim.GriffinLim(_PARAMS, block_frames=90, overlap_frames=40)
