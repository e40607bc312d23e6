"""The cache holds what the front end computes, and batches depend on seed and step alone."""

import pathlib
import shutil
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf

from tests import speech
from vggish_inversion import audio, features
from vggish_inversion.data import corpora, heard, log_mel_cache

_PARAMS = features.LogMelParams()


class DataTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.utterances = corpora.read_corpus(speech.DEMO_SPEECH)
        cls.cache_dir = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.cache = log_mel_cache.cache_log_mel(cls.utterances, _PARAMS, cls.cache_dir)

    def _log_mels(self):
        return [
            np.asarray(features.waveform_to_log_mel(speech.read_clip(index), _PARAMS))
            for index in range(len(speech.CLIPS))
        ]

    def test_the_cache_holds_every_frame(self):
        expected = self._log_mels()
        self.assertAllEqual(self.cache.lengths, [len(log_mel) for log_mel in expected])
        self.assertAllClose(self.cache.frames, np.concatenate(expected), atol=4e-3)

    def test_a_second_call_reads_the_cache(self):
        folder = pathlib.Path(self.cache_dir) / self.cache.fingerprint
        written = (folder / "frames.f16").stat().st_mtime_ns
        again = log_mel_cache.cache_log_mel(self.utterances, _PARAMS, self.cache_dir)
        self.assertEqual(again.fingerprint, self.cache.fingerprint)
        self.assertEqual((folder / "frames.f16").stat().st_mtime_ns, written)

    def test_other_recordings_under_the_old_names_are_read_anew(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        data_dir = speech.write_ljspeech(folder / "lj", ["a", "b", "c"])
        first = log_mel_cache.cache_log_mel(corpora.read_corpus(data_dir), _PARAMS, folder)
        for path in sorted((data_dir / "wavs").glob("*"))[:2]:
            speech.disturb(path)
        second = log_mel_cache.cache_log_mel(corpora.read_corpus(data_dir), _PARAMS, folder)
        self.assertNotEqual(second.fingerprint, first.fingerprint)
        for index, changed in enumerate((True, True, False)):
            log_mels = [np.split(cache.frames, 3)[index] for cache in (first, second)]
            self.assertEqual(bool(np.abs(np.subtract(*log_mels)).max() > 1.0), changed)
        waveform = audio.read_audio(data_dir / "wavs" / "a.wav")
        expected = features.waveform_to_log_mel(waveform, _PARAMS)
        self.assertAllClose(np.split(second.frames, 3)[0], expected, atol=4e-3)

    def test_a_fingerprint_is_of_contents_and_order(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        here = corpora.read_corpus(speech.write_ljspeech(folder / "here", ["a", "b"]))
        shutil.copytree(folder / "here" / "wavs", folder / "there")
        (folder / "there" / "b.wav").rename(folder / "there" / "c.wav")
        there = corpora.read_corpus(folder / "there")
        name = heard.fingerprint(here, _PARAMS)
        self.assertEqual(heard.fingerprint(there, _PARAMS), name)
        others = [
            heard.fingerprint(here[::-1], _PARAMS),
            heard.fingerprint(here[:1], _PARAMS),
            heard.fingerprint(here, features.LogMelParams(log_offset=0.001)),
            heard.fingerprint([here[0], corpora.Utterance("no", folder / "no")], _PARAMS),
        ]
        self.assertLen({name, *others}, 5)

    def test_recordings_that_change_while_they_are_read(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        data_dir = speech.write_ljspeech(folder / "lj", ["a", "b"])
        read = log_mel_cache._write_cache

        def change(*arguments):
            read(*arguments)
            speech.disturb(data_dir / "wavs" / "a.wav")

        utterances = corpora.read_corpus(data_dir)
        with (
            mock.patch.object(log_mel_cache, "_write_cache", change),
            self.assertRaisesRegex(corpora.CorpusError, "were changed while they were read"),
        ):
            log_mel_cache.cache_log_mel(utterances, _PARAMS, folder / "cache")
        self.assertEmpty(list((folder / "cache").iterdir()))

    def test_patches_come_from_one_utterance_each(self):
        numbered = log_mel_cache.LogMelCache(
            np.repeat(np.arange(3), [100, 95, 130])[:, np.newaxis].astype(np.float16),
            np.array([100, 95, 130]),
            _PARAMS,
            "",
        )
        patches = numbered.random_patches(0, batch_size=4000, seed=0)
        self.assertAllEqual(patches.min(axis=1), patches.max(axis=1))
        # 5 places in the first, none in the second (too short), 35 in the third
        share = np.mean(patches[:, 0, 0] == 0)
        self.assertAllClose(share, 5 / 40, atol=0.02)
        self.assertNotIn(1, patches)

    def test_every_place_is_reached(self):
        ramp = np.arange(100, dtype=np.float16)[:, np.newaxis]
        cache = log_mel_cache.LogMelCache(ramp, np.array([100]), _PARAMS, "")
        starts = cache.random_patches(0, batch_size=500, seed=1)[:, 0, 0]
        self.assertEqual(set(starts), {0, 1, 2, 3, 4})

    def test_context_goes_on_with_the_ends_of_its_own_utterance(self):
        frames = np.concatenate([np.arange(100), 1000 + np.arange(200)])[:, np.newaxis]
        plain = log_mel_cache.LogMelCache(
            frames.astype(np.float16), np.array([100, 200]), _PARAMS, ""
        )
        wide = plain.with_context(48)
        for patches, windows in (
            (plain.grid_patches(), wide.grid_patches()),
            (plain.grid_patches(2), wide.grid_patches(2)),
            *[
                [cache.random_patches(step, batch_size=8, seed=1) for cache in (plain, wide)]
                for step in range(3)
            ],
        ):
            self.assertEqual(windows.shape[1:], (192, 1))
            self.assertAllEqual(features.without_context(windows, _PARAMS), patches)
            first = windows[:, 48, 0] // 1000 * 1000
            last = first + np.where(first > 0, 199, 99)
            expected = windows[:, 48:49, 0] + np.arange(-48, 144)
            expected = np.clip(expected, first[:, np.newaxis], last[:, np.newaxis])
            self.assertAllEqual(windows[:, :, 0], expected)
        # as the road cuts them
        starts = features.patch_starts(200, _PARAMS)
        cut = features.log_mel_to_patches(frames[100:], starts, _PARAMS, context_frames=48)
        self.assertAllEqual(wide.grid_patches()[1:], cut)

    def test_a_step_is_the_same_however_it_is_reached(self):
        whole = list(self.cache.batch_dataset(batch_size=3, seed=5).take(4))
        later = self.cache.batch_dataset(batch_size=3, seed=5, first_step=2)
        self.assertAllEqual(list(later.take(2)), whole[2:])
        plain = self.cache.batches(batch_size=3, seed=5)
        self.assertAllEqual([next(plain) for _ in range(4)], whole)
        other = self.cache.random_patches(0, batch_size=3, seed=6)
        self.assertNotAllClose(other, whole[0])

    def test_grid_patches_lie_side_by_side(self):
        grid = self.cache.grid_patches()
        self.assertLen(grid, self.cache.num_patches)
        self.assertAllClose(grid[0], self._log_mels()[0][:96], atol=4e-3)
        self.assertLen(self.cache.grid_patches(3), 3)

    def test_a_small_folder_gets_a_validation_split(self):
        caches = log_mel_cache.cache_corpora([speech.DEMO_SPEECH], _PARAMS, self.cache_dir)
        num_train = len(corpora.read_corpus(speech.DEMO_SPEECH, split="train"))
        self.assertEqual(len(caches["train"].lengths) + 1, num_train)
        self.assertLen(caches["validation"].lengths, 1)
        self.assertNotEqual(caches["train"].fingerprint, caches["validation"].fingerprint)

    def test_bad_recordings_are_left_out_and_named(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder) / "bad.wav"
            bad.write_text("this is text")
            short = speech.write_ljspeech(pathlib.Path(folder) / "lj", ["x"], num_samples=15000)
            utterances = [
                corpora.Utterance("bad", bad),
                corpora.Utterance("short", short / "wavs" / "x.wav"),
                self.utterances[0],
            ]
            with self.assertLogs(level="WARNING") as logs:
                cache = log_mel_cache.cache_log_mel(utterances, _PARAMS, folder)
            self.assertLen(cache.lengths, 1)
            text = "\n".join(logs.output)
            self.assertIn("bad.wav", text)
            self.assertIn("0.94 s is too short; one patch needs 0.975 s", text)
            with self.assertRaisesRegex(corpora.CorpusError, "none of the 2 recordings"):
                log_mel_cache.cache_log_mel(utterances[:2], _PARAMS, folder)
