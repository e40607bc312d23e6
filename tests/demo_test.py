"""The demo as a newcomer runs it, and its page in a real browser."""

import csv
import pathlib
import tempfile

import tensorflow as tf

from tests import scripts_test, speech
from tests.report import browser

_LAYERS = [f"layer_{index}" for index in range(7)]


class DemoTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.result = scripts_test.run("demo.py", f"--output_dir={cls.folder}")
        with open(cls.folder / "summary.csv", newline="") as file:
            cls.summary = {row["layer"]: row for row in csv.DictReader(file)}

    def test_every_layer_beside_the_references(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)
        self.assertEqual(list(self.summary), ["natural", "true_log_mel", *_LAYERS])
        for layer, row in self.summary.items():
            self.assertEqual(int(row["num_utterances"]), len(speech.CLIPS))
            self.assertIn(layer, self.result.stdout)
            wavs = list((self.folder / "audio" / layer).rglob("*.wav"))
            self.assertLen(wavs, len(speech.CLIPS))

    def test_the_words_fade_with_depth(self):
        stoi = {layer: float(row["stoi"]) for layer, row in self.summary.items()}
        wer = {layer: float(row["wer"]) for layer, row in self.summary.items()}
        self.assertGreater(stoi["layer_0"], stoi["true_log_mel"] - 0.05)
        for shallow, deep in (("layer_0", "layer_2"), ("layer_2", "layer_4")):
            self.assertGreater(stoi[shallow], stoi[deep])
        self.assertLess(wer["natural"], 0.35)
        self.assertGreater(wer["layer_6"], 0.8)

    def test_the_page_opens_in_a_browser(self):
        num_players = browser.check_page(self.folder / "index.html")
        self.assertEqual(num_players, len(self.summary) * len(speech.CLIPS))
