"""The optimisers that inverters learn by."""

from typing import Any

import keras
from keras import ops

_ADAM_CHANNELS = 8
_SETTINGS = {"weight_decay": None, "adam_weight_decay": None, "momentum": 0.95}


@keras.saving.register_keras_serializable("vggish_inversion")
class ConvolutionalMuon(keras.optimizers.Muon):
    """Muon for networks of convolutions: a kernel counts as the matrix from its window to outputs.

    Keras' own takes only the kernels of dense layers and leaves convolutions to Adam. What has
    fewer than eight outputs (the picture that an inverter ends with), biases and batch norm stay
    with Adam, at the same learning rate. There is no weight decay.

    Sources: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); Liu et
    al., "Muon is scalable for LLM training" (2025), whose scale of the update lets it share Adam's
    learning rate.
    """

    def __init__(self, learning_rate=1e-3, **kwargs):
        """Sets what differs from Keras: no weight decay, and momentum 0.95.

        Args:
            learning_rate: a number or a schedule, of Muon's updates and of Adam's.
            kwargs: of `keras.optimizers.Muon`, such as `ns_steps` or `global_clipnorm`.
        """
        super().__init__(learning_rate, **{**_SETTINGS, **kwargs})

    def __repr__(self) -> str:
        """What it is."""
        return f"<ConvolutionalMuon: {self.get_config()['learning_rate']}>"

    def _should_use_adamw(self, variable) -> bool:
        return len(variable.shape) < 2 or variable.shape[-1] < _ADAM_CHANNELS

    def _muon_update_step(self, gradient, variable, lr, m) -> None:
        self.assign(m, gradient + self.momentum * m)
        ahead = gradient + self.momentum * m  # Nesterov's
        update: Any = self.zeropower_via_newtonschulz5(as_matrix(ahead), self.ns_steps)
        update = self.lr_adjust(ops.cast(lr, variable.dtype) * update)
        self.assign_sub(variable, ops.reshape(update, variable.shape))


def as_matrix(kernel):
    """A kernel of any number of axes as a matrix, with a row for each weight of an output.

    Args:
        kernel: `[*window, inputs, outputs]`.

    Returns:
        `[window * inputs, outputs]`.

    >>> tuple(as_matrix(ops.zeros((3, 3, 16, 32))).shape)
    (144, 32)
    """
    return ops.reshape(kernel, (-1, kernel.shape[-1]))


# Name -> what makes it of a learning rate or schedule.
OPTIMIZERS = {"adam": keras.optimizers.Adam, "muon": ConvolutionalMuon}
