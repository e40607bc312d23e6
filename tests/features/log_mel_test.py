"""The front end against an independent numpy version, written from the published description."""

import dataclasses
import pathlib
import subprocess
import sys

import numpy as np
import tensorflow as tf
from scipy import signal

from vggish_inversion import audio, features

_PARAMS = features.LogMelParams()
_SPEECH = pathlib.Path(__file__).parents[2] / "scripts" / "demo_speech"


def reference_log_mel(waveform: np.ndarray, *, log_offset: float = 0.01) -> np.ndarray:
    """VGGish's log-mel in float64, frame by frame and filter by filter."""
    window = signal.get_window("hann", 400, fftbins=True)
    starts = range(0, len(waveform) - 400 + 1, 160)
    frames = np.array([waveform[start : start + 400] * window for start in starts])
    magnitude = np.abs(np.fft.rfft(frames.astype(np.float64), 512))

    def mel(hertz):
        return 1127.0 * np.log(1.0 + hertz / 700.0)

    edges = np.linspace(mel(125.0), mel(7500.0), 66)
    filters = np.zeros((257, 64))
    for bin_index in range(1, 257):
        position = mel(bin_index * 8000.0 / 256)
        for band in range(64):
            low, centre, high = edges[band : band + 3]
            slope = min((position - low) / (centre - low), (high - position) / (high - centre))
            filters[bin_index, band] = max(0.0, slope)
    return np.log(magnitude @ filters + log_offset)


def _waveforms() -> dict[str, np.ndarray]:
    time = np.arange(24000) / 16000
    clip = audio.read_audio(sorted(_SPEECH.glob("*.flac"))[0])
    return {
        "sine": np.sin(2 * np.pi * 1000 * time).astype(np.float32),
        "noise": np.random.default_rng(0).uniform(-1, 1, 24000).astype(np.float32),
        "silence": np.zeros(24000, np.float32),
        "speech": clip,
    }


class LogMelTest(tf.test.TestCase):
    def test_equals_the_reference(self):
        for name, waveform in _waveforms().items():
            with self.subTest(name):
                log_mel = features.waveform_to_log_mel(waveform, _PARAMS)
                self.assertAllClose(log_mel, reference_log_mel(waveform), rtol=1e-4, atol=1e-4)

    def test_another_offset(self):
        waveform = _waveforms()["speech"]
        params = dataclasses.replace(_PARAMS, log_offset=0.001)
        expected = reference_log_mel(waveform, log_offset=0.001)
        log_mel = features.waveform_to_log_mel(waveform, params)
        self.assertAllClose(log_mel, expected, rtol=1e-4, atol=1e-3)

    def test_silence_is_the_floor(self):
        log_mel = features.waveform_to_log_mel(np.zeros(16000, np.float32), _PARAMS)
        self.assertAllClose(log_mel, np.full((98, 64), np.log(0.01)), rtol=1e-6)
        self.assertAlmostEqual(_PARAMS.log_floor, np.log(0.01))

    def test_batches_and_graphs_change_nothing(self):
        waveform = _waveforms()["noise"]
        eager = features.waveform_to_log_mel(waveform, _PARAMS)
        batch = tf.function(features.waveform_to_log_mel)(np.stack([waveform, -waveform]), _PARAMS)
        self.assertAllClose(batch, [eager, eager], rtol=1e-5, atol=1e-5)

    def test_number_of_frames(self):
        for num_samples in (0, 399, 400, 559, 560, 15600, 16000):
            log_mel = features.waveform_to_log_mel(np.zeros(num_samples, np.float32), _PARAMS)
            self.assertEqual(_PARAMS.num_frames(num_samples), log_mel.shape[0], num_samples)
        self.assertEqual(_PARAMS.num_frames(_PARAMS.patch_samples), 96)
        self.assertEqual(_PARAMS.num_frames(_PARAMS.patch_samples - 1), 95)

    def test_the_matrix_is_tensorflows_own(self):
        expected = tf.signal.linear_to_mel_weight_matrix(64, 257, 16000, 125.0, 7500.0)
        self.assertAllClose(features.mel_matrix(_PARAMS), expected, atol=2e-5)


class PatchesTest(tf.test.TestCase):
    def test_published_patches_drop_the_rest(self):
        log_mel = np.random.default_rng(0).normal(size=(300, 64)).astype(np.float32)
        starts = features.patch_starts(300, _PARAMS)
        patches = features.log_mel_to_patches(log_mel, starts, _PARAMS)
        self.assertAllEqual(patches, log_mel[:288].reshape(3, 96, 64))

    def test_dense_patches_are_a_sliding_window(self):
        log_mel = np.random.default_rng(2).normal(size=(150, 64)).astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(log_mel, 96, axis=0)
        windows = np.swapaxes(windows, 1, 2)  # the view puts the window last
        for hop_frames in (1, 7, 48, 200):
            starts = features.patch_starts(150, _PARAMS, hop_frames=hop_frames)
            patches = features.log_mel_to_patches(log_mel, starts, _PARAMS)
            self.assertAllEqual(patches, windows[::hop_frames])
        params = dataclasses.replace(_PARAMS, patch_hop_frames=7)  # as a target may declare
        self.assertAllEqual(features.patch_starts(150, params), np.arange(0, 55, 7))

    def test_round_trip(self):
        for num_frames in (96, 97, 191, 192, 300):
            for hop_frames in (96, 48, 24):
                with self.subTest(num_frames=num_frames, hop_frames=hop_frames):
                    log_mel = np.random.default_rng(1).normal(size=(num_frames, 64))
                    log_mel = log_mel.astype(np.float32)
                    starts = features.covering_patch_starts(
                        num_frames, _PARAMS, hop_frames=hop_frames
                    )
                    patches = features.log_mel_to_patches(log_mel, starts, _PARAMS)
                    joined = features.patches_to_log_mel(patches, starts, _PARAMS)
                    self.assertAllClose(joined, log_mel, atol=1e-5)

    def test_overlapping_patches_cross_fade(self):
        starts = features.covering_patch_starts(120, _PARAMS)
        self.assertAllEqual(starts, [0, 24])
        patches = np.stack([np.zeros((96, 64)), np.ones((96, 64))]).astype(np.float32)
        joined = features.patches_to_log_mel(patches, starts, _PARAMS).numpy()[:, 0]
        self.assertAllEqual(joined[:24], np.zeros(24))
        self.assertAllEqual(joined[96:], np.ones(24))
        self.assertAllGreater(np.diff(joined[24:96]), 0.0)

    def test_a_short_clip_has_none(self):
        self.assertEqual(len(features.covering_patch_starts(95, _PARAMS)), 0)

    def test_scale_and_back(self):
        log_mel = np.linspace(-4.6, 5.0, 50).astype(np.float32)
        scaled = features.scale_log_mel(log_mel)
        self.assertAllInRange(scaled, -1.0, 1.0)
        self.assertAllClose(features.unscale_log_mel(scaled), log_mel, rtol=1e-6)


def test_parameters_need_no_tensorflow():
    code = (
        "import sys; from vggish_inversion import features;"
        "features.mel_matrix(features.LogMelParams()); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
