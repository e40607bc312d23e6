"""Trains for some minutes: the learning rate falls as time passes, and the last step ends with it.

An epoch is a slice of time, whose steps are counted from the rate that was measured, so that a kill
costs a slice at most, however large the corpus is.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

_SLICES, _SLICE_SECONDS = 20, (2.0, 60.0)
_FIRST_STEPS = 5  # of the first slice, which measures the rate
_FLOOR = 0.01  # of the peak, as the cosine over steps ends


class Clock(keras.callbacks.Callback):
    """Lowers learning rates with time, and ends the training when it is up.

    Attributes:
        is_over: whether a step has ended after the time.
        num_steps: all that were trained, those of before among them.
    """

    def __init__(
        self,
        minutes: float,
        optimizers: Sequence[tuple[keras.optimizers.Optimizer, float]],
        *,
        history: Sequence[Mapping[str, float]] = (),
        examples_per_step: int,
    ):
        """Starts the clock.

        Args:
            minutes: of the whole training, validation and what was trained before among them.
            optimizers: each with the peak of its rate.
            history: of the epochs that are done, as this clock wrote it into their logs.
            examples_per_step: the batch.
        """
        super().__init__()
        self._seconds = 60 * minutes
        self._optimizers = optimizers
        self._examples_per_step = examples_per_step
        self._before = seconds_done(history)
        self._started = self._step_ended = time.monotonic()
        self.num_steps = int(history[-1]["num_steps"]) if history else 0
        self._slice_steps, self._step_seconds = 0, math.inf
        self.is_over = False

    def __repr__(self) -> str:
        """What it is."""
        return f"<Clock: {self._passed():.0f} of {self._seconds:.0f} s, {self.num_steps} steps>"

    def _passed(self) -> float:
        return self._before + time.monotonic() - self._started

    def steps_of_slice(self) -> int:
        """Steps that the next slice of time has room for."""
        if math.isinf(self._step_seconds):
            return _FIRST_STEPS
        low, high = _SLICE_SECONDS
        seconds = min(high, max(low, self._seconds / _SLICES))
        return max(1, round(seconds / max(self._step_seconds, 1e-4)))

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the rates of this slice."""
        share = min(1.0, self._passed() / self._seconds)
        part = _FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * share)) / 2
        for optimizer, peak in self._optimizers:
            optimizer.learning_rate = part * peak
        self._slice_steps = 0

    def on_train_batch_end(self, batch, logs=None):
        """Measures the step; the training ends with the first that is too late."""
        now = time.monotonic()
        if self._slice_steps:  # the first of a slice may have to build the function
            seconds, last = now - self._step_ended, self._step_seconds
            self._step_seconds = seconds if math.isinf(last) else 0.8 * last + 0.2 * seconds
        self._step_ended = now
        self._slice_steps += 1
        self.num_steps += 1
        if self._passed() >= self._seconds:
            assert self.model is not None  # set by fit
            self.is_over = self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        """Tells the checkpoint, which comes next, how long it was."""
        if logs is not None:
            logs["num_examples"] = self._slice_steps * self._examples_per_step
            logs |= {"seconds": self._passed(), "num_steps": self.num_steps}


def seconds_done(history: Sequence[Mapping[str, float]]) -> float:
    """Seconds of the epochs that a clock wrote; 0 if there are none."""
    return float(history[-1]["seconds"]) if history else 0.0


def fit(
    model: keras.Model,
    batches_from: Callable[[int], Any],
    clock: Clock,
    *,
    epochs_done: int,
    callbacks: Sequence[keras.callbacks.Callback],
    validation_data: Any,
) -> None:
    """Trains until the clock is over; at least one step.

    Args:
        model: compiled.
        batches_from: gives the batches from a step on.
        clock: among the callbacks, too, before the checkpoint.
        epochs_done: of before.
        callbacks: as for `model.fit`.
        validation_data: measured at the end of every slice.
    """
    epoch = epochs_done
    while not clock.is_over:
        model.fit(
            batches_from(clock.num_steps),
            verbose=2 if keras.utils.is_interactive_logging_enabled() else 0,
            initial_epoch=epoch,
            epochs=epoch + 1,
            steps_per_epoch=clock.steps_of_slice(),
            callbacks=list(callbacks),
            validation_data=validation_data,
        )
        epoch += 1
