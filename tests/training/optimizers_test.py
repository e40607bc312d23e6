"""Muon: orthogonal steps for kernels, Adam for the rest, and more learnt from the same patches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.inverters import network
from vggish_inversion.training import optimizers


def _orthogonal(matrix: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return left @ right


class ConvolutionalMuonTest(tf.test.TestCase):
    def test_a_kernel_moves_by_a_nearly_orthogonal_matrix_of_adams_size(self):
        rng = np.random.default_rng(0)
        kernel = keras.Variable(rng.normal(size=(3, 3, 4, 16)).astype(np.float32))
        gradient = rng.normal(size=kernel.shape).astype(np.float32)
        before = kernel.numpy()
        optimizer = optimizers.ConvolutionalMuon(0.01)
        optimizer.build([kernel])
        optimizer.apply([tf.constant(gradient)])
        step = (before - kernel.numpy()).reshape(36, 16) / (0.01 * 0.2 * 36**0.5)
        singular_values = np.linalg.svd(step, compute_uv=False)
        self.assertAllInRange(singular_values, 0.6, 1.3)  # as near as the quintic iteration comes
        alignment = np.sum(step * _orthogonal(gradient.reshape(36, 16))) / 16
        self.assertGreater(alignment, 0.8)

    def test_what_is_no_kernel_and_the_last_picture_move_as_with_adam(self):
        shapes = [(16,), (3, 3, 8, 1)]
        rng = np.random.default_rng(1)
        values = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
        gradients = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
        moved = {}
        for name, build in optimizers.OPTIMIZERS.items():
            variables = [keras.Variable(value) for value in values]
            optimizer = build(0.01)
            optimizer.build(variables)
            for _ in range(3):
                optimizer.apply(gradients)
            moved[name] = [variable.numpy() for variable in variables]
        for left, right in zip(moved["adam"], moved["muon"], strict=True):
            self.assertAllClose(left, right, atol=1e-6)

    @pytest.mark.slow  # the two before say what a step is
    def test_it_learns_more_from_the_same_batches(self):
        rng = np.random.default_rng(2)
        embeddings = rng.normal(size=(64, 12, 8, 16)).astype(np.float32)
        weights = rng.normal(size=(16, 64)).astype(np.float32)
        blocks = np.tanh(embeddings @ weights / 8).reshape(64, 12, 8, 8, 8)
        patches = blocks.transpose(0, 1, 3, 2, 4).reshape(64, 96, 64)
        losses = {}
        for name, build in optimizers.OPTIMIZERS.items():
            keras.utils.set_random_seed(0)
            inverter = network.build_inverter((12, 8, 16), params=features.LogMelParams())
            inverter.compile(build(2e-3), "mae")
            history = inverter.fit(embeddings, patches, batch_size=8, epochs=3, verbose=0)
            losses[name] = history.history["loss"][-1]
        self.assertLess(losses["muon"], losses["adam"])
