"""Stored inverters are smaller, and say what they are."""

import hashlib
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from tests import speech
from vggish_inversion import corpora, data
from vggish_inversion.inverters import card, network, run, training
from vggish_inversion.targets import encoder, hub


class CardTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_a_compact_file_is_half_the_size_and_nearly_the_same(self):
        inverter = network.build_inverter((12, 8, 64))
        rng = np.random.default_rng(0)
        inverter.set_weights([rng.normal(0, 0.1, w.shape) ** 2 for w in inverter.get_weights()])
        before = inverter.get_weights()
        inverter.save(self.folder / "whole.keras")
        card.write_compact(inverter, self.folder / "compact.keras")
        sizes = [(self.folder / f"{name}.keras").stat().st_size for name in ("whole", "compact")]
        self.assertLess(sizes[1], 0.65 * sizes[0])
        compact = hub.read_keras_model(self.folder / "compact.keras")
        for exact, kept, rounded in zip(
            before, inverter.get_weights(), compact.get_weights(), strict=True
        ):
            self.assertAllEqual(exact, kept)  # the model in hand is left alone
            self.assertAllClose(exact, rounded, rtol=1e-3, atol=1e-6)
        embedding = np.abs(rng.normal(size=(2, 12, 8, 64))).astype(np.float32)
        self.assertAllClose(compact(embedding), inverter(embedding), atol=2e-3)

    def test_what_float16_cannot_hold_is_kept_whole(self):
        inverter = network.build_inverter((12, 8, 4))
        inverter.set_weights([np.full(w.shape, 1e6) for w in inverter.get_weights()])
        card.write_compact(inverter, self.folder / "compact.keras")
        compact = hub.read_keras_model(self.folder / "compact.keras")
        self.assertAllEqual(compact.get_weights()[0], inverter.get_weights()[0])

    def test_a_run_is_stored_with_its_card_and_digest(self):
        target = encoder.load_target("small_encoder/speech_commands")
        utterances = corpora.read_corpus(speech.DEMO_SPEECH)
        cache = data.cache_log_mel(utterances[:3], target.log_mel, self.folder / "cache")
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
