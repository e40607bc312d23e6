"""Finds and reads model files; hub_models/ is the store of those that ship."""

import os
import pathlib

from vggish_inversion.files.integrity import Source, WeightsError, sha256, write_digest
from vggish_inversion.files.keras_files import load_keras_weights, read_keras_model
from vggish_inversion.files.npz import read_npz
from vggish_inversion.files.weights import read_variables

__all__ = [
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
]

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
