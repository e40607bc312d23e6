"""The folder of a run, which can be killed at any moment; and reduced precision.

In a run's folder `config.json` holds every setting, `checkpoint.npz` weights, optimisers and
history (replaced in one step at the end of each epoch), `history.csv` a row per epoch; the trained
network is there in the end. Inverters and vocoders are trained so.
"""

import contextlib
import pathlib
from collections.abc import Iterator, Mapping

import keras

from vggish_inversion.files import contents, documents, folders, keras_files
from vggish_inversion.training import PRECISIONS

keras_files.set_keras_defaults()

# Settings that tell where a run was made, not what it is: data and weights have fingerprints.
_MAY_DIFFER = {"command", "versions", "data_dir", "paths", "initial_weights"}
_MAY_DIFFER |= {"target", "target_weights", "target_seed"}
_MAY_DIFFER |= {"target_axes", "target_head"}
_MAY_DIFFER |= {"minutes"}  # more of them go on with the training
# What a run gives in the end; nothing of it is there before the first checkpoint.
_MODELS = ("inverter.keras", "vocoder.keras")
# Settings by which a config.json is known to be of a run, and may be written over.
_OF_ANY_RUN = {"train_data", "validation_data"}


class RunError(ValueError):
    """A run cannot start or go on; the message says why and what to do."""


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
            documents.write_json(path, settings)
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
    if not _has_begun(run_dir):
        for name in _MODELS:  # trained elsewhere, it would be taken for what this run gives
            if (run_dir / name).is_file():
                raise RunError(
                    f"{run_dir / name} is there already, without the history of a run; begin with "
                    "it by --initial_weights, or use another output folder"
                )
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
