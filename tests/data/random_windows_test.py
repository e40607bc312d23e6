"""What networks of waveforms train on: windows and the log-mel in them belong together."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from tests import speech
from vggish_inversion import audio, features
from vggish_inversion.data import corpora, log_mel_cache, random_windows, training_data

_SOURCE = features.SampleWindows(8000, 4000)  # 48 frames


class RandomWindowsTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.utterances = [corpora.Utterance(path.stem, path, "", "") for path in speech.CLIPS[:3]]
        cls.cache = log_mel_cache.cache_log_mel(cls.utterances, _SOURCE, cls.folder / "cache")

    def _log_mel(self, window: np.ndarray) -> np.ndarray:
        waveform = audio.resample(window, from_hz=8000, to_hz=16000)
        return features.waveform_to_log_mel(waveform, _SOURCE.log_mel).numpy()

    def test_patches_are_of_their_windows(self):
        """Up to a sample at 16 kHz, and to what resampling a window alone does at its ends."""
        windows, patches = self.cache.random_patches(0, batch_size=4, seed=0)
        self.assertEqual((windows.shape, patches.shape), ((4, 4000), (4, 48, 64)))
        for window, patch in zip(windows, patches, strict=True):
            made = self._log_mel(window)
            self.assertLess(np.abs(made[2:-2, :40] - patch[2:-2, :40]).mean(), 0.05)
            shifted = self._log_mel(np.roll(window, 400))
            self.assertGreater(np.abs(shifted[2:-2, :40] - patch[2:-2, :40]).mean(), 0.2)

    def test_samples_are_those_of_the_recordings(self):
        windows, _ = self.cache.grid_patches()
        first = audio.read_audio(self.utterances[0].path, sample_rate_hz=8000)
        self.assertAllClose(windows[0], first[:4000], atol=1 / 32768)
        self.assertAllClose(windows[1], first[3840:7840], atol=1 / 32768)  # 48 frames on
        wide, _ = self.cache.with_context(24).grid_patches()
        self.assertAllEqual(wide[1][1920:5920], windows[1])
        self.assertAllEqual(wide[0][:1920], np.zeros(1920))

    def test_a_step_has_its_batch_in_every_form(self):
        place = {"batch_size": 3, "seed": 5, "first_step": 2}
        here = self.cache.random_patches(2, batch_size=3, seed=5)
        batches = next(self.cache.batches(**place))
        dataset = next(iter(self.cache.batch_dataset(**place)))
        for form in (batches, dataset):
            for part, other in zip(here, form, strict=True):
                self.assertAllEqual(part, other)

    def test_shards_have_the_same_windows(self):
        folder = self.folder / "shards"
        splits = {"train": self.utterances[:2], "validation": self.utterances[2:]}
        training_data.write_dataset(splits, _SOURCE, folder)
        shards = training_data.read_dataset(folder, _SOURCE)["train"].with_context(24)
        cache = log_mel_cache.cache_log_mel(splits["train"], _SOURCE, self.folder / "cache")
        expected = cache.with_context(24).grid_patches()
        for part, other in zip(expected, shards.grid_patches(), strict=True):
            self.assertAllEqual(part, other)
        windows, patches = next(iter(shards.batch_dataset(batch_size=4, seed=0)))
        self.assertEqual((windows.shape, patches.shape), ((4, 4000 + 3840), (4, 48, 64)))
        made = self._log_mel(windows[0].numpy()[1920:5920])
        self.assertLess(np.abs(made[2:-2, :40] - patches[0][2:-2, :40]).mean(), 0.05)
        with self.assertRaisesRegex(corpora.CorpusError, "this target needs LogMelParams"):
            training_data.read_dataset(folder, features.LogMelParams())

    def test_other_windows_are_another_cache(self):
        other = features.SampleWindows(8000, 4800)
        cache = log_mel_cache.cache_log_mel(self.utterances[:1], other, self.folder / "cache")
        same = log_mel_cache.cache_log_mel(self.utterances[:1], _SOURCE, self.folder / "cache")
        self.assertNotEqual(cache.fingerprint, same.fingerprint)

    def test_sixteen_bits_come_back(self):
        samples = np.array([-32768, -1, 0, 1, 32767], np.int16)
        self.assertAllEqual(random_windows.to_int16(random_windows.to_float(samples)), samples)
        self.assertAllEqual(random_windows.to_int16(np.array([-1.5, 1.5])), [-32768, 32767])


if __name__ == "__main__":
    tf.test.main()
