"""The training step of a generator and a discriminator.

A training says what its losses are and how it measures what was held out; see
`inverters.adversarial` and `vocoders.adversarial`.
"""

import abc
from collections.abc import Sequence
from typing import Any

import keras

from vggish_inversion.training import run_folder


class AdversarialModel(keras.Model, abc.ABC):
    """Trains two networks in one step; elsewhere it behaves as the chain that generates.

    Attributes:
        tracked: names of the values that `step_losses` gives to be shown, in its order; the first
            is "loss", which is also the name of what `held_out_loss` gives.
    """

    tracked: Sequence[str]

    def __init__(
        self,
        chain: keras.Model,
        generator: keras.Model,
        discriminator: keras.Model,
        discriminator_optimizer: keras.optimizers.Optimizer,
        *,
        name: str,
    ):
        """Joins the networks.

        Args:
            chain: inputs -> what is to pass for real.
            generator: the part of `chain` that learns, or all of it.
            discriminator: judges what is real and what is generated.
            discriminator_optimizer: its own; `compile` takes the generator's.
            name: of the model.

        Raises:
            run_folder.RunError: on a Keras backend other than TensorFlow.
        """
        if keras.backend.backend() != "tensorflow":
            raise run_folder.RunError(
                "adversarial training runs on Keras' TensorFlow backend, not on "
                f"{keras.backend.backend()}; set KERAS_BACKEND=tensorflow, or train without"
            )
        super().__init__(name=name)
        self._chain = chain
        self._generator = generator
        self._discriminator = discriminator
        self._discriminator_optimizer = discriminator_optimizer
        discriminator_optimizer.build(discriminator.trainable_variables)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.tracked}

    @abc.abstractmethod
    def step_losses(self, generated, real) -> tuple[Any, Any, tuple[Any, ...]]:
        """What the generator learns from, what the discriminator does, and what is tracked."""

    @abc.abstractmethod
    def held_out_loss(self, generated, real) -> Any:
        """The loss that validation shows: a scalar, or `[batch]`."""

    def judge(self, examples) -> Any:
        """What the discriminator says while it learns."""
        return self._discriminator(examples, training=True)

    @property
    def discriminator_variables(self) -> list[keras.Variable]:
        """What a checkpoint must keep beside the generator."""
        return [*self._discriminator.variables, *self._discriminator_optimizer.variables]

    @property
    def input_shape(self):
        """As of the chain."""
        return self._chain.input_shape

    def call(self, inputs, training=False):
        """The chain's output."""
        return self._chain(inputs, training=training)

    def train_step(self, data):
        """One step of each network, on the same batch."""
        import tensorflow as tf  # not at the top: importing a network must not import it

        inputs, real = data
        # gradients are summed over replicas, of which there is one but under tf.distribute
        share = 1 / tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated = self._chain(inputs, training=True)
            to_learn, to_judge, tracked = self.step_losses(generated, real)
            generator_loss = self.optimizer.scale_loss(share * to_learn)
            discriminator_loss = self._discriminator_optimizer.scale_loss(share * to_judge)
        self._apply(self._generator, self.optimizer, generator_tape, generator_loss)
        judge = self._discriminator, self._discriminator_optimizer
        self._apply(*judge, discriminator_tape, discriminator_loss)
        for tracker, value in zip(self._trackers.values(), tracked, strict=True):
            tracker.update_state(value)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def _apply(self, network: keras.Model, optimizer, tape, loss) -> None:
        variables = network.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)

    def test_step(self, data):
        """The loss of what was held out."""
        inputs, real = data
        tracker = self._trackers["loss"]
        tracker.update_state(self.held_out_loss(self._chain(inputs, training=False), real))
        return {"loss": tracker.result()}

    @property
    def metrics(self):
        """Reset at the start of every epoch."""
        return [*self._trackers.values()]
