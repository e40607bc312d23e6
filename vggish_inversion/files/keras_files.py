"""Reads Keras' own files, into models of the same layers or whole; sets Keras' defaults."""

import contextlib
import pathlib
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging

from vggish_inversion.files import failures, formats, integrity
from vggish_inversion.files.integrity import Source, WeightsError

# What Keras, h5py and zipfile raise at bytes that are no model, or no longer.
_KERAS_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,  # of settings that are another structure
    RuntimeError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_DAMAGED = ("zip_cut_short", "hdf5_cut_short")  # Keras itself says what is wrong with them
_WEIGHTS = ("keras", "keras_2", "hdf5_model", "hdf5_weights", "hdf5", *_DAMAGED)
_MODELS = ("keras", "keras_2", "hdf5_model", *_DAMAGED)

_IMAGE_DATA_FORMAT, _FLOATX = "channels_last", "float32"


def set_keras_defaults() -> None:
    """Sets Keras' defaults to what this package's networks are made with: channels last, float32.

    Keras reads `keras.json` of the user's (`~/.keras`, or `$KERAS_HOME`) when it is imported;
    layers that do not say otherwise take their layout and type from it. Modules that build networks
    call this when they are imported. A warning says what was changed.
    """
    import keras  # here: files are found and told apart without it

    found = {
        "image_data_format": (keras.config.image_data_format(), _IMAGE_DATA_FORMAT),
        "floatx": (keras.config.floatx(), _FLOATX),
    }
    different = {name: pair for name, pair in found.items() if pair[0] != pair[1]}
    if not different:
        return
    keras.config.set_image_data_format(_IMAGE_DATA_FORMAT)
    keras.config.set_floatx(_FLOATX)
    changes = ", ".join(f"{name} {was} -> {ours}" for name, (was, ours) in different.items())
    logging.warning("Keras' defaults (keras.json) are set to what this package needs: %s", changes)


def load_keras_weights(model: Any, path: Source) -> None:
    """Loads a Keras file into a model of the same layers.

    Args:
        model: a built `keras.Model`.
        path: a `.weights.h5`, `.h5` or `.keras` file; of a whole network only the weights are read.
            HDF5 has no checksum: damage shows only if FILE.sha256 lies beside it.

    Raises:
        WeightsError: if the file is missing, of another format, damaged, another model's, or has
            values that are not finite.
    """
    path = pathlib.Path(path).expanduser()
    expected = f"the weights of {model.name} as Keras saves them"
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file; expected {expected}; correct the path (of a target: "
            "--target_weights=)"
        )
    found = formats.identify(path)
    if found.key not in _WEIGHTS:
        raise WeightsError(formats.refusal(path, expected))
    integrity.check_digest(path)
    try:
        with _named_for_keras(path, found) as named:
            model.load_weights(named)
    except _KERAS_ERRORS as error:
        damaged = "copy the file again, or " if found.key in _DAMAGED else ""
        raise WeightsError(
            f"{path}: expected {expected}, cannot load them ({failures.first_line(error)}); "
            f"{damaged}give the weights of a network of the same layers"
        ) from error
    integrity.check_finite({weight.path: np.asarray(weight) for weight in model.weights}, path)


def read_keras_model(path: Source) -> Any:
    """Reads a model from a Keras file, without running code that the file may carry.

    Args:
        path: a `.keras` file, or a whole network in HDF5, of Keras 3 or of Keras 2.

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        WeightsError: if the file is missing, of another format, damaged, holds values that are not
            finite, or needs code to be run.
    """
    path = pathlib.Path(path).expanduser()
    if not path.exists():
        raise WeightsError(f"{path}: no such file; expected a .keras file")
    found = formats.identify(path)
    if found.key not in _MODELS:
        raise WeightsError(formats.refusal(path, "a network in a .keras file", network=True))
    integrity.check_digest(path)
    try:
        model = _read_model(path, found)
    except _KERAS_ERRORS as error:
        damaged = "copy the file again, or " if found.key in ("keras", *_DAMAGED) else ""
        raise WeightsError(
            f"{path}: {found.what} that cannot be read as a network "
            f"({failures.root_cause(error)}); {damaged}build the model of Keras' own layers, or "
            "save a SavedModel whose function gives a dict of activations"
        ) from error
    integrity.check_finite({weight.path: np.asarray(weight) for weight in model.weights}, path)
    return model


def _read_model(path: pathlib.Path, found: formats.Format) -> Any:
    import keras  # here, as the model store is listed without it

    from vggish_inversion.files import keras_versions

    if found.key in ("keras_2", "hdf5_model"):
        return keras_versions.read_model(path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except TypeError as error:  # of a setting that a later Keras has added, perhaps
        try:
            return keras_versions.read_model(path)
        except _KERAS_ERRORS:
            raise error from None


@contextlib.contextmanager
def _named_for_keras(path: pathlib.Path, found: formats.Format) -> Iterator[pathlib.Path]:
    """A path with the ending that Keras expects: it tells formats by name."""
    is_zip = found.key in ("keras", "keras_2", "zip_cut_short")
    suffix = ".keras" if is_zip else ".weights.h5"
    if not is_zip and _is_legacy(path):
        suffix = ".h5"
    is_right = path.name.endswith(suffix) and (suffix != ".h5" or not path.name.endswith("s.h5"))
    if is_right:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder, f"model{suffix}")
        link.symlink_to(path.resolve())
        yield link


def _is_legacy(path: pathlib.Path) -> bool:
    """Whether an HDF5 file is of the form that Keras 1 and 2 wrote, by the names of layers."""
    import h5py

    with contextlib.suppress(OSError), h5py.File(path, "r") as file:
        return "layer_names" in file.attrs or "model_weights" in file
    return False
