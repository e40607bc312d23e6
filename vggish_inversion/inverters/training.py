"""RecCNN: trains an inverter through its frozen target, with L1 loss, on any Keras backend.

A run is a folder, written so that it can be killed at any moment: `config.json` (every setting),
`checkpoint.npz` (weights, optimiser and history, replaced in one step at the end of each epoch),
`history.csv`, `tensorboard/`, and in the end `inverter.keras`.
"""

import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np

from vggish_inversion import data, features
from vggish_inversion.inverters import network
from vggish_inversion.targets import encoder

_MAX_VALIDATION_PATCHES = 1024

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")

# Settings that tell where a run was made, not what it is; the data has a fingerprint.
_MAY_DIFFER = {"command", "versions", "data_dir"}


class RunError(ValueError):
    """A run folder cannot be used; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How an inverter is trained.

    Attributes:
        preset: of `network.build_inverter`.
        num_epochs: an epoch sees as many random patches as fit into the corpus side by side.
        batch_size: patches per step.
        learning_rate: peak of the cosine schedule (Adam).
        seed: of weights and patches.
        precision: what the layers compute in; weights, outputs and losses are float32, and so is
            the inverter that is written in the end.
        jit_compile: whether XLA compiles the step.
    """

    preset: str = "paper"
    num_epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 2e-3
    seed: int = 0
    precision: str = "float32"
    jit_compile: bool = False


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers that are built inside compute in this precision.

    Raises:
        ValueError: on an unknown precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"no precision {precision!r}; there are: {' '.join(PRECISIONS)}")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build_training_model(
    target: encoder.TargetEncoder, layer: str, config: TrainConfig
) -> tuple[keras.Model, keras.Model]:
    """Chains the frozen target up to a tap and a new inverter.

    Returns:
        The chain `[batch, frames, bands]` log-mel in nats -> patches in network range, and the
        inverter within it.
    """
    inverter = _build_inverter(target, layer, config, precision=config.precision)
    frozen = target.up_to(layer)
    patches = keras.Input((target.log_mel.patch_frames, target.log_mel.num_bands), name="log_mel")
    return keras.Model(patches, inverter(frozen(patches, training=False))), inverter


def _build_inverter(target, layer: str, config: TrainConfig, *, precision: str) -> keras.Model:
    with computing_in(precision):
        return network.build_inverter(
            target.tap(layer).shape, preset=config.preset, params=target.log_mel, seed=config.seed
        )


