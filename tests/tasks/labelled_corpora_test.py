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
from vggish_inversion.data import matching, recordings
from vggish_inversion.files import hub
from vggish_inversion.targets import loading
from vggish_inversion.tasks import card as small_encoder_card
from vggish_inversion.tasks import classification, labelled_corpora

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


def _touch(folder: pathlib.Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


class LayoutsTest(tf.test.TestCase):
    """Every official corpus is read as it is laid out, with its own split."""

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def _clips(self, task):
        return {
            clip.path.relative_to(self.folder).as_posix(): (clip.label, clip.split)
            for clip in labelled_corpora.TASKS[task].read_clips(
                recordings.walk(self.folder), matching.Tally()
            )
        }

    def test_librispeech(self):
        names = [f"train-clean-100/{s}/7/{s}-7-{n:04}.flac" for s in (19, 26) for n in range(40)]
        _touch(self.folder, *names, "dev-clean/84/1/84-1-0000.flac", "notes/a/b/c.flac")
        clips = self._clips("speaker_id")
        self.assertCountEqual(clips, names)
        for speaker in ("19", "26"):
            splits = {split for label, split in clips.values() if label == speaker}
            self.assertEqual(splits, set(labelled_corpora.SPLITS))

    def test_common_voice_by_speaker_or_by_its_own_lists(self):
        rows = [(f"client{n // 3}", f"clip{n}.mp3") for n in range(90)]
        _touch(self.folder, *(f"de/clips/{name}" for _, name in rows))
        head = "client_id\tpath\tsentence\n"
        table = head + "".join(f'{client}\t{name}\t"Wer?\n' for client, name in rows)
        (self.folder / "de" / "validated.tsv").write_text(table)
        by_speaker = collections.defaultdict(set)
        clips = self._clips("language_id")
        for client, name in rows:
            label, split = clips[f"de/clips/{name}"]
            self.assertEqual(label, "de")
            by_speaker[client].add(split)
        self.assertEqual({len(splits) for splits in by_speaker.values()}, {1})
        for split, number in (("train", 0), ("dev", 1), ("test", 2)):
            (self.folder / "de" / f"{split}.tsv").write_text(
                head + f"client{number}\tclip{3 * number}.mp3\tWer?\n"
            )
        self.assertEqual(
            self._clips("language_id"),
            {
                "de/clips/clip0.mp3": ("de", "train"),
                "de/clips/clip3.mp3": ("de", "validation"),
                "de/clips/clip6.mp3": ("de", "test"),
            },
        )

    def test_voxforge_by_speaker(self):
        names = [f"ru/anna-2008{n:04}-abc/wav/ru_{n}.wav" for n in range(9)]
        _touch(self.folder, *names, "ru/anna-20080000-abc/etc/README")
        clips = self._clips("language_id")
        self.assertCountEqual(clips, names)
        self.assertLen(set(clips.values()), 1)

    def test_tut_urban_acoustic_scenes(self):
        trained = [f"audio/park-lyon-{n}.wav" for n in range(60)]
        (self.folder / "evaluation_setup").mkdir()
        (self.folder / "meta.csv").write_text(
            "filename\tscene_label\tidentifier\tsource_label\n"
            + "".join(f"{name}\tpark\tlyon-{n // 4}\ta\n" for n, name in enumerate(trained))
        )
        setup = self.folder / "evaluation_setup"
        (setup / "fold1_train.txt").write_text("".join(f"{name}\tpark\n" for name in trained))
        (setup / "fold1_evaluate.txt").write_text("audio/tram-oslo-1.wav\ttram\n")
        _touch(self.folder, *trained, "audio/tram-oslo-1.wav")
        clips = self._clips("acoustic_scenes")
        self.assertEqual(clips.pop("audio/tram-oslo-1.wav"), ("tram", "test"))
        self.assertEqual(set(clips.values()), {("park", "train"), ("park", "validation")})
        for number in range(15):  # a location is in one split
            group = {clips[name] for name in trained[4 * number : 4 * number + 4]}
            self.assertLen(group, 1)

    def test_esc(self):
        _touch(self.folder, "001-Dog_bark/1-9-A.ogg", "009 - Rooster/5-3-B.ogg", "README.txt")
        sounds = {"001-Dog_bark/1-9-A.ogg": ("dog_bark", "train")}
        sounds["009 - Rooster/5-3-B.ogg"] = ("rooster", "test")
        self.assertEqual(self._clips("environmental_sounds"), sounds)
        self.assertEqual(
            self._clips("bird_detection"),
            {
                "001-Dog_bark/1-9-A.ogg": ("no_bird", "train"),
                "009 - Rooster/5-3-B.ogg": ("bird", "test"),
            },
        )
        _touch(self.folder, "audio/4-1-A-9.wav", "meta/esc50.csv")
        (self.folder / "meta" / "esc50.csv").write_text(
            "filename,fold,target,category,esc10,src_file,take\n4-1-A-9.wav,4,9,crow,False,1,A\n"
        )
        self.assertEqual(self._clips("bird_detection")["audio/4-1-A-9.wav"], ("bird", "validation"))

    def test_freefield(self):
        names = [f"wav/{number}.wav" for number in range(40)]
        _touch(self.folder, *names)
        (self.folder / "ff1010bird_metadata.csv").write_text(
            "itemid,hasbird\n" + "".join(f"{number},{number % 2}\n" for number in range(40))
        )
        clips = self._clips("bird_detection")
        self.assertCountEqual(clips, names)
        self.assertEqual(clips["wav/3.wav"][0], "bird")
        self.assertEqual({split for _, split in clips.values()}, set(labelled_corpora.SPLITS))

    def test_musan(self):
        _touch(self.folder, "music/fma/music-fma-0000.wav", "speech/us-gov/speech-us-gov-0001.wav")
        _touch(self.folder, "noise/free-sound/noise-free-sound-0002.wav", "noise/README")
        labels = {label for label, _ in self._clips("speech_music_noise").values()}
        self.assertEqual(labels, {"music", "speech", "noise"})

    def test_speech_against_noise(self):
        speech = [f"train-clean-100/{s}/7/{s}-7-0.flac" for s in range(40)]
        _touch(self.folder, *speech, "dev-clean/84/1/84-1-0.flac", "002-Rain/4-1-A.ogg")
        clips = self._clips("speech_noise")
        self.assertEqual(clips["dev-clean/84/1/84-1-0.flac"], ("speech", "test"))
        self.assertEqual(clips["002-Rain/4-1-A.ogg"], ("noise", "validation"))
        self.assertEqual({clips[name][1] for name in speech}, {"train", "validation"})


class TasksTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_no_speaker_is_in_two_splits(self):
        _write_commands(self.folder, num_speakers=60)
        splits = collections.defaultdict(set)
        for clip in labelled_corpora.read_task("speech_commands", [self.folder]):
            splits[clip.path.name[:8]].add(clip.split)
        self.assertLen(splits, 60)
        self.assertEqual({len(split) for split in splits.values()}, {1})

    def test_the_corpus_own_lists_come_first(self):
        _write_commands(self.folder, num_speakers=3)
        names = sorted(path.name for path in (self.folder / "low").iterdir())
        (self.folder / "testing_list.txt").write_text(f"low/{names[0]}\n")
        (self.folder / "validation_list.txt").write_text(f"high/{names[1]}\n")
        clips = labelled_corpora.read_task("speech_commands", [self.folder])
        split = {f"{clip.label}/{clip.path.name}": clip.split for clip in clips}
        self.assertEqual(split.pop(f"low/{names[0]}"), "test")
        self.assertEqual(split.pop(f"high/{names[1]}"), "validation")
        self.assertEqual(set(split.values()), {"train"})

    def test_a_class_that_cannot_be_trained_on_is_refused(self):
        _touch(self.folder, "001-Dog_bark/1-9-A.ogg", "001-Dog_bark/4-9-A.ogg")
        _touch(self.folder, "002-Rain/5-3-B.ogg")
        with self.assertRaisesRegex(ValueError, "classes dog_bark, rain .* of which dog_bark can"):
            labelled_corpora.read_task("environmental_sounds", [self.folder])

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "tasks are: speech_commands"):
            labelled_corpora.read_task("birds", [self.folder])
        with self.assertRaisesRegex(ValueError, "has no train or validation or test clips.*Warden"):
            labelled_corpora.read_task("speech_commands", [self.folder])

    def test_masks_shift_and_gain_keep_the_range(self):
        log_mel = np.random.default_rng(0).uniform(-4, 3, (8, 98, 64)).astype(np.float32)
        patches = classification.LabelledPatches(log_mel, np.arange(8), np.arange(8))
        config = classification.ClassifierConfig(batch_size=4)
        batches = classification.AugmentedPatches(patches, 8, config)
        self.assertLen(batches, 2)
        augmented, labels = batches[0]
        self.assertEqual(augmented.shape, (4, 96, 64))
        self.assertAllInRange(augmented, features.LogMelParams().log_floor - 1e-3, 4.01)
        again, same_labels = batches[0]
        self.assertAllEqual(augmented, again)
        self.assertAllEqual(labels, same_labels)
        self.assertAllEqual(labels.sum(axis=1), np.ones(4))
        self.assertAllInSet(labels, {0.0, 1.0})
        batches.on_epoch_end()
        self.assertNotAllClose(batches[0][0], augmented)

    def test_mixing_adds_magnitudes_and_shares_the_label(self):
        params = features.LogMelParams()
        magnitudes = np.array([1.0, 3.0], np.float32)
        log_mel = np.log(magnitudes + params.log_offset)[:, None, None] * np.ones((1, 96, 64))
        patches = classification.LabelledPatches(
            log_mel.astype(np.float32), np.arange(2), np.arange(2)
        )
        plain = {"max_shift_frames": 0, "max_gain_nats": 0.0, "max_mask_frames": 0}
        plain |= {"max_mask_bands": 0, "batch_size": 2}
        for seed in range(4):
            config = classification.ClassifierConfig(max_mix=0.5, seed=seed, **plain)
            mixed, labels = classification.AugmentedPatches(patches, 2, config)[0]
            expected = np.log(labels @ magnitudes + params.log_offset)
            self.assertAllClose(mixed, expected[:, None, None] * np.ones((1, 96, 64)), rtol=1e-5)
            self.assertAllGreaterEqual(labels.max(axis=1), 0.5)

    def test_balanced_draws_every_class_alike(self):
        labels = np.repeat([0, 1], [950, 50])
        patches = classification.LabelledPatches(
            np.zeros((1000, 96, 64), np.float32), labels, np.arange(1000)
        )
        for balanced, share in ((False, 0.05), (True, 0.5)):
            config = classification.ClassifierConfig(balanced=balanced, batch_size=50)
            batches = classification.AugmentedPatches(patches, 2, config)
            drawn = np.concatenate([batches[index][1] for index in range(len(batches))])
            self.assertAllClose(drawn[:, 1].mean(), share, atol=0.06 if balanced else 1e-6)

    def test_long_clips_are_read_in_segments_without_silence(self):
        rng = np.random.default_rng(0)
        loud = rng.normal(0, 0.1, 5 * 16000)
        loud[16000:48000] *= 1e-3  # two seconds of the five
        soundfile.write(self.folder / "loud.wav", loud, 16000)
        soundfile.write(self.folder / "short.wav", loud[:8000], 16000)
        clips = [
            labelled_corpora.Clip(self.folder / "loud.wav", "b", "train"),
            labelled_corpora.Clip(self.folder / "short.wav", "a", "train"),
            labelled_corpora.Clip(self.folder / "absent.wav", "a", "test"),
        ]
        patches = classification.read_patches(clips, ["a", "b"], "train")
        self.assertEqual(patches.log_mel.shape, (4, 98, 64))
        self.assertAllEqual(patches.clips, [0, 0, 0, 1])
        self.assertAllEqual(patches.labels, [1, 1, 1, 0])
        self.assertAllEqual(patches.clip_labels, [1, 0])
        few = classification.read_patches(clips, ["a", "b"], "train", max_segments=1)
        self.assertLen(few.labels, 2)

    def test_an_encoder_learns_and_is_loaded_back_as_a_target(self):
        _write_commands(self.folder / "data", num_speakers=60)
        clips = labelled_corpora.read_task("speech_commands", [self.folder / "data"])
        labels = ["high", "low"]
        splits = {
            split: classification.read_patches(clips, labels, split)
            for split in labelled_corpora.SPLITS
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
        scores = facts["test"]["encoder"]
        self.assertGreater(scores["accuracy"], 0.9)
        self.assertBetween(scores["accuracy"], scores["accuracy_low"], scores["accuracy_high"])
        self.assertIn(facts["sha256"], card.read_text())
        self.assertIn(f"{scores['accuracy']:.1%}", card.read_text())
        again = small_encoder_card.measure_again(
            self.folder / "1", "speech_commands", labels, splits
        )
        self.assertEqual(json.loads((self.folder / "1" / "config.json").read_text()), facts)
        self.assertEqual(again, card)
        with self.assertRaisesRegex(ValueError, "holds an encoder of speech_commands .high, low."):
            small_encoder_card.measure_again(self.folder / "1", "speaker_id", labels, splits)
        target = loading.load_target(
            "small_encoder/speech_commands", weights=str(self.folder / "1")
        )
        patches = classification.centre_patches(splits["test"])
        self.assertAllClose(target.model(patches)["layer_6"], model(patches)["layer_6"], atol=1e-4)

    def test_the_documented_accuracies_are_those_of_the_model_cards(self):
        table = small_encoder_card.accuracy_table(hub.models_dir())
        page = pathlib.Path(__file__).parents[2] / "docs" / "small_encoders.md"
        self.assertIn(table, page.read_text(encoding="utf-8"))
        for path in sorted((hub.models_dir() / "small_encoder").glob("*/*")):
            facts = json.loads((path / "config.json").read_text())
            self.assertEqual(facts["sha256"], hub.sha256(path / "encoder.keras"))
            card = (path / "README.md").read_text(encoding="utf-8")
            self.assertEqual(card, small_encoder_card.card_text(facts))
            self.assertEqual(
                loading.load_target(f"small_encoder/{facts['task']}").tap("layer_3").shape,
                (6, 4, 64),
            )
