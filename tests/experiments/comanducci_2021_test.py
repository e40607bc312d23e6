"""The paper's experiment, end to end and twice, on bundled speech."""

import csv
import dataclasses
import pathlib
import tempfile

import tensorflow as tf

from tests import speech
from tests.report import document
from vggish_inversion.experiments import comanducci_2021
from vggish_inversion.targets import loading, small_encoder, vggish

_TARGET = "small_encoder/speech_commands"
_LAYERS = ("layer_6",)


def _times(folder: pathlib.Path) -> dict[pathlib.Path, int]:
    """When what was trained and rendered was written."""
    kinds = ("inverter.keras", "checkpoint.npz", "config.json", "frames.f16", "*.wav", "*.npy")
    return {path: path.stat().st_mtime_ns for kind in kinds for path in folder.rglob(kind)}


class ReproduceTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.experiment = comanducci_2021.Experiment(
            data_dirs=[speech.DEMO_SPEECH],
            output_dir=cls.folder / "paper",
            layers=_LAYERS,
            recipe=dataclasses.replace(comanducci_2021.RECIPES["published"], batch_size=8),
            num_epochs=1,
            split="all",
            limit=1,
        )
        cls.plan = comanducci_2021.describe_plan(cls.experiment, _TARGET, weights="untrained")
        cls.target = loading.load_target(_TARGET, weights="untrained")
        cls.outcome = cls._reproduce()

    @classmethod
    def _reproduce(cls, **changes) -> comanducci_2021.Outcome:
        experiment = dataclasses.replace(cls.experiment, **changes)
        return comanducci_2021.reproduce(
            experiment, cls.target, settings={}, announce=lambda line: None
        )

    def test_the_plan_tells_what_is_left(self):
        self.assertIn("2, of which 2 are left to train: about 1 epochs", self.plan)
        self.assertRegex(self.plan, "download +nothing")
        self.assertRegex(self.plan, r"disk +about 0\.\d\d GB")
        self.assertNotIn("TOO LITTLE", self.plan)
        now = comanducci_2021.describe_plan(self.experiment, _TARGET, weights="untrained")
        self.assertIn("2, of which 0 are left to train", now)

    def test_the_plan_names_downloads(self):
        grid = dataclasses.replace(self.experiment.grid, transcribers=("wav2vec2",))
        experiment = dataclasses.replace(self.experiment, layers=["layer_6"], grid=grid)
        url = "http://127.0.0.1:9/encoder"
        plan = comanducci_2021.describe_plan(experiment, _TARGET, weights=url)
        self.assertRegex(plan, f"download +{url}, if it is not in the cache yet")
        self.assertRegex(plan, "download +facebook/wav2vec2-base-960h .*, 378 MB")

    def test_every_inverter_is_beside_its_published_scores(self):
        with open(self.experiment.comparison_path, newline="") as file:
            rows = {(row["layer"], row["loss"]): row for row in csv.DictReader(file)}
        inverted = {(layer, loss) for layer in _LAYERS for loss in ("l1", "gan")}
        self.assertEqual(rows.keys(), inverted | {("natural", ""), ("true_log_mel", "")})
        self.assertEqual(tuple(rows["natural", ""]), comanducci_2021.COMPARISON_COLUMNS)
        published = {
            key: tuple(row[f"published_{name}"] for name in ("wer", "stoi", "log_mel_l1"))
            for key, row in rows.items()
        }
        self.assertEqual(published["layer_6", "l1"], ("1.02", "0.316", "1.295"))
        self.assertEqual(published["layer_6", "gan"], ("1.2", "0.269", ""))
        self.assertEqual(published["true_log_mel", ""], ("0.19", "0.82", "0.51"))
        self.assertEqual(published["natural", ""], ("", "", ""))
        for row in rows.values():
            self.assertEqual(row["num_utterances"], "1")
            self.assertGreaterEqual(float(row["wer"]), 0)
        text = comanducci_2021.comparison_text(self.outcome.comparison)
        self.assertRegex(text, r"(?m)^layer_6 +gan +pocketsphinx +1 .*\(120\.0\).*\(0\.269\)")
        page = document.parse(self.outcome.page.read_text(encoding="utf-8"))
        (table,) = page.find_all("table", class_="extra")
        shown = {
            row.children[0].text: [cell.text for cell in row.children]
            for row in table.find_all("tr")
        }
        self.assertEqual(shown["layer_6 paper gan"][4], "120")
        self.assertEqual(shown["layer_6 paper gan"][6], "0.269")
        self.assertRegex(shown["true_log_mel"][3], r"\d+\.\d \(\d+\.\d to \d+\.\d\)")

    def test_nothing_is_repeated(self):
        before = _times(self.experiment.output_dir)
        # one recording, and three more of it; a cache of each split
        self.assertEqual(sum(path.suffix == ".wav" for path in before), 4)
        again = self._reproduce()
        self.assertEqual(_times(self.experiment.output_dir), before)
        self.assertEqual(again.results, self.outcome.results)
        self.assertEqual(again.comparison, self.outcome.comparison)

    def test_other_settings_are_refused(self):
        with self.assertRaisesRegex(ValueError, "num_epochs 1 -> 2"):
            self._reproduce(num_epochs=2)

    def test_a_corpus_without_a_test_split_is_refused_before_training(self):
        folder = self.folder / "absent"
        with self.assertRaisesRegex(ValueError, "has no test utterances"):
            self._reproduce(split="test", output_dir=folder)
        self.assertFalse(folder.exists())


class ExperimentTest(tf.test.TestCase):
    def test_as_many_patches_as_the_papers(self):
        experiment = comanducci_2021.Experiment([], pathlib.Path("unused"))
        # LJSpeech: 12,800 patches an epoch, 300 times, in passes of about 80,000
        self.assertEqual(experiment.epochs(num_utterances=12800, num_patches=80000), 48)
        few = dataclasses.replace(experiment, num_epochs=3)
        self.assertEqual(few.epochs(num_utterances=12800, num_patches=80000), 3)

    def test_a_published_score_is_of_its_own_recogniser_vocoder_and_preset(self):
        row = {"target": "vggish", "layer": "pool4", "preset": "paper", "loss": "gan"}
        row |= {"vocoder": "griffin_lim", "asr": "pocketsphinx"}
        scores = comanducci_2021.published_scores(row)
        self.assertEqual(list(scores.values()), [0.57, 0.702, 0.696])
        scores = comanducci_2021.published_scores(row | {"asr": "wav2vec2:base"})
        self.assertEqual(list(scores.values()), [None, 0.702, 0.696])
        for other in ({"vocoder": "vocos"}, {"preset": "large"}, {"layer": "fc2"}):
            scores = comanducci_2021.published_scores(row | other)
            self.assertEqual(list(scores.values()), [None, None, None])

    def test_published_layers_are_taps(self):
        layers = {
            "vggish": set(vggish.build_vggish().output),
            "small_encoder": set(small_encoder.build_small_encoder(2).output),
        }
        for family, layer, _ in comanducci_2021.PUBLISHED:
            self.assertIn(layer, layers[family] | {"true_log_mel"})
