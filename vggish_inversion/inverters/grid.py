"""Trains a grid of inverters of one target, one after the other, each in a folder of its own."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import keras
from absl import logging

from vggish_inversion.data import training_data
from vggish_inversion.files import failures, names
from vggish_inversion.inverters import training
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap
from vggish_inversion.training import run_folder as training_run


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
    folder: str | pathlib.Path, layer: str, config: training.TrainConfig
) -> pathlib.Path:
    """Where the run of a tap lies; a name that cannot be a folder's is made one."""
    run = f"{config.preset}-{config.loss}"
    # One that cannot be everywhere, such as "a:b", may lie under its own name from before.
    before = pathlib.Path(folder, layer, run)
    return before if _is_folder(before) else pathlib.Path(folder, names.file_name(layer), run)


def _is_folder(path: pathlib.Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def train_grid(
    target: encoder.TargetEncoder,
    places: Sequence[tuple[str | Tap, training.TrainConfig]],
    *,
    data: Mapping[str, training_data.TrainingData],
    folder: str | pathlib.Path,
    settings: Mapping,
    announce: Callable[[str], None],
    callbacks: Callable[[pathlib.Path], Sequence[keras.callbacks.Callback]] = lambda folder: (),
) -> list[GridRun]:
    """Trains what is not there yet. A run that fails does not stop the rest.

    Args:
        target: the frozen network.
        places: a tap, or its name or an alias, and how to train there; no two may share a folder.
        data: "train" and "validation".
        folder: receives a run's folder for each place of the grid.
        settings: for config.json; see `training.train_inverter`.
        announce: is told, in one line each, what begins and what it came to; a failure is logged.
        callbacks: gives those of a run, of its folder: TensorBoard's, for example.
    """
    done = []
    for number, (layer, config) in enumerate(places, 1):
        run_dir = run_folder(folder, layer.name if isinstance(layer, Tap) else layer, config)
        try:
            tap = target.tap(layer)
            run_dir = run_folder(folder, tap.name, config)
            announce(f"run {number} of {len(places)}: {run_dir}")
            training.train_inverter(
                target,
                tap,
                config,
                **data,
                run_dir=run_dir,
                settings=settings,
                callbacks=callbacks(run_dir),
            )
        except BrokenPipeError:  # the reader of what is announced has gone
            raise
        except Exception as error:  # noqa: BLE001  (it is the reason that the run is given)
            logging.debug("%s", run_dir, exc_info=error)
            reason = failures.in_one_line(error)
            done.append(GridRun(run_dir, reason))
            logging.error("%s", reason)
            continue
        last = training_run.read_history(run_dir)[-1]
        announce(f"  {last['num_patches']} patches, val_loss {float(last['val_loss']):.4f}")
        done.append(GridRun(run_dir))
    return done
