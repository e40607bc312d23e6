"""Fits the ridge inverters of several taps in one pass, each into a run's folder."""

import dataclasses
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.data import training_data
from vggish_inversion.files import documents, folders
from vggish_inversion.inverters import origin, ridge, training
from vggish_inversion.inverters.config import MODEL_FILE, TrainConfig
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
_MAX_PATCHES, _BATCH = 512, 16
_LEAST_ROWS, _MOST_ROWS, _ROOM = 2048, 16384, 8_000_000  # room for numbers seen and told


@dataclasses.dataclass
class _Fit:
    """What is collected for a tap."""

    tap: Tap
    cells: ridge.Cells
    reader: keras.Model
    seen: list[np.ndarray] = dataclasses.field(default_factory=list)
    told: list[np.ndarray] = dataclasses.field(default_factory=list)
    solutions: list[ridge.Solution] = dataclasses.field(default_factory=list)
    errors: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(len(PENALTIES)))


def fit_inverters(
    target: encoder.TargetEncoder,
    taps: Sequence[Tap],
    *,
    train: training_data.TrainingData,
    validation: training_data.TrainingData,
    folders_of: Mapping[str, pathlib.Path],
    settings: Mapping,
    seed: int = 0,
) -> None:
    """Fits the inverters that are not there yet, and writes their runs' folders, each whole.

    The penalty of each is the one of least L1 on `validation`.

    Args:
        target: the frozen network.
        taps: of it.
        train: patches at random places of it are learnt from, at most 512.
        validation: what penalties are chosen on; at most as many patches as a training by minutes
            is measured on, and the same.
        folders_of: by the name of the tap.
        settings: for config.json; see `training.train_inverter`.
        seed: of the places.
    """
    described = {
        tap.name: _describe(target, tap, folders_of[tap.name], train, validation, settings)
        for tap in taps
    }
    missing = [tap for tap in taps if not _is_there(folders_of[tap.name], described[tap.name])]
    if not missing:
        return
    fits = [
        _Fit(tap, ridge.Cells.of(tap.shape, target.log_mel), reader)
        for tap in missing
        for reader in [ridge.build_reader(tap.shape, target.log_mel)]
    ]
    frozen = keras.Model(target.model.input, [target.model.output[tap.name] for tap in missing])
    num_patches = _collect(fits, frozen, train, seed)
    for fit in fits:
        fit.solutions = ridge.solve(np.concatenate(fit.seen), np.concatenate(fit.told), PENALTIES)
        fit.seen, fit.told = [], []
    _measure(fits, frozen, validation)
    for fit in fits:
        best = int(np.argmin(fit.errors))
        found = {"penalty": PENALTIES[best], "num_patches": num_patches}
        row = {"epoch": 1, "num_patches": num_patches, "val_loss": float(fit.errors[best])}
        inverter = ridge.build_inverter(fit.tap.shape, target.log_mel, fit.solutions[best])
        _write(folders_of[fit.tap.name], inverter, {**described[fit.tap.name], **found}, row)


def _collect(fits: Sequence[_Fit], frozen: keras.Model, train, seed: int) -> int:
    """What cells see and tell, at random places; returns how many patches that were."""
    num_batches = max(2, min(_MAX_PATCHES, 4 * train.num_patches) // _BATCH)
    rng = np.random.default_rng(seed)
    batches = train.batches(batch_size=_BATCH, seed=seed)
    for _ in range(num_batches):
        windows, labels = features.labelled(next(batches), train.params)
        for fit, seen in zip(fits, _activations(frozen, windows), strict=True):
            told = fit.cells.told(labels)
            values = fit.reader(seen, training=False)
            values = np.asarray(keras.ops.convert_to_numpy(values))
            width = values.shape[-1] + told.shape[-1]
            wanted = min(_MOST_ROWS, max(_LEAST_ROWS, _ROOM // width))
            num_kept = min(told.shape[1], max(1, wanted // (num_batches * _BATCH)))
            kept = rng.permuted(np.tile(np.arange(told.shape[1]), (_BATCH, 1)), axis=1)
            kept = np.sort(kept[:, :num_kept, np.newaxis], axis=1)
            fit.seen.append(np.take_along_axis(values, kept, 1).reshape(-1, values.shape[-1]))
            fit.told.append(np.take_along_axis(told, kept, 1).reshape(-1, told.shape[-1]))
    return num_batches * _BATCH


def _measure(fits: Sequence[_Fit], frozen: keras.Model, validation) -> None:
    """The L1 of every solution on what was held out, in network range."""
    held_out = training.held_out_patches(validation, TrainConfig(minutes=1))
    windows, labels = features.labelled(held_out, validation.params)
    for first in range(0, len(windows), _BATCH):
        some = labels[first : first + _BATCH]
        activations = _activations(frozen, windows[first : first + _BATCH])
        for fit, activation in zip(fits, activations, strict=True):
            seen = np.asarray(keras.ops.convert_to_numpy(fit.reader(activation, training=False)))
            for index, solution in enumerate(fit.solutions):
                made = fit.cells.join(solution.predict(seen), some.shape[-1])
                fit.errors[index] += np.abs(made - some).sum() / labels.size


def _activations(frozen: keras.Model, windows: np.ndarray) -> list[Any]:
    made = frozen(windows, training=False)
    return list(made) if isinstance(made, (list, tuple)) else [made]


def _describe(target, tap: Tap, folder, train, validation, settings) -> dict[str, Any]:
    return {
        **settings,
        **origin.describe_target(target, folder),
        **origin.describe_front_end(target),
        "layer": tap.name,
        "tap_shape": list(tap.shape),
        "train_data": train.fingerprint,
        "validation_data": validation.fingerprint,
        "preset": ridge.PRESET,
        "loss": ridge.LOSS,
        "num_views": 1,
    }


def _is_there(folder: pathlib.Path, described: Mapping) -> bool:
    """Whether the very inverter is there; one of other data or another network is deleted."""
    if not folder.is_dir():
        return False
    names = ("target_fingerprint", "layer", "tap_shape", "train_data", "validation_data", "log_mel")
    kept = documents.read_json(folder / "config.json")
    if all(kept.get(name) == described[name] for name in names):
        return True
    shutil.rmtree(folder)
    return False


def _write(folder: pathlib.Path, inverter: keras.Model, config: Mapping, row: Mapping) -> None:
    with folders.write_whole(folder) as unfinished:
        inverter.save(unfinished / MODEL_FILE)
        documents.write_json(unfinished / "config.json", config)
        lines = [",".join(row), ",".join(map(str, row.values()))]
        (unfinished / "history.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
