"""Finds, reads and writes models; hub_models/ is the store of those that ship.

A model's folder there, NAME/VERSION, has the model with its digest, its settings, its history and
its card.
"""

import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping

from vggish_inversion.files import documents
from vggish_inversion.files.contents import sha256
from vggish_inversion.files.integrity import Source, WeightsError, write_digest
from vggish_inversion.files.keras_files import load_keras_weights, read_keras_model
from vggish_inversion.files.npz import read_npz
from vggish_inversion.files.weights import read_variables

__all__ = [
    "CARD_FILE",
    "CONFIG_FILE",
    "HISTORY_FILE",
    "MODELS_VARIABLE",
    "Source",
    "WeightsError",
    "find_model",
    "load_keras_weights",
    "models_dir",
    "read_keras_model",
    "read_npz",
    "read_variables",
    "sha256",
    "write_digest",
    "write_model_folder",
]

CONFIG_FILE, CARD_FILE, HISTORY_FILE = "config.json", "README.md", "history.csv"
MODELS_VARIABLE = "VGGISH_INVERSION_MODELS"
_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# In the package where it was installed from a wheel, beside it in a checkout.
_MODELS_ROOTS = (_PACKAGE / "hub_models", _PACKAGE.parent / "hub_models")


def models_dir() -> pathlib.Path:
    """The model store: the folder that VGGISH_INVERSION_MODELS names, else hub_models/."""
    if os.environ.get(MODELS_VARIABLE):
        return pathlib.Path(os.environ[MODELS_VARIABLE])
    return next((root for root in _MODELS_ROOTS if root.is_dir()), _MODELS_ROOTS[-1])


def find_model(name: str, version: int = 1) -> pathlib.Path:
    """The folder of a model that ships with the project: hub_models/NAME/VERSION.

    Args:
        name: slashes are part of it ("small_encoder/speech_commands").
        version: counts from 1.

    Returns:
        The folder, below the one that the environment variable VGGISH_INVERSION_MODELS names if
        it is set.

    Raises:
        WeightsError: if there is none; the message lists the models that are there.
    """
    root = models_dir()
    folder = root / name / str(version)
    if folder.is_dir():
        return folder
    versions = (path for path in root.rglob("*") if path.name.isdigit() and path.is_dir())
    names = sorted(path.relative_to(root).as_posix() for path in versions)
    kind = name.partition("/")[0]
    alike = [model for model in names if model.partition("/")[0] == kind]
    models = " ".join(alike or names)
    raise WeightsError(
        f"{root}: expected the model {name}/{version}, found {models or 'no models'}; choose one "
        f"that is there, train it, or set {MODELS_VARIABLE} to the folder that holds it"
    )


def write_model_folder(
    model_path: pathlib.Path,
    *,
    save: Callable[[pathlib.Path], object] | None,
    describe: Callable[[pathlib.Path], tuple[Mapping, str]],
    beside: Iterable[pathlib.Path] = (),
) -> pathlib.Path:
    """Writes or renews the folder of a model: nothing of it, unless all of it can be made.

    Args:
        model_path: of the model in its folder, such as NAME/VERSION/encoder.keras.
        save: writes the model to the path that it is given; None if it is there and stays.
        describe: takes the path of the model that was saved, and gives its settings, for
            config.json, and the text of its card, for README.md.
        beside: files of the run that are copied, such as its history.

    Returns:
        The folder: the model, its digest (FILE.sha256), settings, card, and what was copied. Files
        of the same names are replaced, the card last.
    """
    folder = model_path.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        unfinished = pathlib.Path(scratch)
        saved = model_path if save is None else unfinished / model_path.name
        if save is not None:
            save(saved)
        settings, card = describe(saved)
        write_digest(saved)
        for path in beside:
            shutil.copyfile(path, unfinished / path.name)
        documents.write_json(unfinished / CONFIG_FILE, settings)
        (unfinished / CARD_FILE).write_text(card, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        for part in sorted(unfinished.iterdir(), key=lambda part: part.name == CARD_FILE):
            os.replace(part, folder / part.name)
    return folder
