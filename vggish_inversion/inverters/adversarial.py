"""RecGAN: an inverter that also learns to pass for real before a discriminator of patches.

Source: Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL 2021), after Isola
et al., "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR 2017).
"""

from typing import Any

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.training import run_folder

_L1_WEIGHT = 100.0
_CHANNELS = (16, 32, 64, 128)


def build_discriminator(params: features.LogMelParams, *, seed: int = 0) -> keras.Model:
    """Builds RecGAN's discriminator, which judges a patch part by part.

    Args:
        params: the target's front end; its patch is the input's shape.
        seed: of the initial weights and of dropout.

    Returns:
        A model `[batch, patch_frames, bands]` in network range -> `[batch, frames, bands]` float32
        logits, positive for real.

    >>> build_discriminator(features.LogMelParams()).output_shape
    (None, 6, 4)
    """
    rng = np.random.default_rng(seed)
    patches = keras.Input((params.patch_frames, params.num_bands), name="patches")
    x = keras.layers.Reshape((params.patch_frames, params.num_bands, 1), name="channel")(patches)
    for index, channels in enumerate(_CHANNELS):
        x = keras.layers.Conv2D(
            channels,
            4,
            strides=2,
            padding="same",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02, int(rng.integers(2**31))),
            name=f"conv_{index}",
        )(x)
        if index:
            x = keras.layers.BatchNormalization(name=f"norm_{index}")(x)
        x = keras.layers.LeakyReLU(0.3, name=f"leaky_relu_{index}")(x)
        x = keras.layers.Dropout(0.3, seed=int(rng.integers(2**31)), name=f"dropout_{index}")(x)
    x = keras.layers.Conv2D(
        1,
        4,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02, int(rng.integers(2**31))),
        dtype="float32",
        name="logit",
    )(x)
    logits = keras.layers.Reshape(x.shape[1:3], dtype="float32", name="logits")(x)
    return keras.Model(patches, logits, name="discriminator")


def _taken_for(real: bool, logits) -> Any:
    """Mean cross entropy of logits with one answer."""
    return keras.ops.mean(keras.ops.softplus(-logits if real else logits))


class RecGan(keras.Model):
    """Trains both networks in one step; elsewhere it behaves as the inverter's chain alone.

    `loss` and `val_loss` are the L1 part alone, in network range, so that the curves of RecGAN and
    RecCNN can be laid over each other.
    """

    def __init__(
        self,
        chain: keras.Model,
        inverter: keras.Model,
        discriminator: keras.Model,
        discriminator_optimizer: keras.optimizers.Optimizer,
    ):
        """Joins the networks.

        Args:
            chain: patches in nats -> the inverter's patches in network range.
            inverter: the part of `chain` that learns.
            discriminator: of `build_discriminator`.
            discriminator_optimizer: its own; that of the inverter is compiled.

        Raises:
            training_run.RunError: on a Keras backend other than TensorFlow.
        """
        if keras.backend.backend() != "tensorflow":
            raise run_folder.RunError(
                f"loss 'gan' trains on Keras' TensorFlow backend, not on {keras.backend.backend()};"
                " set KERAS_BACKEND=tensorflow, or train with loss 'l1'"
            )
        super().__init__(name="rec_gan")
        self._chain = chain
        self._inverter = inverter
        self._discriminator = discriminator
        self._discriminator_optimizer = discriminator_optimizer
        discriminator_optimizer.build(discriminator.trainable_variables)
        names = ("loss", "adversarial_loss", "discriminator_loss")
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def discriminator_variables(self) -> list[keras.Variable]:
        """What a checkpoint must keep beside the inverter."""
        return [*self._discriminator.variables, *self._discriminator_optimizer.variables]

    @property
    def input_shape(self):
        """As of the chain: `(None, frames, bands)`."""
        return self._chain.input_shape

    def call(self, patches, training=False):
        """Patches in nats -> the inverter's patches in network range."""
        return self._chain(patches, training=training)

    def train_step(self, data):
        """One step of each network, on the same batch."""
        import tensorflow as tf  # not at the top: importing a network must not import it

        patches, real = data
        with tf.GradientTape() as inverter_tape, tf.GradientTape() as discriminator_tape:
            inverted = self._chain(patches, training=True)
            l1: Any = keras.ops.mean(keras.ops.abs(real - inverted))
            judged_real = self._discriminator(real, training=True)
            judged_inverted = self._discriminator(inverted, training=True)
            adversarial = _taken_for(True, judged_inverted)
            found_out = _taken_for(True, judged_real) + _taken_for(False, judged_inverted)
            # gradients are summed over replicas, of which there is one but under tf.distribute
            share = 1 / tf.distribute.get_strategy().num_replicas_in_sync
            inverter_loss = self.optimizer.scale_loss(share * (_L1_WEIGHT * l1 + adversarial))
            discriminator_loss = self._discriminator_optimizer.scale_loss(share * found_out)
        for network_, optimizer, tape, loss in (
            (self._inverter, self.optimizer, inverter_tape, inverter_loss),
            (
                self._discriminator,
                self._discriminator_optimizer,
                discriminator_tape,
                discriminator_loss,
            ),
        ):
            variables = network_.trainable_variables
            gradients = tape.gradient(loss, [variable.value for variable in variables])
            optimizer.apply(gradients, variables)
        for tracker, value in zip(
            self._trackers.values(), (l1, adversarial, found_out), strict=True
        ):
            tracker.update_state(value)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def test_step(self, data):
        """The L1 part, on patches that were held out."""
        patches, real = data
        inverted = self._chain(patches, training=False)
        tracker = self._trackers["loss"]
        tracker.update_state(keras.ops.mean(keras.ops.abs(real - inverted), axis=(1, 2)))
        return {"loss": tracker.result()}

    @property
    def metrics(self):
        """Reset at the start of every epoch."""
        return [*self._trackers.values()]
