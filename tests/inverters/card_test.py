"""Stored inverters are smaller, and say what they are."""

import hashlib
import pathlib
import tempfile

import tensorflow as tf

from tests import speech
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.inverters import card, run, training
from vggish_inversion.targets import loading


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
