"""Compact files are smaller, and give what the model in hand gives."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.files import compact, hub
from vggish_inversion.inverters import network


class CompactTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_a_compact_file_is_half_the_size_and_nearly_the_same(self):
        inverter = network.build_inverter((12, 8, 64), params=features.LogMelParams())
        rng = np.random.default_rng(0)
        inverter.set_weights([rng.normal(0, 0.1, w.shape) ** 2 for w in inverter.get_weights()])
        before = inverter.get_weights()
        inverter.save(self.folder / "whole.keras")
        compact.write_compact(inverter, self.folder / "compact.keras")
        sizes = [(self.folder / f"{name}.keras").stat().st_size for name in ("whole", "compact")]
        self.assertLess(sizes[1], 0.55 * sizes[0])
        again = hub.read_keras_model(self.folder / "compact.keras")
        for exact, kept, rounded in zip(
            before, inverter.get_weights(), again.get_weights(), strict=True
        ):
            self.assertAllEqual(exact, kept)  # the model in hand is left alone
            self.assertAllClose(exact, rounded, rtol=1e-3, atol=1e-6)
        embedding = np.abs(rng.normal(size=(2, 12, 8, 64))).astype(np.float32)
        self.assertAllClose(again(embedding), inverter(embedding), atol=2e-3)

    def test_what_float16_cannot_hold_is_kept_whole(self):
        inverter = network.build_inverter((12, 8, 4), params=features.LogMelParams())
        inverter.set_weights([np.full(w.shape, 1e6) for w in inverter.get_weights()])
        compact.write_compact(inverter, self.folder / "compact.keras")
        again = hub.read_keras_model(self.folder / "compact.keras")
        self.assertAllEqual(again.get_weights()[0], inverter.get_weights()[0])

    def test_significant_bits(self):
        inverter = network.build_inverter((12, 8, 4), params=features.LogMelParams())
        rng = np.random.default_rng(0)
        inverter.set_weights([rng.normal(size=w.shape) for w in inverter.get_weights()])
        self.assertEqual(compact.significant_bits(inverter), 24)
        sizes = []
        for precision, bits in (("float16", 11), ("bfloat16", 8)):
            path = self.folder / f"{precision}.keras"
            compact.write_compact(inverter, path, precision=precision)
            self.assertEqual(compact.significant_bits(hub.read_keras_model(path)), bits)
            sizes.append(path.stat().st_size)
        self.assertLess(sizes[1], sizes[0])


if __name__ == "__main__":
    tf.test.main()
