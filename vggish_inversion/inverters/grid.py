"""Trains a grid of inverters of one target, one after the other, each in a folder of its own."""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterable, Mapping

from absl import logging

from vggish_inversion import records, training_run
from vggish_inversion.inverters import training
from vggish_inversion.targets import encoder


@dataclasses.dataclass(frozen=True)
class GridRun:
    """One place of the grid.

    Attributes:
        folder: LAYER/PRESET-LOSS below the grid's.
        error: why it could not be trained, in one line; empty if all is well.
    """

    folder: pathlib.Path
    error: str = ""


def run_folder(
    folder: str | pathlib.Path, tap: encoder.Tap, config: training.TrainConfig
) -> pathlib.Path:
    """Where the run of a tap lies."""
    return pathlib.Path(folder) / tap.name / f"{config.preset}-{config.loss}"


def train_grid(
    target: encoder.TargetEncoder,
    taps: Iterable[encoder.Tap],
    configs: Iterable[training.TrainConfig],
    *,
    data: Mapping[str, records.TrainingData],
    folder: str | pathlib.Path,
    settings: Mapping,
    announce: Callable[[str], None],
) -> list[GridRun]:
    """Trains what is not there yet, taps x configs. A run that fails does not stop the rest.

    Args:
        target: the frozen network.
        taps: of it.
        configs: of each tap; two must not share preset and loss.
        data: "train" and "validation".
        folder: receives a run's folder for each place of the grid.
        settings: for config.json; see `training.train_inverter`.
        announce: is told, in one line each, what begins and what it came to; a failure is logged.
    """
    places = list(itertools.product(taps, configs))
    done = []
    for number, (tap, config) in enumerate(places, 1):
        run_dir = run_folder(folder, tap, config)
        announce(f"run {number} of {len(places)}: {run_dir}")
        try:
            training.train_inverter(
                target, tap.name, config, **data, run_dir=run_dir, settings=settings
            )
        except ValueError as error:
            done.append(GridRun(run_dir, str(error)))
            logging.error("%s", error)
            continue
        last = training_run.read_history(run_dir)[-1]
        announce(f"  {last['num_patches']} patches, val_loss {float(last['val_loss']):.4f}")
        done.append(GridRun(run_dir))
    return done
