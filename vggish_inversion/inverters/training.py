"""Trains an inverter through its frozen target: RecCNN (L1) on any Keras backend, or RecGAN.

Source: Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL 2021).
"""

import contextlib
import math
import pathlib
from collections.abc import Mapping, Sequence

import keras
from absl import logging

from vggish_inversion import features
from vggish_inversion.data import training_data
from vggish_inversion.files import folders, hub
from vggish_inversion.inverters import assembly, chain, origin
from vggish_inversion.inverters.config import LOSSES, MODEL_FILE, OPTIMIZERS, TrainConfig
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap
from vggish_inversion.training import (
    batch_norm,
    checkpoints,
    clock,
    distribution,
    run_folder,
)

_MAX_VALIDATION_PATCHES = 1024
_FAR_STEP = 1 << 40  # past all that are trained by the clock
_MIN_STEPS, _MIN_MINUTES = 500, 10  # for speech that can be understood; shallow taps need no more


def train_inverter(
    target: encoder.TargetEncoder,
    layer: str | Tap,
    config: TrainConfig,
    *,
    train: training_data.TrainingData,
    validation: training_data.TrainingData,
    run_dir: str | pathlib.Path,
    settings: Mapping,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Trains one inverter, going on where the run folder left off.

    Args:
        target: the frozen network.
        layer: the tap, or its name or alias.
        config: how to train.
        train: log-mel to learn from.
        validation: log-mel to measure on at the end of each epoch; at most 1024 of its patches.
        run_dir: the run's folder; created if need be.
        settings: what config.json keeps beside target, data and `config`: versions, command.
        callbacks: TensorBoard's, for example.

    Returns:
        The trained inverter, as written to `inverter.keras`.

    Raises:
        RunError: if the folder holds a run with other settings, or a loss is not finite.
        folders.FolderBusyError: if another process trains there.
        WeightsError: if the initial weights cannot be read, or are of another inverter.
        ValueError: on an unknown layer, preset, loss, optimizer or precision.
    """
    run_dir = pathlib.Path(run_dir)
    tap = target.tap(layer)
    if config.loss not in LOSSES:
        raise ValueError(f"no loss {config.loss!r}; losses are: {' '.join(LOSSES)}")
    if config.optimizer not in OPTIMIZERS:
        raise ValueError(
            f"no optimizer {config.optimizer!r}; optimizers are: {' '.join(OPTIMIZERS)}"
        )
    chief = distribution.is_chief()
    viewed = chain.view_tap(target, tap, config)
    settings = {
        **settings,
        **origin.describe_target(target, run_dir),
        "layer": tap.name,
        "tap_shape": list(tap.shape),
        "train_data": train.fingerprint,
        "validation_data": validation.fingerprint,
        **origin.describe_front_end(target),
        **config.describe(),
        **run_folder.describe_initial_weights(config.initial_weights),
        "num_views": viewed.views.num_views,
        **({} if viewed.views.is_even else {"context_frames": viewed.views.context_frames}),
    }
    with run_folder.open_run(run_dir, settings, writes=chief):
        return _train(target, viewed, config, train, validation, run_dir, callbacks, chief)


def _train(target, viewed, config, train, validation, run_dir, callbacks, chief) -> keras.Model:
    """Trains in a run's folder that is open; see `train_inverter`."""
    path = run_dir / MODEL_FILE
    if path.is_file() and not distribution.is_distributed() and _is_done(run_dir, config):
        # Written again it would hold another date, and evaluation would take it for another
        # inverter. A damaged one is written again, from the checkpoint.
        with contextlib.suppress(hub.WeightsError):
            return hub.read_keras_model(path)
    keras.utils.set_random_seed(config.seed)
    num_epochs, steps_per_epoch = _epochs(train, config)
    context = viewed.views.context_frames
    train, validation = train.with_context(context), validation.with_context(context)
    if num_epochs:
        _warn_of_little(train, steps_per_epoch * num_epochs)
    num_steps = num_epochs and num_epochs * steps_per_epoch
    model, whole, inverter, variables, rates = assembly.assemble(target, viewed, config, num_steps)
    checkpoint = checkpoints.Checkpoint(
        run_dir, variables, examples_per_epoch=steps_per_epoch * config.batch_size, writes=chief
    )
    epochs_done = checkpoint.restore()
    if config.initial_weights and not epochs_done:
        hub.load_keras_weights(inverter, config.initial_weights)
    fit = {
        "validation_data": features.labelled(held_out_patches(validation, config), target.log_mel),
        "callbacks": [checkpoint, *(callbacks if chief else ())],
    }

    def batches_from(step: int):
        return _labelled_batches(train, config, first_step=step)

    def reestimate(first_step: int, **until) -> None:
        if not distribution.is_distributed():  # there, batches are large, averages synchronised
            more = (windows for windows, _ in batches_from(first_step))
            again = batch_norm.ReestimateAtTheEnd(whole, more, **until)
            fit["callbacks"].insert(0, again)  # before the checkpoint

    with train.damage_named():
        if not num_epochs:
            if not _is_over(checkpoint.history, config):
                timer = clock.Clock(
                    config.minutes or 0,
                    rates,
                    history=checkpoint.history,
                    examples_per_step=config.batch_size,
                )
                fit["callbacks"].insert(0, timer)
                reestimate(_FAR_STEP, num_steps=_MIN_STEPS, is_over=lambda: timer.is_over)
                clock.fit(model, batches_from, timer, epochs_done=epochs_done, **fit)
                _warn_of_little(train, timer.num_steps)
        elif epochs_done < num_epochs:
            fit |= {
                "epochs": num_epochs,
                "initial_epoch": epochs_done,
                "steps_per_epoch": steps_per_epoch,
            }
            reestimate(num_steps, num_epochs=num_epochs, num_steps=num_steps)
            batches = batches_from(epochs_done * steps_per_epoch)
            if distribution.is_distributed():
                distribution.fit(model, batches, batch_size=config.batch_size, **fit)
            else:
                model.fit(batches, verbose=2, **fit)
    trained, inverter = inverter, chain.build_inverter(target, viewed, config, precision="float32")
    inverter.set_weights(trained.get_weights())
    if chief:
        checkpoint.write_history()
        with folders.write_file(path) as unfinished:
            inverter.save(unfinished)
    return inverter


def held_out_patches(
    validation: training_data.TrainingData, config: TrainConfig
) -> training_data.Batch:
    """What a run is measured on at the end of each epoch; fewer where its time is short."""
    return validation.grid_patches(_MAX_VALIDATION_PATCHES // (8 if config.minutes else 1))


def _epochs(train: training_data.TrainingData, config: TrainConfig) -> tuple[int | None, int]:
    """Epochs, which are None where time counts, and the steps of each."""
    steps_per_pass = max(1, train.num_patches // config.batch_size)
    if config.minutes is not None:
        if distribution.is_distributed():
            raise run_folder.RunError(
                "a training of some minutes runs in one process; give epochs or patches to several"
            )
        return None, steps_per_pass
    if config.num_patches is None:
        return config.num_epochs, steps_per_pass
    num_steps = math.ceil(config.num_patches / config.batch_size)
    num_epochs = max(1, round(num_steps / steps_per_pass))
    return num_epochs, math.ceil(num_steps / num_epochs)


def _is_over(history: Sequence[Mapping], config: TrainConfig) -> bool:
    return bool(config.minutes) and clock.seconds_done(history) >= 60 * (config.minutes or 0)


def _is_done(run_dir: pathlib.Path, config: TrainConfig) -> bool:
    """Whether a run that has given its inverter has no minutes left."""
    return config.minutes is None or _is_over(run_folder.read_history(run_dir), config)


def _warn_of_little(train: training_data.TrainingData, num_steps: int) -> None:
    """Says so where a training can hardly give speech."""
    params = train.params
    patch_seconds = params.patch_frames * params.hop_seconds
    minutes = train.num_patches * patch_seconds / 60
    if num_steps < _MIN_STEPS or minutes < _MIN_MINUTES:
        logging.warning(
            "%d steps on %.1f minutes of speech: under %d steps or %d minutes an inverter gives "
            "noise or mumbling; more recordings, more epochs or smaller batches help",
            num_steps,
            minutes,
            _MIN_STEPS,
            _MIN_MINUTES,
        )


def _labelled_batches(train: training_data.TrainingData, config: TrainConfig, *, first_step: int):
    """Batches with their labels, in the form the backend reads best."""

    def label(windows, patches=None):
        batch = windows if patches is None else (windows, patches)
        return features.labelled(batch, train.params)

    place = {"batch_size": config.batch_size, "seed": config.seed, "first_step": first_step}
    if keras.backend.backend() == "tensorflow":
        return train.batch_dataset(**place).map(label)
    return (features.labelled(batch, train.params) for batch in train.batches(**place))
