"""What every training shares: a folder that can be killed at any moment, and reduced precision.

In a run's folder `config.json` holds every setting, `checkpoint.npz` weights, optimisers and
history (replaced in one step at the end of each epoch), `history.csv` a row per epoch; the trained
network is there in the end. Inverters and vocoders are trained so.
"""

import contextlib
import csv
import json
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np

from vggish_inversion.files import contents, documents, folders, keras_defaults, npz
from vggish_inversion.training import PRECISIONS

keras_defaults.use_ours()

# Settings that tell where a run was made, not what it is: data and weights have fingerprints.
_MAY_DIFFER = {"command", "versions", "data_dir", "paths", "initial_weights"}
_MAY_DIFFER |= {"target", "target_weights", "target_seed"}
# Settings by which a config.json is known to be of a run, and may be written over.
_OF_ANY_RUN = {"train_data", "validation_data"}


class RunError(ValueError):
    """A run cannot start or go on; the message says why and what to do."""


class Checkpoint(keras.callbacks.Callback):
    """Keeps the whole state of a run in one file, replaced at the end of every epoch.

    Keras' BackupAndRestore writes several files one after the other; a kill between them loses
    the run. This one is renamed into place.
    """

    def __init__(
        self,
        run_dir: pathlib.Path,
        variables: Sequence[keras.Variable],
        *,
        examples_per_epoch: int,
        example: str = "patches",
        writes: bool = True,
    ):
        """Keeps state.

        Args:
            run_dir: the run's folder.
            variables: of all that learns, and of its optimisers.
            examples_per_epoch: how many the network sees.
            example: what they are, for the names of two columns of history.csv.
            writes: of several processes that train together only one does.
        """
        super().__init__()
        self._path = run_dir / "checkpoint.npz"
        self._history_path = run_dir / "history.csv"
        self._variables = variables
        self._examples_per_epoch = examples_per_epoch
        self._example = example
        self._writes = writes
        self.history: list[dict[str, float]] = []
        self._epoch_started = 0.0

    def __repr__(self) -> str:
        """What it is."""
        return f"<Checkpoint {self._path}: {len(self.history)} epochs>"

    def restore(self) -> int:
        """Puts back what was kept; returns the number of epochs that are done."""
        if not self._path.is_file():
            return 0
        shapes = {f"variable_{i}": tuple(item.shape) for i, item in enumerate(self._variables)}
        try:
            arrays, history = npz.read_state(self._path, shapes=shapes, text="history")
            self.history = _parse_history(history)
        except ValueError as error:
            raise RunError(
                f"{self._path} is damaged, or of another network ({error}); put back a copy of it, "
                "or use a new output folder"
            ) from error
        for name, variable in zip(shapes, self._variables, strict=True):
            variable.assign(arrays[name])
        return len(self.history)

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
        logs = {} if logs is None else logs
        # into the logs, so that TensorBoard's callback, which comes next, shows it
        logs[f"{self._example}_per_second"] = self._examples_per_epoch / seconds
        self.history.append(
            {
                "epoch": epoch + 1,
                f"num_{self._example}": (epoch + 1) * self._examples_per_epoch,
                **{name: float(value) for name, value in logs.items()},
            }
        )
        if not self._writes:
            return
        arrays = {
            f"variable_{index}": np.asarray(keras.ops.convert_to_numpy(variable))
            for index, variable in enumerate(self._variables)
        }
        with folders.write_file(self._path) as unfinished:
            np.savez(unfinished, history=json.dumps(self.history), **arrays)
        self.write_history()

    def write_history(self):
        """Writes history.csv: a row per epoch."""
        if not self.history:
            return
        with (
            folders.write_file(self._history_path) as unfinished,
            open(unfinished, "w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, self.history[-1].keys(), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.history)


def _parse_history(text: str) -> list[dict[str, float]]:
    """The rows that a checkpoint keeps.

    Raises:
        ValueError: if they are none.
    """
    try:
        rows = json.loads(text)
    except RecursionError as error:
        raise ValueError("its history is nested without end") from error
    if not isinstance(rows, list) or not rows:
        raise ValueError("its history has no rows")
    for row in rows:
        if not isinstance(row, dict) or not all(isinstance(v, (int, float)) for v in row.values()):
            raise ValueError("its history is no table of numbers")
    return rows


def read_history(run_dir: pathlib.Path) -> list[dict[str, str]]:
    """The rows of history.csv.

    Raises:
        RunError: if it is no table.
    """
    return documents.read_table(run_dir / "history.csv", error=RunError)


@contextlib.contextmanager
def open_run(run_dir: pathlib.Path, settings: Mapping, *, writes: bool = True) -> Iterator[None]:
    """Writes config.json, or checks that a run that goes on has the same settings.

    One that has no checkpoint yet may begin with others: a flag was mistyped, say. A digest of a
    file that is no longer there is not compared: what it gave is in the checkpoint.

    While it is open, no other process can open it to write.

    Args:
        run_dir: the run's folder.
        settings: all that makes the run what it is, and where it was made.
        writes: of several processes that train together only one does.

    Raises:
        RunError: if a setting differs; the message names each.
        folders.FolderBusyError: if another process writes it.
    """
    if not writes:
        _check_settings(run_dir, settings)
        yield
        return
    with folders.sole_writer(run_dir):
        _check_settings(run_dir, settings)
        path = run_dir / "config.json"
        if not (path.is_file() and _has_begun(run_dir)):
            with folders.write_file(path) as unfinished:
                unfinished.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        yield


def describe_initial_weights(path: str | None) -> dict[str, str | None]:
    """The setting that tells which weights a run began with, whatever is at their path later."""
    return {"initial_weights_sha256": contents.digest(path) if path else None}


def setting(run_dir: pathlib.Path, name: str) -> object:
    """A setting of the run that has begun in a folder; None if none has.

    Raises:
        RunError: if its settings cannot be read.
    """
    path = run_dir / "config.json"
    if not (path.is_file() and _has_begun(run_dir)):
        return None
    return documents.read_json(path, error=RunError).get(name)


def _has_begun(run_dir: pathlib.Path) -> bool:
    """Whether there is anything that other settings would spoil."""
    return any((run_dir / name).is_file() for name in ("checkpoint.npz", "history.csv"))


def _check_settings(run_dir: pathlib.Path, settings: Mapping) -> None:
    path = run_dir / "config.json"
    if not path.is_file():
        return
    kept = documents.read_json(path, error=RunError)
    if not _has_begun(run_dir):
        if not kept.keys() >= _OF_ANY_RUN & settings.keys():
            raise RunError(f"{path} is not of a run; use another output folder")
        return
    names = sorted((kept.keys() | settings.keys()) - _MAY_DIFFER)
    different = [
        f"{name} {_shown(kept.get(name))} -> {_shown(settings.get(name))}"
        for name in names
        if kept.get(name) != settings.get(name) and settings.get(name) != contents.UNREADABLE
    ]
    if different:
        raise RunError(
            f"{run_dir} holds a run with other settings ({'; '.join(different)}); "
            "use the same settings or another output folder"
        )


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


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
