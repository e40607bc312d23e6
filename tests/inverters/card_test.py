"""Stored inverters are smaller, and say what they are."""

import csv
import hashlib
import pathlib
import re
import shutil
import tempfile

import tensorflow as tf

from tests import speech
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.files import hub
from vggish_inversion.inverters import card, run, training
from vggish_inversion.targets import loading

_NAME = "inverter/small_encoder/speech_commands/layer_3/large-l1"


class CardTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_a_run_is_stored_with_its_card_and_digest(self):
        target = loading.load_target("small_encoder/speech_commands")
        utterances = corpora.read_corpus(speech.DEMO_SPEECH)
        cache = log_mel_cache.cache_log_mel(utterances[:3], target.log_mel, self.folder / "cache")
        config = training.TrainConfig(num_epochs=1, batch_size=4, loss="gan")
        settings = {"data_dir": ["speech"], "command": ["python", "train.py"]}
        training.train_inverter(
            target,
            "layer_0",
            config,
            train=cache,
            validation=cache,
            run_dir=self.folder / "run",
            settings=settings,
        )
        stored = card.store_inverter(self.folder / "run", self.folder / "store", commit="abc")
        text = (stored / "README.md").read_text()
        digest = hashlib.sha256((stored / "inverter.keras").read_bytes()).hexdigest()
        for expected in ("RecGAN", "`python train.py`", "abc", digest, "8 in 1 epochs"):
            self.assertIn(expected, text)
        run.read_run(stored).load_model()

    def test_a_card_written_anew_has_its_own_rows_alone_and_keeps_its_commit(self):
        stored = self.folder / "store" / _NAME / "1"
        shutil.copytree(hub.find_model(_NAME), stored)
        (commit,) = re.findall("Commit: (.*)", (stored / "README.md").read_text())
        card.store_inverter(
            stored, self.folder / "store", commit="of today", results_dirs=[self._results()]
        )
        text = (stored / "README.md").read_text()
        self.assertIn(f"- Commit: {commit}\n", text)
        self.assertNotIn("of today", text)
        rows = [line for line in text.splitlines() if line.startswith("| speech, test")]
        self.assertEqual(rows, [
            "| speech, test | 2 | natural | – | whisper | 1.0 (0.5 to 2.0) | 0.7 | 1.000 | 0.000 |",
            "| speech, test | 2 | layer_3 | griffin_lim | pocketsphinx | 40.0 (30.0 to 50.0) "
            "| 20.0 | 0.800 | 0.500 |",
            "| speech, test | 2 | layer_3 | griffin_lim | whisper | 20.0 (10.0 to 30.0) | 15.0 "
            "| 0.800 | 0.500 |",
        ])  # fmt: skip

    def _results(self) -> pathlib.Path:
        own = ("small_encoder/speech_commands", "layer_3", "large", "l1", "griffin_lim")
        floor, other = (own[0], "natural", "", "", ""), ("yamnet", *own[1:])
        low = (0.01, 0.005, 0.02, 0.007, 1.0, 0.0)
        high = (0.4, 0.3, 0.5, 0.2, 0.8, 0.5)
        rows = [
            (*floor, "whisper", 2, *low),
            (*own, "pocketsphinx", 2, *high),
            (*own, "whisper", 2, 0.2, 0.1, 0.3, 0.15, 0.8, 0.5),
            (*other, "whisper", 2, *low),
            (own[0], "layer_2", *own[2:], "whisper", 2, *low),
        ]
        folder = self.folder / "results"
        folder.mkdir()
        (folder / "run.json").write_text('{"data_dir": ["speech"], "split": "test"}')
        columns = "target layer preset loss vocoder asr num_utterances wer wer_low wer_high cer"
        with open(folder / "summary.csv", "w", newline="") as file:
            csv.writer(file).writerows([[*columns.split(), "stoi", "log_mel_l1"], *rows])
        return folder
