"""Tasks are split as promised, and an encoder learns one and is written with its card."""

import collections
import hashlib
import json
import pathlib
import tempfile

import numpy as np
import soundfile
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.targets import classification, encoder, small_encoder_card, tasks

_TONES_HZ = {"low": 300.0, "high": 3000.0}


def _write_commands(folder: pathlib.Path, *, num_speakers: int) -> None:
    """Speech Commands of two "words", each a tone, in noise."""
    rng = np.random.default_rng(0)
    time = np.arange(16000) / 16000
    for word, hertz in _TONES_HZ.items():
        (folder / word).mkdir(parents=True)
        for number in range(num_speakers):
            speaker = hashlib.sha1(str(number).encode()).hexdigest()[:8]
            tone = 0.3 * np.sin(2 * np.pi * hertz * rng.uniform(0.8, 1.2) * time)
            waveform = tone + rng.normal(0, 0.02, 16000)
            soundfile.write(folder / word / f"{speaker}_nohash_0.wav", waveform, 16000)


class TasksTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_no_speaker_is_in_two_splits(self):
        _write_commands(self.folder, num_speakers=60)
        splits = collections.defaultdict(set)
        for clip in tasks.read_task("speech_commands", self.folder):
            splits[clip.path.name[:8]].add(clip.split)
        self.assertLen(splits, 60)
        self.assertEqual({len(split) for split in splits.values()}, {1})

    def test_the_corpus_own_lists_come_first(self):
        _write_commands(self.folder, num_speakers=3)
        names = sorted(path.name for path in (self.folder / "low").iterdir())
        (self.folder / "testing_list.txt").write_text(f"low/{names[0]}\n")
        (self.folder / "validation_list.txt").write_text(f"high/{names[1]}\n")
        clips = tasks.read_task("speech_commands", self.folder)
        split = {f"{clip.label}/{clip.path.name}": clip.split for clip in clips}
        self.assertEqual(split.pop(f"low/{names[0]}"), "test")
        self.assertEqual(split.pop(f"high/{names[1]}"), "validation")
        self.assertEqual(set(split.values()), {"train"})

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "tasks are: speech_commands"):
            tasks.read_task("birds", self.folder)
        with self.assertRaisesRegex(ValueError, "has no train or validation or test clips.*Warden"):
            tasks.read_task("speech_commands", self.folder)

    def test_masks_shift_and_gain_keep_the_range(self):
        log_mel = np.random.default_rng(0).uniform(-4, 3, (8, 98, 64)).astype(np.float32)
        patches = classification.LabelledPatches(log_mel, np.arange(8))
        config = classification.ClassifierConfig(batch_size=4)
        batches = classification.AugmentedPatches(patches, config)
        self.assertLen(batches, 2)
        augmented, labels = batches[0]
        self.assertEqual(augmented.shape, (4, 96, 64))
        self.assertAllInRange(augmented, features.LogMelParams().log_floor - 1e-3, 4.01)
        again, same_labels = batches[0]
        self.assertAllEqual(augmented, again)
        self.assertAllEqual(labels, same_labels)
        batches.on_epoch_end()
        self.assertNotAllClose(batches[0][0], augmented)

    def test_an_encoder_learns_and_is_loaded_back_as_a_target(self):
        _write_commands(self.folder / "data", num_speakers=60)
        clips = tasks.read_task("speech_commands", self.folder / "data")
        labels = ["high", "low"]
        splits = {
            split: classification.read_patches(clips, labels, split) for split in tasks.SPLITS
        }
        config = classification.ClassifierConfig(num_epochs=6, batch_size=16)
        model = classification.train_classifier(splits["train"], splits["validation"], 2, config)
        card = small_encoder_card.write_model(
            self.folder / "1",
            model,
            "speech_commands",
            labels,
            splits,
            config,
            provenance={"command": ["python", "train"]},
        )
        facts = json.loads((self.folder / "1" / "config.json").read_text())
        self.assertGreater(facts["test_accuracy"], 0.9)
        self.assertIn(facts["sha256"], card.read_text())
        self.assertIn(f"{facts['test_accuracy']:.1%}", card.read_text())
        target = encoder.load_target(
            "small_encoder/speech_commands", weights=str(self.folder / "1")
        )
        patches = classification.centre_patches(splits["test"])
        self.assertAllClose(target.model(patches)["layer_6"], model(patches)["layer_6"], atol=1e-4)