class Checkpoint(keras.callbacks.Callback):
    """Keeps the whole state of a run in one file, replaced at the end of every epoch.

    Keras' BackupAndRestore writes several files one after the other; a kill between them loses
    the run. This one is renamed into place.
    """

    def __init__(
        self,
        run_dir: pathlib.Path,
        trained: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        *,
        patches_per_epoch: int,
    ):
        """Keeps `trained` (the inverter) and `optimizer`; the frozen target needs no keeping."""
        super().__init__()
        self._path = run_dir / "checkpoint.npz"
        self._history_path = run_dir / "history.csv"
        self._trained = trained
        self._optimizer = optimizer
        self._patches_per_epoch = patches_per_epoch
        self.history: list[dict[str, float]] = []
        self._epoch_started = 0.0

    def restore(self) -> int:
        """Puts back what was kept; returns the number of epochs that are done."""
        if not self._path.is_file():
            return 0
        self._optimizer.build(self._trained.trainable_variables)
        with np.load(self._path, allow_pickle=False) as kept:
            variables = self._variables()
            if len(kept.files) != len(variables) + 1:
                raise RunError(f"{self._path} is of another network; use a new output folder")
            for index, variable in enumerate(variables):
                variable.assign(kept[f"variable_{index}"])
            self.history = json.loads(str(kept["history"]))
        return len(self.history)

    def _variables(self):
        return [*self._trained.variables, *self._optimizer.variables]

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the epoch's clock."""
        self._epoch_started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Writes the checkpoint, then the history.

        Raises:
            RunError: if a loss is not finite; the checkpoint of the epoch before is kept.
        """
        if not np.all(np.isfinite(list((logs or {}).values()))):
            raise RunError(
                f"epoch {epoch + 1} of {self._path.parent} ended with a loss that is not finite; "
                f"the weights of epoch {epoch} are kept: start a new run with a smaller "
                "learning_rate, or in float32"
            )
        seconds = time.monotonic() - self._epoch_started
        self.history.append(
            {
                "epoch": epoch + 1,
                "num_patches": (epoch + 1) * self._patches_per_epoch,
                **{name: float(value) for name, value in (logs or {}).items()},
                "patches_per_second": self._patches_per_epoch / seconds,
            }
        )
        arrays = {
            f"variable_{index}": np.asarray(keras.ops.convert_to_numpy(variable))
            for index, variable in enumerate(self._variables())
        }
        unfinished = self._path.with_suffix(".tmp.npz")
        np.savez(unfinished, history=json.dumps(self.history), **arrays)
        os.replace(unfinished, self._path)
        self.write_history()

    def write_history(self):
        """Writes history.csv: a row per epoch, losses in network range (a tenth of a nat)."""
        if not self.history:
            return
        with open(self._history_path, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.history[-1].keys())
            writer.writeheader()
            writer.writerows(self.history)


def open_run(run_dir: pathlib.Path, settings: Mapping) -> None:
    """Writes config.json, or checks that a run that goes on has the same settings.

    Raises:
        RunError: if a setting differs; the message names each.
    """
    path = run_dir / "config.json"
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        names = sorted((kept.keys() | settings.keys()) - _MAY_DIFFER)
        different = [
            f"{name} {kept.get(name)!r} -> {settings.get(name)!r}"
            for name in names
            if kept.get(name) != settings.get(name)
        ]
        if different:
            raise RunError(
                f"{run_dir} holds a run with other settings ({'; '.join(different)}); "
                "use the same settings or another output folder"
            )
        return
    run_dir.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def train_inverter(
    target: encoder.TargetEncoder,
    layer: str,
    config: TrainConfig,
    *,
    train: data.LogMelCache,
    validation: data.LogMelCache,
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
        RunError: if the folder holds a run with other settings.
        ValueError: on an unknown layer or preset.
    """
    run_dir = pathlib.Path(run_dir)
    tap = target.tap(layer)
    open_run(
        run_dir,
        {
            **settings,
            "target": target.name,
            "target_weights": target.weights,
            "target_seed": target.seed,
            "target_fingerprint": target.fingerprint,
            "layer": tap.name,
            "tap_shape": list(tap.shape),
            "loss": "l1",
            "train_data": train.fingerprint,
            "validation_data": validation.fingerprint,
            "log_mel": dataclasses.asdict(target.log_mel),
            **dataclasses.asdict(config),
        },
    )
    keras.utils.set_random_seed(config.seed)
    model, inverter = build_training_model(target, layer, config)
    steps_per_epoch = max(1, train.num_patches // config.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate, config.num_epochs * steps_per_epoch, alpha=0.01
    )
    optimizer = keras.optimizers.Adam(schedule)
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    checkpoint = Checkpoint(
        run_dir, inverter, optimizer, patches_per_epoch=steps_per_epoch * config.batch_size
    )
    epochs_done = checkpoint.restore()
    model.compile(
        optimizer,
        keras.losses.MeanAbsoluteError(),
        jit_compile=config.jit_compile,
        auto_scale_loss=False,
    )
    if epochs_done < config.num_epochs:
        held_out = validation.grid_patches(_MAX_VALIDATION_PATCHES)
        model.fit(
            _labelled_batches(train, config, first_step=epochs_done * steps_per_epoch),
            validation_data=(held_out, features.scale_log_mel(held_out)),
            epochs=config.num_epochs,
            initial_epoch=epochs_done,
            steps_per_epoch=steps_per_epoch,
            callbacks=[checkpoint, *callbacks],
            verbose=2,
        )
    checkpoint.write_history()
    trained, inverter = inverter, _build_inverter(target, layer, config, precision="float32")
    inverter.set_weights(trained.get_weights())
    unfinished = run_dir / "unfinished.keras"
    inverter.save(unfinished)
    os.replace(unfinished, run_dir / "inverter.keras")
    return inverter


def _labelled_batches(train: data.LogMelCache, config: TrainConfig, *, first_step: int):
    """Patches with themselves, in network range, as labels, in the form the backend reads best."""

    def label(patches):
        return patches, features.scale_log_mel(patches)

    place = {"batch_size": config.batch_size, "seed": config.seed, "first_step": first_step}
    if keras.backend.backend() == "tensorflow":
        return data.random_batch_dataset(train, **place).map(label)
    return (label(patches) for patches in data.random_batches(train, **place))
