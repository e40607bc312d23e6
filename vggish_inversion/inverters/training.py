"""Trains an inverter through its frozen target: RecCNN (L1) on any Keras backend, or RecGAN.

Source: Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL 2021).
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import keras
from absl import logging

from vggish_inversion import features
from vggish_inversion.data import training_data
from vggish_inversion.files import folders, hub
from vggish_inversion.inverters import adversarial, chain, origin
from vggish_inversion.inverters.config import LOSSES, MODEL_FILE, OPTIMIZERS, TrainConfig
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap, ViewedTap
from vggish_inversion.training import (
    batch_norm,
    checkpoints,
    distribution,
    optimizers,
    run_folder,
)

_MAX_VALIDATION_PATCHES = 1024
_MIN_STEPS, _MIN_MINUTES = 500, 10  # for speech that can be understood; shallow taps need no more
# The part of the inverter's rate that RecGAN's discriminator, by Adam, has: as published beside
# Adam; beside Muon so that its default, 0.002, gives the published 0.0001.
_DISCRIMINATOR_RATES = {"adam": 1.0, "muon": 0.05}


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
        **dataclasses.asdict(config),
        **run_folder.describe_initial_weights(config.initial_weights),
        "num_views": viewed.views.num_views,
        **({} if viewed.views.is_even else {"context_frames": viewed.views.context_frames}),
    }
    with run_folder.open_run(run_dir, settings, writes=chief):
        return _train(target, viewed, config, train, validation, run_dir, callbacks, chief)


def _train(target, viewed, config, train, validation, run_dir, callbacks, chief) -> keras.Model:
    """Trains in a run's folder that is open; see `train_inverter`."""
    path = run_dir / MODEL_FILE
    if path.is_file() and not distribution.is_distributed():
        # Written again it would hold another date, and evaluation would take it for another
        # inverter. A damaged one is written again, from the checkpoint.
        with contextlib.suppress(hub.WeightsError):
            return hub.read_keras_model(path)
    keras.utils.set_random_seed(config.seed)
    steps_per_epoch = max(1, train.num_patches // config.batch_size)
    context = viewed.views.context_frames
    train, validation = train.with_context(context), validation.with_context(context)
    _warn_of_little(train, steps_per_epoch * config.num_epochs)
    model, whole, inverter, variables = assemble(target, viewed, config, steps_per_epoch)
    checkpoint = checkpoints.Checkpoint(
        run_dir, variables, examples_per_epoch=steps_per_epoch * config.batch_size, writes=chief
    )
    epochs_done = checkpoint.restore()
    if config.initial_weights and not epochs_done:
        hub.load_keras_weights(inverter, config.initial_weights)
    if epochs_done < config.num_epochs:
        held_out = validation.grid_patches(_MAX_VALIDATION_PATCHES)
        fit = {
            "validation_data": features.labelled(held_out, target.log_mel),
            "epochs": config.num_epochs,
            "initial_epoch": epochs_done,
            "steps_per_epoch": steps_per_epoch,
            "callbacks": [checkpoint, *(callbacks if chief else ())],
        }
        if not distribution.is_distributed():  # there, batches are large and averages synchronised
            more = _labelled_batches(train, config, first_step=config.num_epochs * steps_per_epoch)
            again = batch_norm.ReestimateAtTheEnd(
                whole,
                (windows for windows, _ in more),
                num_epochs=config.num_epochs,
                num_steps=config.num_epochs * steps_per_epoch,
            )
            fit["callbacks"].insert(0, again)  # before the checkpoint
        batches = _labelled_batches(train, config, first_step=epochs_done * steps_per_epoch)
        with train.damage_named():
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


def assemble(
    target: encoder.TargetEncoder, viewed: ViewedTap, config: TrainConfig, steps_per_epoch: int
) -> tuple[keras.Model, keras.Model, keras.Model, list[keras.Variable]]:
    """The compiled model, the chain and the inverter in it, and what a checkpoint has to keep."""
    model, inverter = chain.build_training_model(target, viewed, config)
    whole = model
    num_steps = config.num_epochs * steps_per_epoch
    variables = [*inverter.variables]
    if config.loss == "gan":
        with run_folder.computing_in(config.precision):
            discriminator = adversarial.build_discriminator(target.log_mel, seed=config.seed)
        if distribution.is_distributed():
            distribution.synchronize_batch_norm(discriminator)
        rate = config.learning_rate * _DISCRIMINATOR_RATES[config.optimizer]
        judge = _optimizer("adam", rate, num_steps, config)
        model = adversarial.RecGan(model, inverter, discriminator, judge)
        variables += model.discriminator_variables
    if distribution.is_distributed():
        distribution.synchronize_batch_norm(inverter)
    optimizer = _optimizer(config.optimizer, config.learning_rate, num_steps, config)
    optimizer.build(inverter.trainable_variables)
    model.compile(
        optimizer,
        keras.losses.MeanAbsoluteError(),
        jit_compile=config.jit_compile,
        auto_scale_loss=False,
    )
    return model, whole, inverter, [*variables, *optimizer.variables]


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


def _optimizer(name: str, peak_rate: float, num_steps: int, config: TrainConfig):
    schedule = keras.optimizers.schedules.CosineDecay(peak_rate, num_steps, alpha=0.01)
    optimizer = optimizers.OPTIMIZERS[name](schedule)
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _labelled_batches(train: training_data.TrainingData, config: TrainConfig, *, first_step: int):
    """Batches with their labels, in the form the backend reads best."""

    def label(windows, patches=None):
        batch = windows if patches is None else (windows, patches)
        return features.labelled(batch, train.params)

    place = {"batch_size": config.batch_size, "seed": config.seed, "first_step": first_step}
    if keras.backend.backend() == "tensorflow":
        return train.batch_dataset(**place).map(label)
    return (features.labelled(batch, train.params) for batch in train.batches(**place))
