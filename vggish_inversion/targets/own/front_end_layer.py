"""A front end as a layer, between the samples that a target hears and the network."""

import dataclasses
from typing import Any

import keras

from vggish_inversion import features


@keras.saving.register_keras_serializable("vggish_inversion")
class FrontEndLayer(keras.layers.Layer):
    """`[batch, samples]` -> what a network takes, in float32 whatever the network computes in."""

    def __init__(self, front_end: Any, name: str = "target_front_end", **kwargs: Any):
        """Keeps the front end.

        Args:
            front_end: a `LogMel`, `LogSpectrogram` or `Waveform`, or what `features.describe` gives
                of one.
            name: of the layer.
            kwargs: of `keras.layers.Layer`; it is float32 and not trained in any case.
        """
        super().__init__(name=name, **{**kwargs, "trainable": False, "dtype": "float32"})
        if not dataclasses.is_dataclass(front_end):
            front_end = features.described(front_end)
        self.front_end = front_end

    def call(self, waveform):
        """What the network is given for each window."""
        return self.front_end(waveform)

    def compute_output_shape(self, input_shape):
        """`(batch, frames, bands)`, or `(batch, samples)`."""
        return (input_shape[0], *self.front_end.shape)

    def get_config(self) -> dict[str, Any]:
        """The settings, as JSON has them."""
        return {**super().get_config(), "front_end": features.describe(self.front_end)}
