"""Trains an inverter through its frozen target: RecCNN (L1) on any Keras backend, or RecGAN.

Source: Comanducci et al., "Reconstructing Speech from CNN Embeddings" (IEEE SPL 2021).
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import keras

from vggish_inversion import datasets, features, folders, training_run
from vggish_inversion.inverters import adversarial, distribution, network, optimizers
from vggish_inversion.targets import encoder, hub

_MAX_VALIDATION_PATCHES = 1024
# The part of the inverter's rate that RecGAN's discriminator, by Adam, has: as published beside
# Adam; beside Muon so that its default, 0.002, gives the published 0.0001.
_DISCRIMINATOR_RATES = {"adam": 1.0, "muon": 0.05}

LOSSES = ("l1", "gan")
OPTIMIZERS = tuple(optimizers.OPTIMIZERS)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How an inverter is trained.

    Attributes:
        preset: of `network.build_inverter`.
        loss: "l1" is RecCNN, "gan" is RecGAN: 100 * L1 + adversarial.
        num_epochs: an epoch sees as many random patches as fit into the corpus side by side.
        batch_size: patches per step.
        learning_rate: peak of the cosine schedule.
        optimizer: "muon", or "adam", the published one, which needs several times as many patches
            (docs/experiments.md). RecGAN's discriminator always has Adam, at the same rate beside
            "adam", as published, and at a twentieth of it beside "muon".
        seed: of weights and patches.
        precision: what the layers compute in, the frozen target's too; weights, outputs and losses
            are float32, and so is the inverter that is written in the end.
        jit_compile: whether XLA compiles the step.
        initial_weights: a `.keras` file of the same inverter to begin with, such as RecCNN's for
            RecGAN.
    """

    preset: str = "paper"
    loss: str = "l1"
    num_epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 2e-3
    optimizer: str = "muon"
    seed: int = 0
    precision: str = "float32"
    jit_compile: bool = False
    initial_weights: str | None = None


def build_training_model(
    target: encoder.TargetEncoder, layer: str, config: TrainConfig
) -> tuple[keras.Model, keras.Model]:
    """Chains the frozen target up to a tap and a new inverter.

    Returns:
        The chain `[batch, frames, bands]` log-mel in nats -> patches in network range, and the
        inverter within it.
    """
    inverter = _build_inverter(target, layer, config, precision=config.precision)
    frozen = _in_precision(target.up_to(layer), config.precision)
    patches = keras.Input((target.log_mel.patch_frames, target.log_mel.num_bands), name="log_mel")
    return keras.Model(patches, inverter(frozen(patches, training=False))), inverter


def _in_precision(frozen: keras.Model, precision: str) -> keras.Model:
    """A copy that computes in another precision; a network with parts of its own stays as it is."""
    plain = all(
        type(layer).__module__.startswith("keras.") and not isinstance(layer, keras.Model)
        for layer in frozen.layers
    )
    if precision == "float32" or not plain:
        return frozen
    copy = keras.models.clone_model(
        frozen,
        clone_function=lambda layer: type(layer).from_config(
            {**layer.get_config(), "dtype": precision}
        ),
    )
    copy.set_weights(frozen.get_weights())
    copy.trainable = False
    return copy


def _build_inverter(target, layer: str, config: TrainConfig, *, precision: str) -> keras.Model:
    with training_run.computing_in(precision):
        return network.build_inverter(
            target.tap(layer).shape, preset=config.preset, params=target.log_mel, seed=config.seed
        )


def train_inverter(
    target: encoder.TargetEncoder,
    layer: str,
    config: TrainConfig,
    *,
    train: datasets.TrainingData,
    validation: datasets.TrainingData,
    run_dir: str | pathlib.Path,
    settings: Mapping,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Trains one inverter, going on where the run folder left off.

    Args:
        target: the frozen network.
        layer: the tap.
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
    settings = {
        **settings,
        "target": target.name,
        "target_weights": target.weights,
        "target_seed": target.seed,
        "target_fingerprint": target.fingerprint,
        "layer": tap.name,
        "tap_shape": list(tap.shape),
        "train_data": train.fingerprint,
        "validation_data": validation.fingerprint,
        "log_mel": dataclasses.asdict(target.log_mel),
        **dataclasses.asdict(config),
    }
    with training_run.open_run(run_dir, settings, writes=chief):
        return _train(target, layer, config, train, validation, run_dir, callbacks, chief)


def _train(target, layer, config, train, validation, run_dir, callbacks, chief) -> keras.Model:
    """Trains in a run's folder that is open; see `train_inverter`."""
    path = run_dir / "inverter.keras"
    if path.is_file() and not distribution.is_distributed():
        # Written again it would hold another date, and evaluation would take it for another
        # inverter. A damaged one is written again, from the checkpoint.
        with contextlib.suppress(hub.WeightsError):
            return hub.read_keras_model(path)
    keras.utils.set_random_seed(config.seed)
    steps_per_epoch = max(1, train.num_patches // config.batch_size)
    model, inverter, variables = _assemble(target, layer, config, steps_per_epoch)
    checkpoint = training_run.Checkpoint(
        run_dir, variables, examples_per_epoch=steps_per_epoch * config.batch_size, writes=chief
    )
    epochs_done = checkpoint.restore()
    if config.initial_weights and not epochs_done:
        hub.load_keras_weights(inverter, config.initial_weights)
    if epochs_done < config.num_epochs:
        held_out = validation.grid_patches(_MAX_VALIDATION_PATCHES)
        fit = {
            "validation_data": (held_out, features.scale_log_mel(held_out)),
            "epochs": config.num_epochs,
            "initial_epoch": epochs_done,
            "steps_per_epoch": steps_per_epoch,
            "callbacks": [checkpoint, *(callbacks if chief else ())],
        }
        batches = _labelled_batches(train, config, first_step=epochs_done * steps_per_epoch)
        with train.damage_named():
            if distribution.is_distributed():
                distribution.fit(model, batches, batch_size=config.batch_size, **fit)
            else:
                model.fit(batches, verbose=2, **fit)
    trained, inverter = inverter, _build_inverter(target, layer, config, precision="float32")
    inverter.set_weights(trained.get_weights())
    if chief:
        checkpoint.write_history()
        with folders.write_file(path) as unfinished:
            inverter.save(unfinished)
    return inverter


def _assemble(target, layer: str, config: TrainConfig, steps_per_epoch: int):
    """The compiled model, the inverter within it, and all that a checkpoint has to keep."""
    model, inverter = build_training_model(target, layer, config)
    num_steps = config.num_epochs * steps_per_epoch
    variables = [*inverter.variables]
    if config.loss == "gan":
        with training_run.computing_in(config.precision):
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
    return model, inverter, [*variables, *optimizer.variables]


def _optimizer(name: str, peak_rate: float, num_steps: int, config: TrainConfig):
    schedule = keras.optimizers.schedules.CosineDecay(peak_rate, num_steps, alpha=0.01)
    optimizer = optimizers.OPTIMIZERS[name](schedule)
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _labelled_batches(train: datasets.TrainingData, config: TrainConfig, *, first_step: int):
    """Patches with themselves, in network range, as labels, in the form the backend reads best."""

    def label(patches):
        return patches, features.scale_log_mel(patches)

    place = {"batch_size": config.batch_size, "seed": config.seed, "first_step": first_step}
    if keras.backend.backend() == "tensorflow":
        return train.batch_dataset(**place).map(label)
    return (label(patches) for patches in train.batches(**place))
