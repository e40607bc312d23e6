"""Estimates the statistics of batch normalisation from the data, after few steps of training.

A moving average forgets its start by a hundredth a step: after fifty steps 60 % of it are still the
zeros and ones that it began with, and a network that learned well gives noise. So the averages are
taken anew at the end, over batches, with the weights as they are.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras

_NUM_BATCHES = 32


def normalizations(model: keras.Model) -> Iterator[keras.layers.BatchNormalization]:
    """The batch normalisations in a model that learn, at any depth."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from normalizations(layer)
        elif isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
            yield layer


def reestimate(model: keras.Model, batches: Iterable) -> int:
    """Sets moving means and variances to the means of the batches' own.

    Args:
        model: what takes a batch; the parts of it that are frozen stay as they are.
        batches: inputs of the model, each of as many examples as any other.

    Returns:
        How many batches were seen.
    """
    layers = [(layer, layer.momentum) for layer in normalizations(model)]
    num_seen = 0
    if not layers:
        return num_seen
    try:
        for batch in batches:
            for layer, _ in layers:  # a mean of all so far, rather than a moving one
                layer.momentum = num_seen / (num_seen + 1)
            model(batch, training=True)
            num_seen += 1
    finally:
        for layer, momentum in layers:
            layer.momentum = momentum
    return num_seen


class ReestimateAtTheEnd(keras.callbacks.Callback):
    """Takes the statistics anew after the last step, before the last validation."""

    def __init__(
        self,
        model: keras.Model,
        batches: Iterator[Any],
        *,
        num_steps: int,
        num_epochs: int | None = None,
        is_over: Callable[[], bool] | None = None,
    ):
        """Watches a training.

        Args:
            model: what takes the batches, with the network that learns in it.
            batches: inputs of the model, without end; some are taken.
            num_steps: of the whole training; after few of them, few batches are taken.
            num_epochs: of the whole training.
            is_over: says whether the last step is done, where no one knows how many epochs there
                will be.
        """
        super().__init__()
        self._chain, self._batches, self._num_epochs = model, batches, num_epochs
        self._num_batches = max(4, min(_NUM_BATCHES, num_steps))
        self._is_over = is_over or (lambda: self._epoch + 1 == num_epochs)
        self._epoch = 0

    def __repr__(self) -> str:
        """What it is."""
        span = f"{self._num_epochs} epochs" if self._num_epochs else "some minutes"
        return f"<ReestimateAtTheEnd of {span}, from {self._num_batches} batches>"

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers which epoch it is."""
        self._epoch = epoch

    def on_test_begin(self, logs=None):
        """Takes them anew if nothing more will be learned."""
        if self._is_over():
            reestimate(self._chain, (next(self._batches) for _ in range(self._num_batches)))
