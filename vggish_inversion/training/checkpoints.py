"""The state of a run in one file, replaced at the end of every epoch; see `run_folder`."""

import csv
import json
import pathlib
import time
from collections.abc import Sequence

import keras
import numpy as np

from vggish_inversion.files import folders, npz
from vggish_inversion.training import run_folder


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
            examples_per_epoch: how many the network sees, unless `clock.Clock` counts them.
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
            raise run_folder.RunError(
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
            run_folder.RunError: if a loss is not finite; the checkpoint before it is kept.
        """
        if not np.all(np.isfinite(list((logs or {}).values()))):
            raise run_folder.RunError(
                f"epoch {epoch + 1} of {self._path.parent} ended with a loss that is not finite; "
                f"the weights of epoch {epoch} are kept: start a new run with a smaller "
                "learning_rate, or in float32"
            )
        seconds = time.monotonic() - self._epoch_started
        logs = {} if logs is None else logs
        # into the logs, so that TensorBoard's callback, which comes next, shows it
        counted = f"num_{self._example}"
        before = self.history[-1][counted] if self.history else 0
        num_examples = logs.pop("num_examples", self._examples_per_epoch)  # a clock has counted
        logs[f"{self._example}_per_second"] = num_examples / seconds
        self.history.append(
            {
                "epoch": epoch + 1,
                counted: int(before + num_examples),
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
