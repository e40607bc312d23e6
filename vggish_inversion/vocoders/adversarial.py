"""Adversarial training of a vocoder: MelGAN's hinge and feature-matching losses beside spectra.

Source: Kumar et al., "MelGAN: Generative Adversarial Networks for Conditional Waveform Synthesis"
(NeurIPS 2019). The spectral loss stays in, as in Parallel WaveGAN and HiFi-GAN: it holds the
generator to its log-mel.
"""

from typing import Any

import keras

from vggish_inversion.training import adversarial
from vggish_inversion.vocoders import losses

_SPECTRAL_WEIGHT = 5.0
_FEATURE_WEIGHT = 10.0


class AdversarialVocoder(adversarial.AdversarialModel):
    """Trains a generator of waveforms and its discriminators in one step.

    `loss` and `val_loss` are the spectral part alone, so that the curves with and without
    discriminators can be laid over each other.
    """

    tracked = ("loss", "adversarial_loss", "feature_loss", "discriminator_loss")

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
            discriminator_optimizer: its own; `compile` takes the generator's.
            spectral_loss: of true and vocoded waveforms.

        Raises:
            run_folder.RunError: on a Keras backend other than TensorFlow.
        """
        name = "adversarial_vocoder"
        super().__init__(generator, generator, discriminator, discriminator_optimizer, name=name)
        self._spectral_loss = spectral_loss

    def step_losses(self, generated, real):
        """Spectra, what passes for real, and features; what is found out."""
        spectral: Any = self._spectral_loss(real, generated)
        natural, fake = self.judge(real), self.judge(generated)
        passed = losses.hinge_generator_loss(fake["logits"])
        features = losses.feature_matching_loss(natural["features"], fake["features"])
        total = _SPECTRAL_WEIGHT * spectral + passed + _FEATURE_WEIGHT * features
        found_out = losses.hinge_discriminator_loss(natural["logits"], fake["logits"])
        return total, found_out, (spectral, passed, features, found_out)

    def held_out_loss(self, generated, real):
        """The spectral part."""
        return self._spectral_loss(real, generated)
