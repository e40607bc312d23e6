"""Folders that training leaves, of inverters and vocoders, and their readers."""

import dataclasses
import json
import pathlib
import shutil
import tarfile

import numpy as np

from fuzzing import readers
from fuzzing.readers import Reader


def write_run(folder: pathlib.Path) -> None:
    """An inverter's folder, as training leaves it."""
    for name in ("config.json", "history.csv", "inverter.keras"):
        shutil.copy(readers.INVERTER / name, folder / name)


def write_run_archive(folder: pathlib.Path) -> None:
    """The same as a .tar.gz."""
    with tarfile.open(folder / "run.tar.gz", "w:gz") as archive:
        for name in ("config.json", "history.csv", "inverter.keras"):
            archive.add(readers.INVERTER / name, f"run/{name}")


def checkpoint_variables() -> list:
    """Stands for the weights and optimisers of a run."""
    import keras

    return [keras.Variable(np.arange(12.0).reshape(3, 4)), keras.Variable(np.zeros(3))]


def write_unfinished_run(folder: pathlib.Path) -> None:
    """config.json and checkpoint.npz of a run that was killed."""
    from vggish_inversion.training import checkpoints, run_folder

    checkpoint = checkpoints.Checkpoint(folder, checkpoint_variables(), examples_per_epoch=8)
    with run_folder.open_run(folder, run_settings()):
        for epoch in range(2):
            checkpoint.on_epoch_begin(epoch)
            checkpoint.on_epoch_end(epoch, {"loss": 0.1, "val_loss": 0.2})


def run_settings() -> dict:
    """Of `write_unfinished_run`."""
    return {"target": "vggish", "layer": "conv4", "log_mel": {"num_bands": 64}, "seed": 0}


def write_vocoder(folder: pathlib.Path) -> None:
    """A trained vocoder's folder, with a network of few weights."""
    from vggish_inversion import features
    from vggish_inversion.vocoders import vocos

    params = features.LogMelParams()
    vocos.build_generator(params, width=8).save(folder / "vocoder.keras")
    config = {"vocoder": "vocos", "log_mel": dataclasses.asdict(params)}
    (folder / "config.json").write_text(json.dumps(config))


def _read_run(folder, output):
    from vggish_inversion.inverters import run, search

    trained = run.read_run(folder)
    trained.load_model()
    target = trained.load_target()
    trained.check_target(target)
    search.best_runs(search.find_runs(folder, target, layers=None))


def _store_run(folder, output):
    from vggish_inversion.inverters import card

    card.store_inverter(folder, output / "store")


def _read_run_archive(folder, _):
    from vggish_inversion.reconstruction import store

    store.load_reconstructor(str(folder / "run.tar.gz"))


def _resume_run(folder, _):
    from vggish_inversion.training import checkpoints, run_folder

    variables = checkpoint_variables()
    with run_folder.open_run(folder, run_settings()):
        checkpoints.Checkpoint(folder, variables, examples_per_epoch=8).restore()


def _read_vocoder(folder, _):
    from vggish_inversion import features, vocoders

    vocoders.load_vocoder(str(folder), features.LogMelParams())


READERS = (
    Reader("run folders", "inverter", write_run, "*", _read_run, 2),
    Reader("run folders", "inverter, stored", write_run, "*.[jc]s*", _store_run),
    Reader("run folders", "inverter.tar.gz", write_run_archive, "*", _read_run_archive),
    Reader("run folders", "checkpoint", write_unfinished_run, "c*.*", _resume_run, 2),
    Reader("run folders", "vocoder", write_vocoder, "*", _read_vocoder),
)  # fmt: skip
