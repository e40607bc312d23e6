"""Shards hold what the cache holds, and their batches depend on seed and step alone."""

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tensorflow as tf

from tests import speech
from vggish_inversion import features
from vggish_inversion.data import corpora, log_mel_cache, seeds, shards, training_data
from vggish_inversion.inverters import training
from vggish_inversion.targets import loading

_PARAMS = features.LogMelParams()


class RecordsTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        utterances = corpora.read_corpus(speech.DEMO_SPEECH)
        cls.split = {"train": utterances[:6], "validation": utterances[6:]}
        cls.written = training_data.write_dataset(
            cls.split, _PARAMS, cls.folder / "shards", utterances_per_shard=2
        )
        cls.caches = {
            split: log_mel_cache.cache_log_mel(items, _PARAMS, cls.folder / "cache")
            for split, items in cls.split.items()
        }

    def _read(self) -> dict[str, shards.LogMelRecords]:
        return training_data.read_dataset(self.folder / "shards", _PARAMS)

    def test_shards_hold_what_the_cache_holds(self):
        self.assertEqual(self.written, {"train": 6, "validation": 3})
        splits = self._read()
        self.assertEqual([len(splits[name].shards) for name in splits], [3, 2])
        for split, cache in self.caches.items():
            self.assertEqual(splits[split].num_patches, cache.num_patches)
            self.assertEqual(splits[split].fingerprint, cache.fingerprint)
            self.assertAllEqual(splits[split].grid_patches(), cache.grid_patches())

    def test_a_limited_grid_is_spread_as_the_cache_spreads_it(self):
        # frames are numbered through: a patch's first value says where it lies
        lengths = np.array([200, 96, 700, 150, 290])
        frames = np.split(np.arange(lengths.sum()), np.cumsum(lengths)[:-1])
        for hop in (96, 48):
            params = features.LogMelParams(num_bands=1, patch_hop_frames=hop)
            records = self._write_records(f"spread_{hop}", [frames[:2], frames[2:]], params)
            cache = log_mel_cache.LogMelCache(
                np.concatenate(frames)[:, np.newaxis].astype(np.float16), lengths, params, ""
            )
            everything = records.grid_patches()[:, 0, 0]
            for limit in (1, 2, 5, 9, len(everything) - 1, len(everything), 999):
                spread = records.grid_patches(limit)
                self.assertAllEqual(spread, cache.grid_patches(limit))
                self.assertLen(spread, min(limit, len(everything)))
            # by hand: a limit of half sees both ends, and gaps of at most three patches
            half = records.grid_patches(len(everything) // 2)[:, 0, 0]
            self.assertEqual((half[0], half[-1]), (everything[0], everything[-1]))
            self.assertLessEqual(np.diff(np.searchsorted(everything, half)).max(), 3)

    def test_both_starts_of_an_utterance_one_frame_longer_than_a_patch_are_drawn(self):
        params = features.LogMelParams(num_bands=1)
        records = self._write_records("ends", [[np.arange(97), 1000 + np.arange(96)]], params)
        batches = records.batches(batch_size=2, seed=0)
        drawn = [next(batches)[:, 0, 0] for _ in range(40)]
        self.assertEqual(set(np.concatenate(drawn)), {0.0, 1.0, 1000.0})

    def test_every_start_is_drawn_and_the_last_as_often_as_the_others(self):
        params = features.LogMelParams(num_bands=1)
        records = self._write_records("places", [[np.arange(100)]], params)
        batches = records.batches(batch_size=1, seed=1)
        starts = [int(next(batches)[0, 0, 0]) for _ in range(600)]
        counts = np.bincount(starts, minlength=5)
        self.assertLen(counts, 5)
        self.assertAllClose(counts / 600, np.full(5, 0.2), atol=0.06)  # 3.7 deviations

    def test_passes_and_seeds_have_nothing_in_common(self):
        seen = {}
        for seed in (*range(6), 2**31 - 1, 2**31, 2**40):
            for number in range(8):
                for kind, stream in enumerate(seeds.of_pass(seed, number)):
                    for index in range(3):
                        key = tuple(seeds.fold_in(stream, index).numpy())
                        self.assertNotIn(key, seen, (seed, number, kind, index))
                        seen[key] = (seed, number, kind, index)
        # no half of a seed may be all that differs: what is drawn must differ, too
        params = features.LogMelParams(num_bands=1)
        records = self._write_records("passes", [[np.arange(10 * 96)] * 3], params)
        passes = {}
        for seed in range(3):
            for number in range(3):
                dataset = records.batch_dataset(batch_size=30, seed=seed, first_step=number)
                starts = tuple(sorted(next(iter(dataset)).numpy()[:, 0, 0]))
                self.assertNotIn(starts, passes, (seed, number))
                passes[starts] = (seed, number)

    def test_each_pass_shuffles_anew_whatever_seed_the_program_has_set(self):
        params = features.LogMelParams(num_bands=1)
        utterances = [100 * i + np.zeros(96) for i in range(20)]
        records = self._write_records("order", [utterances], params)
        order = []
        for program_seed in (None, 0, 7):
            if program_seed is not None:
                tf.random.set_seed(program_seed)
            batches = records.batches(batch_size=20, seed=0)
            order.append([next(batches)[:, 0, 0] for _ in range(3)])
        self.assertAllEqual(order[0], order[1])
        self.assertAllEqual(order[0], order[2])
        one, two, three = order[0]
        self.assertAllEqual(np.sort(one), np.sort(two))
        self.assertNotAllEqual(one, two)
        self.assertNotAllEqual(two, three)

    def test_shards_that_lost_records_are_noticed(self):
        params = features.LogMelParams(num_bands=1)
        records = self._write_records("lost", [[np.arange(200)], [np.arange(200)]], params)
        less = dataclasses.replace(records, shards=records.shards[:1])
        for limit in (None, 2):
            with self.assertRaisesRegex(corpora.CorpusError, "holds 2 patches, .* says 4"):
                less.grid_patches(limit)

    def _write_records(self, name, shard_frames, params) -> shards.LogMelRecords:
        """Shards of log-mels of one band, written here and not by the package."""
        paths, num_patches = [], 0
        for number, utterances in enumerate(shard_frames):
            paths.append(self.folder / f"{name}-{number}")
            with tf.io.TFRecordWriter(str(paths[-1])) as writer:
                for values in utterances:
                    content = np.asarray(values, np.float16).tobytes()
                    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
                    features_ = tf.train.Features(feature={"log_mel": feature})
                    writer.write(tf.train.Example(features=features_).SerializeToString())
                    num_patches += len(values) // params.patch_frames
        return shards.LogMelRecords(tuple(paths), params, "", num_patches)

    def test_context(self):
        train, cache = self._read()["train"], self.caches["train"]
        wide = train.with_context(48)
        self.assertAllEqual(wide.grid_patches(), cache.with_context(48).grid_patches())
        place = {"batch_size": 4, "seed": 3}
        for patches, windows in zip(
            train.batch_dataset(**place).take(3), wide.batch_dataset(**place).take(3), strict=True
        ):
            self.assertEqual(windows.shape, (4, 192, 64))
            self.assertAllEqual(features.without_context(windows, _PARAMS), patches)

    def test_every_patch_is_cut_from_an_utterance(self):
        train, cache = self._read()["train"], self.caches["train"]
        batches = list(train.batch_dataset(batch_size=4, seed=3).take(3))
        frames = {bytes(frame) for frame in np.asarray(cache.frames)}
        for batch in batches:
            self.assertEqual(batch.shape, (4, 96, 64))
            self.assertEqual(batch.dtype, tf.float32)
            for frame in batch.numpy().astype(np.float16).reshape(-1, 64)[::7]:
                self.assertIn(bytes(frame), frames)

    def test_a_step_is_the_same_however_it_is_reached(self):
        train = self._read()["train"]
        steps_per_pass = train.num_patches // 4
        count = 2 * steps_per_pass + 2
        whole = list(train.batch_dataset(batch_size=4, seed=5).take(count))
        for first in (1, steps_per_pass, steps_per_pass + 1):
            later = train.batch_dataset(batch_size=4, seed=5, first_step=first)
            self.assertAllEqual(list(later.take(count - first)), whole[first:])
        arrays = train.batches(batch_size=4, seed=5)
        self.assertAllEqual(next(arrays), whole[0])
        self.assertNotAllClose(whole[0], whole[steps_per_pass])  # every pass cuts elsewhere
        other = next(iter(train.batch_dataset(batch_size=4, seed=6)))
        self.assertNotAllClose(whole[0], other)

    def test_an_inverter_learns_from_shards(self):
        target = loading.load_target("small_encoder/speech_commands", weights="untrained")
        splits = training_data.read_training_data(
            [self.folder / "shards"], target.log_mel, "unused"
        )
        config = training.TrainConfig(num_epochs=3, batch_size=4)
        run_dir = self.folder / "run"
        training.train_inverter(target, "layer_0", config, **splits, run_dir=run_dir, settings={})
        rows = (run_dir / "history.csv").read_text().splitlines()[1:]
        losses = [float(row.split(",")[2]) for row in rows]
        self.assertLess(losses[-1], losses[0])

    def test_an_index_tells_other_recordings_from_these(self):
        data_dir = speech.write_ljspeech(self.folder / "lj", ["a", "b"])
        index = []
        for name in ("before", "after"):
            split = {"train": corpora.read_corpus(data_dir)}
            training_data.write_dataset(split, _PARAMS, self.folder / name)
            index.append(training_data.read_dataset(self.folder / name, _PARAMS)["train"])
            speech.disturb(data_dir / "wavs" / "b.wav")
        self.assertNotEqual(index[0].fingerprint, index[1].fingerprint)

    def test_unusable_folders(self):
        with self.assertRaisesRegex(FileExistsError, "give a new --output_dir"):
            training_data.write_dataset(self.split, _PARAMS, self.folder / "shards")
        with self.assertRaisesRegex(corpora.CorpusError, "prepare it with the same --target"):
            training_data.read_dataset(
                self.folder / "shards", features.LogMelParams(log_offset=0.001)
            )
        damaged = self.folder / "damaged"
        damaged.mkdir()
        index = json.loads((self.folder / "shards" / training_data.INDEX_FILE).read_text())
        (damaged / training_data.INDEX_FILE).write_text(json.dumps(index))
        with self.assertRaisesRegex(corpora.CorpusError, "lacks .*00000.tfrecord"):
            training_data.read_dataset(damaged, _PARAMS)
        (damaged / training_data.INDEX_FILE).write_text("[1]")
        with self.assertRaisesRegex(corpora.CorpusError, "is not the index of shards"):
            training_data.read_dataset(damaged, _PARAMS)

    def test_bytes_that_flipped_are_noticed(self):
        folder = self.folder / "flipped"
        training_data.write_dataset(self.split, _PARAMS, folder)
        shard = folder / "train" / "00000.tfrecord"
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
        train = training_data.read_dataset(folder, _PARAMS)["train"]
        for read in (train.grid_patches, lambda: list(train.batches(batch_size=4, seed=0))):
            with self.assertRaisesRegex(corpora.CorpusError, "00000.tfrecord: damaged at or after"):
                read()


_MEMORY = """
import resource, sys
import numpy as np, tensorflow as tf
from vggish_inversion import features
from vggish_inversion.data import shards

params = features.LogMelParams()
shard, copies = sys.argv[1], int(sys.argv[2])
train = shards.LogMelRecords((shard,) * copies, params, "", copies * 400)
for _ in train.batch_dataset(batch_size=64, seed=0).take(6 * copies):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    noise = np.random.default_rng(0).normal(size=(400 * 96, 64)).astype(np.float16)
    with tf.io.TFRecordWriter(str(tmp_path / "shard")) as writer:
        for log_mel in np.split(noise, 40):
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[log_mel.tobytes()]))
            features_ = tf.train.Features(feature={"log_mel": feature})
            writer.write(tf.train.Example(features=features_).SerializeToString())
    megabytes = []
    for copies in (120, 360):  # 590 MB, which fills every buffer; 1.8 GB
        command = [sys.executable, "-c", _MEMORY, str(tmp_path / "shard"), str(copies)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        megabytes.append(int(output.split()[-1]))
    assert megabytes[1] < megabytes[0] + 250, megabytes  # of 1,180 MB more
