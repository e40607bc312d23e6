"""RecGAN: trains an inverter against a discriminator of patches.

Source: Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL 2021), after Isola
et al., "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR 2017).
"""

from typing import Any

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.training import adversarial

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


class RecGan(adversarial.AdversarialModel):
    """Trains an inverter and its discriminator in one step.

    `loss` and `val_loss` are the L1 part alone, in network range, so that the curves of RecGAN and
    RecCNN can be laid over each other.
    """

    tracked = ("loss", "adversarial_loss", "discriminator_loss")

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
            discriminator_optimizer: its own; `compile` takes the inverter's.

        Raises:
            run_folder.RunError: on a Keras backend other than TensorFlow.
        """
        super().__init__(chain, inverter, discriminator, discriminator_optimizer, name="rec_gan")

    def step_losses(self, generated, real):
        """100 * L1 and what passes for real; what is found out."""
        l1: Any = keras.ops.mean(keras.ops.abs(real - generated))
        judged_real, judged_generated = self.judge(real), self.judge(generated)
        passed = _taken_for(True, judged_generated)
        found_out = _taken_for(True, judged_real) + _taken_for(False, judged_generated)
        return _L1_WEIGHT * l1 + passed, found_out, (l1, passed, found_out)

    def held_out_loss(self, generated, real):
        """The L1 of each patch."""
        return keras.ops.mean(keras.ops.abs(real - generated), axis=(1, 2))
