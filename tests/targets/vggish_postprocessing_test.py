"""PCA and quantisation, one number at a time, and files of the published form."""

import contextlib
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from vggish_inversion.files import hub
from vggish_inversion.targets import vggish_postprocessing


class VggishPostprocessingTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "pca.npz"
        rng = np.random.default_rng(0)
        self.eigen_vectors = rng.normal(0, 0.1, (128, 128)).astype(np.float32)
        self.means = rng.normal(0, 0.5, 128).astype(np.float32)
        self.embeddings = rng.normal(0, 1, (5, 128)).astype(np.float32)

    def _load(self, **arrays):
        np.savez(self.path, **arrays)
        return vggish_postprocessing.load_postprocessor(self.path)

    def test_equals_the_description(self):
        for means in (self.means, self.means[:, np.newaxis]):
            processor = self._load(pca_eigen_vectors=self.eigen_vectors, pca_means=means)
            quantized = processor.quantize(self.embeddings)
            self.assertEqual((quantized.dtype, quantized.shape), (np.uint8, (5, 128)))
            for patch, component in np.ndindex(5, 128):
                centred = self.embeddings[patch].astype(float) - self.means
                whitened = sum(self.eigen_vectors[component].astype(float) * centred)
                scaled = (min(2.0, max(-2.0, whitened)) + 2.0) * 63.75
                # In float32, a number that is whole may fall to either side of itself.
                if abs(scaled - round(scaled)) > 1e-3 or scaled in (0.0, 255.0):
                    self.assertEqual(quantized[patch, component], int(scaled))
            self.assertAllInSet([0, 255], np.unique(quantized))  # both ends of the clip are there

    def test_fractions_are_cut_off(self):
        processor = vggish_postprocessing.Postprocessor(np.eye(128), np.zeros(128))
        for value, expected in ((-9.0, 0), (-2.0, 0), (0.0, 127), (1.99, 254), (2.0, 255)):
            quantized = processor.quantize(np.full((1, 128), value))
            self.assertAllEqual(quantized, np.full((1, 128), expected))

    def test_whitening_whitens(self):
        mixed = np.random.default_rng(1).normal(size=(2000, 128)) @ self.eigen_vectors + self.means
        variances, vectors = np.linalg.eigh(np.cov(mixed.T))
        processor = self._load(
            pca_eigen_vectors=(vectors / np.sqrt(variances)).T, pca_means=mixed.mean(axis=0)
        )
        self.assertAllClose(np.cov(processor.whiten(mixed).T), np.eye(128), atol=1e-6)

    @contextlib.contextmanager
    def assert_refused(self, *parts: str):
        with self.assertRaises(hub.WeightsError) as caught:
            yield
        for part in (str(self.path), *parts):
            self.assertIn(part, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_refused(self):
        with self.assert_refused("no such file"):
            vggish_postprocessing.load_postprocessor(self.path)
        with self.assert_refused("expected pca_means [128] or [128, 1], found pca_eigen_vectors"):
            self._load(pca_eigen_vectors=self.eigen_vectors)
        with self.assert_refused("pca_eigen_vectors [128, 128], found [64, 128]", "https://"):
            self._load(pca_eigen_vectors=self.eigen_vectors[:64], pca_means=self.means)
        with self.assert_refused("pickled Python objects in pca_means"):
            self._load(pca_eigen_vectors=self.eigen_vectors, pca_means=np.array([{}] * 128))
        self.path.write_bytes(self.path.read_bytes()[:-100])
        with self.assert_refused("cannot read it"):
            vggish_postprocessing.load_postprocessor(self.path)

    def test_not_embeddings(self):
        processor = vggish_postprocessing.Postprocessor(np.eye(128), np.zeros(128))
        for shape in ((128,), (2, 64), (1, 2, 128)):
            with self.assertRaisesRegex(ValueError, r"expected embeddings \[patches, 128\]"):
                processor.quantize(np.zeros(shape))


if __name__ == "__main__":
    tf.test.main()
