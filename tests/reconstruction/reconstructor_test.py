"""A reconstruction is as long as its original and aligned with it, patch borders included."""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from tests import speech
from vggish_inversion import audio, features, metrics, reconstruction, vocoders
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap

_PARAMS = features.LogMelParams()


def _transparent_target() -> encoder.TargetEncoder:
    """A target that forgets nothing, so that its inverter can be exact."""
    patches = keras.Input((96, 64))
    same = keras.layers.Rescaling(1.0, name="same")(patches)
    taps = (Tap("same", (96, 64), "linear"),)
    return encoder.TargetEncoder(
        "transparent", keras.Model(patches, {"same": same}), taps, front_end=_PARAMS
    )


def _exact_inverter() -> keras.Model:
    embedding = keras.Input((96, 64))
    return keras.Model(embedding, keras.layers.Rescaling(0.1)(embedding))


class ReconstructorTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reconstructor = reconstruction.Reconstructor(
            _transparent_target(),
            {"exact": ("same", _exact_inverter())},
            vocoders.load_vocoder("griffin_lim", _PARAMS),
        )

    def test_an_exact_inverter_gives_back_the_log_mel(self):
        for num_samples in (_PARAMS.patch_samples, 30000, 47123):
            waveform = speech.read_clip()[:num_samples]
            log_mel = self.reconstructor.log_mel(waveform)
            inverted = self.reconstructor.invert(log_mel)["exact"]
            self.assertAllClose(inverted, log_mel, atol=1e-4)

    def test_overlapping_patches_cross_fade_to_the_same(self):
        log_mel = self.reconstructor.log_mel(speech.read_clip())
        for hop in (48, 24, 7):
            overlapping = reconstruction.Reconstructor(
                _transparent_target(),
                {"exact": ("same", _exact_inverter())},
                vocoders.load_vocoder("griffin_lim", _PARAMS),
                patch_hop_frames=hop,
            )
            self.assertAllClose(overlapping.invert(log_mel)["exact"], log_mel, atol=1e-4)

    def test_patches_that_leave_gaps_are_refused(self):
        with self.assertRaisesRegex(ValueError, "97 frames apart leave gaps; expected 1 to 96"):
            reconstruction.Reconstructor(
                _transparent_target(), {}, lambda log_mel: log_mel, patch_hop_frames=97
            )

    def test_length_and_alignment(self):
        waveform = speech.read_clip()
        for num_samples in (_PARAMS.patch_samples, 20001, len(waveform)):
            result = self.reconstructor(waveform[:num_samples])
            self.assertEqual(set(result), {"true_log_mel", "exact"})
            for rendering in result.values():
                self.assertEqual(rendering.waveform.shape, (num_samples,))
        self.assertGreater(metrics.stoi(waveform, result["exact"].waveform), 0.75)
        # shifted by half a frame more it would fit less well
        envelope = [
            np.convolve(np.abs(x), np.ones(160) / 160, "same")
            for x in (waveform, result["exact"].waveform)
        ]
        lags = range(-400, 401, 40)
        fit = [np.dot(envelope[0][400:-400], np.roll(envelope[1], lag)[400:-400]) for lag in lags]
        self.assertLessEqual(abs(lags[int(np.argmax(fit))]), 80)

    def test_a_click_stays_at_its_sample(self):
        places = np.array([2003, 4111, 6250, 8299, 10333, 12480, 14569, 16611])
        waveform = np.zeros(20000, np.float32)
        waveform[places] = 0.9
        for rendering in self.reconstructor(waveform).values():
            power = np.square(rendering.waveform.astype(np.float64))
            around = np.arange(-300, 301)
            offsets = [np.average(around, weights=power[place + around]) for place in places]
            # Phases are guessed, so that each click is smeared: but over its own place.
            self.assertLess(np.abs(offsets).max(), 25)
            self.assertLess(abs(np.mean(offsets)), 10)

    def test_a_clip_shorter_than_a_patch_is_refused(self):
        with self.assertRaisesRegex(ValueError, "0.97 s is too short; one patch needs 0.975 s"):
            self.reconstructor(np.zeros(_PARAMS.patch_samples - 1, np.float32))

    def test_silence_stays_silent(self):
        result = self.reconstructor(np.zeros(20000, np.float32))["exact"]
        self.assertAllInRange(result.waveform, -1e-3, 1e-3)


class ReconstructFilesTest(tf.test.TestCase):
    def test_subfolders_are_kept_and_clashes_named(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "in" / "sub").mkdir(parents=True)
            waveform = speech.read_clip()[:20000]
            for relative in ("a.wav", "sub/b.wav"):
                audio.write_wav(folder / "in" / relative, waveform)
            (folder / "in" / "a.flac").write_bytes(speech.CLIPS[0].read_bytes())
            inputs = reconstruction.find_inputs([folder / "in", folder / "absent.wav"])
            reconstructor = reconstruction.Reconstructor(
                _transparent_target(),
                {"exact": ("same", _exact_inverter())},
                vocoders.load_vocoder("griffin_lim", _PARAMS),
            )
            statuses = reconstruction.reconstruct_files(
                inputs, reconstructor, "exact", folder / "out"
            )
            made = sorted(
                path.relative_to(folder / "out").as_posix()
                for path in (folder / "out").rglob("*.wav")
            )
            self.assertEqual(made, ["a.wav", "sub/b.wav"])
            self.assertEqual(statuses[0], "ok")
            self.assertIn("a.wav was already made from", statuses[1])
            self.assertIn("absent.wav", statuses[3])
            lines = (folder / "out" / "reconstruct.csv").read_text().splitlines()
            self.assertLen(lines, 5)
