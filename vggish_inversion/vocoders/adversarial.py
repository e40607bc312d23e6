"""Adversarial training of a vocoder: MelGAN's hinge and feature-matching losses beside spectra.

Source: Kumar et al., "MelGAN: Generative Adversarial Networks for Conditional Waveform Synthesis"
(NeurIPS 2019). The spectral loss stays in, as in Parallel WaveGAN and HiFi-GAN: it holds the
generator to its log-mel.
"""

from typing import Any

import keras

from vggish_inversion.training import run_folder
from vggish_inversion.vocoders import losses

_SPECTRAL_WEIGHT = 5.0
_FEATURE_WEIGHT = 10.0


class AdversarialVocoder(keras.Model):
    """Trains generator and discriminators in one step; elsewhere it behaves as the generator.

    `loss` and `val_loss` are the spectral part alone, so that the curves with and without
    discriminators can be laid over each other.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        discriminator_optimizer: keras.optimizers.Optimizer,
        spectral_loss: keras.losses.Loss,
    ):
        """Joins the networks.

        Args:
            generator: log-mel -> waveform.
            discriminator: of `melgan.build_discriminator`.
            discriminator_optimizer: its own; that of the generator is compiled.
            spectral_loss: of true and vocoded waveforms.

        Raises:
            training_run.RunError: on a Keras backend other than TensorFlow.
        """
        if keras.backend.backend() != "tensorflow":
            raise run_folder.RunError(
                "adversarial training runs on Keras' TensorFlow backend, not on "
                f"{keras.backend.backend()}; set KERAS_BACKEND=tensorflow, or train without"
            )
        super().__init__(name="adversarial_vocoder")
        self._generator = generator
        self._discriminator = discriminator
        self._discriminator_optimizer = discriminator_optimizer
        self._spectral_loss = spectral_loss
        discriminator_optimizer.build(discriminator.trainable_variables)
        names = ("loss", "adversarial_loss", "feature_loss", "discriminator_loss")
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def discriminator_variables(self) -> list[keras.Variable]:
        """What a checkpoint must keep beside the generator."""
        return [*self._discriminator.variables, *self._discriminator_optimizer.variables]

    def call(self, log_mel, training=False):
        """The generator's waveform."""
        return self._generator(log_mel, training=training)

    def train_step(self, data):
        """One step of each network, on the same batch."""
        import tensorflow as tf  # not at the top: importing a network must not import it

        log_mel, natural = data
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            vocoded = self._generator(log_mel, training=True)
            spectral: Any = self._spectral_loss(natural, vocoded)
            real = self._discriminator(natural, training=True)
            fake = self._discriminator(vocoded, training=True)
            adversarial = losses.hinge_generator_loss(fake["logits"])
            features = losses.feature_matching_loss(real["features"], fake["features"])
            total = _SPECTRAL_WEIGHT * spectral + adversarial + _FEATURE_WEIGHT * features
            generator_loss = self.optimizer.scale_loss(total)
            found_out = losses.hinge_discriminator_loss(real["logits"], fake["logits"])
            discriminator_loss = self._discriminator_optimizer.scale_loss(found_out)
        for network, optimizer, tape, loss in (
            (self._generator, self.optimizer, generator_tape, generator_loss),
            (
                self._discriminator,
                self._discriminator_optimizer,
                discriminator_tape,
                discriminator_loss,
            ),
        ):
            variables = network.trainable_variables
            gradients = tape.gradient(loss, [variable.value for variable in variables])
            optimizer.apply(gradients, variables)
        for tracker, value in zip(
            self._trackers.values(), (spectral, adversarial, features, found_out), strict=True
        ):
            tracker.update_state(value)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def test_step(self, data):
        """The spectral part, on segments that were held out."""
        log_mel, natural = data
        tracker = self._trackers["loss"]
        tracker.update_state(self._spectral_loss(natural, self._generator(log_mel, training=False)))
        return {"loss": tracker.result()}

    @property
    def metrics(self):
        """Reset at the start of every epoch."""
        return [*self._trackers.values()]
