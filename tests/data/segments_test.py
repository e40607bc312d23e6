"""Segments: log-mel and waveform belong together, wherever they are cut."""

import pathlib
import tempfile
from unittest import mock

import numpy as np
import soundfile
import tensorflow as tf

from tests import speech
from vggish_inversion import audio, features
from vggish_inversion.data import corpora, segments

_PARAMS = features.LogMelParams()


def _cache(folder: pathlib.Path, **transform) -> segments.SegmentCache:
    data_dir = folder / "LJSpeech-1.1"
    if not data_dir.is_dir():
        speech.write_ljspeech(data_dir, ["LJ001-0001", "LJ001-0002", "LJ050-0001"])
    utterances = corpora.read_corpus(data_dir)
    return segments.cache_segments(utterances, _PARAMS, folder / "cache", **transform)


class SegmentCacheTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_an_utterance_is_what_its_file_holds(self):
        cache = _cache(self.folder)
        for index, path in enumerate(sorted((self.folder / "LJSpeech-1.1/wavs").glob("*"))):
            natural = audio.read_audio(path)
            log_mel, waveform = cache.whole(index)
            self.assertAllClose(
                log_mel[0], features.waveform_to_log_mel(natural, _PARAMS), atol=3e-3
            )
            self.assertAllClose(waveform[0], natural[120 : 120 + waveform.shape[1]], atol=4e-5)

    def test_a_segment_is_aligned(self):
        cache = _cache(self.folder)
        log_mel, waveform = cache.random_segments(3, batch_size=8, segment_frames=20, seed=0)
        self.assertEqual((log_mel.shape, waveform.shape), ((8, 20, 64), (8, 3200)))
        # Frame i sees [160 i, 160 i + 400), and a segment's first sample is its frame's 120th.
        again = features.waveform_to_log_mel(np.pad(waveform, ((0, 0), (120, 120))), _PARAMS)
        self.assertAllClose(log_mel[:, 1:-1], again[:, 1:-1], atol=0.02)

    def test_a_batch_is_a_function_of_seed_and_step(self):
        cache = _cache(self.folder)
        settings = {"batch_size": 4, "segment_frames": 10}
        generated = segments.segment_batches(cache, seed=1, first_step=5, **settings)
        dataset = segments.segment_dataset(cache, seed=1, first_step=5, **settings)
        for step, own, tensors in zip((5, 6), generated, dataset, strict=False):
            for one, other in zip(own, tensors, strict=True):
                self.assertAllEqual(one, other)
            again = cache.random_segments(step, seed=1, **settings)
            self.assertAllEqual(own[0], again[0])
        others = cache.random_segments(5, seed=2, **settings)
        self.assertNotAllEqual(others[0], cache.random_segments(5, seed=1, **settings)[0])

    def test_every_place_is_drawn(self):
        cache = _cache(self.folder)
        num_places = int(np.sum(cache.lengths - 110))
        log_mel, _ = cache.random_segments(
            0, batch_size=60 * num_places, segment_frames=111, seed=0
        )
        firsts = {frame.tobytes() for frame in log_mel[:, 0]}
        self.assertLen(firsts, num_places)

    def test_a_transform_changes_the_log_mel_alone(self):
        true = _cache(self.folder)
        other = _cache(self.folder, transform=lambda log_mel, _: log_mel - 1.0, transform_name="a")
        self.assertAllClose(other.frames, np.asarray(true.frames) - 1.0, atol=4e-3)
        self.assertAllEqual(other.samples, true.samples)
        third = _cache(self.folder, transform=lambda log_mel, _: log_mel, transform_name="b")
        self.assertLen({true.fingerprint, other.fingerprint, third.fingerprint}, 3)

    def test_found_again(self):
        first = _cache(self.folder)
        with mock.patch.object(segments, "_write_cache", side_effect=AssertionError("read again")):
            self.assertAllEqual(_cache(self.folder).frames, first.frames)

    def test_other_recordings_under_the_old_names_are_read_anew(self):
        first = _cache(self.folder)
        speech.disturb(self.folder / "LJSpeech-1.1/wavs/LJ001-0002.wav")
        second = _cache(self.folder)
        self.assertNotEqual(second.fingerprint, first.fingerprint)
        self.assertAllEqual(second.whole(0)[1], first.whole(0)[1])
        self.assertNotAllClose(second.whole(1)[1], first.whole(1)[1], atol=0.1)

    def test_a_transform_has_a_name(self):
        with self.assertRaisesRegex(ValueError, "give transform_name="):
            _cache(self.folder, transform=lambda log_mel, _: log_mel)

    def test_unusable_recordings_are_left_out(self):
        whole = _cache(self.folder)
        soundfile.write(self.folder / "LJSpeech-1.1/wavs/LJ001-0002.wav", np.zeros(99), 16000)
        (self.folder / "LJSpeech-1.1/wavs/LJ050-0001.wav").write_text("no audio")
        rest = _cache(self.folder)
        self.assertLen(rest.lengths, 1)
        self.assertAllEqual(rest.whole(0)[1], whole.whole(0)[1])

    def test_nothing_to_cut(self):
        with self.assertRaisesRegex(corpora.CorpusError, "no recording has 9000 frames"):
            _cache(self.folder).random_segments(0, batch_size=1, segment_frames=9000, seed=0)

    def test_test_splits_are_not_trained_on(self):
        _cache(self.folder)
        data_dir = self.folder / "LJSpeech-1.1"
        caches = segments.cache_corpora([data_dir], _PARAMS, self.folder / "cache")
        self.assertEqual(sum(len(cache.lengths) for cache in caches.values()), 2)
