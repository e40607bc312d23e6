"""Finds, fetches and checks model files: TF-Hub, TensorFlow, NumPy, Keras files, hub_models/.

A checkpoint of TensorFlow 1 (VGGish's `vggish_model.ckpt`) keeps its tensors under the names of
the variables. A SavedModel, the form of TF-Hub, keeps them under the path of Python attributes
that leads to them (`_variables/0`), and the names in an object graph stored beside them. Read that
way, a SavedModel needs neither its functions loaded nor its weights held twice.

TensorFlow is imported where it is used: the model store serves networks on every Keras backend.
"""

import os
import pathlib
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vggish_inversion.files import download, integrity, npz
from vggish_inversion.files.integrity import Source, WeightsError, sha256, write_digest
from vggish_inversion.files.npz import read_npz

__all__ = [
    "MODELS_VARIABLE",
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

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_SAVED_MODEL_PREFIX = pathlib.PurePath("variables", "variables")
_SHARD_SUFFIX = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")

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


def read_variables(
    source: Source,
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    alternative: str = "",
    rename: Callable[[str], str] | None = None,
) -> dict[str, np.ndarray]:
    """Reads a model's variables by name.

    Args:
        source: a TF-Hub URL (http or https, cached where TF-Hub caches), the folder of a
            SavedModel, a TensorFlow checkpoint, a folder with one checkpoint in it, or an `.npz`
            file of arrays under the variables' names.
        shapes: the variables to read, and the shapes that they must have; all of them if None.
        alternative: another place to download the same weights from, for the error message.
        rename: maps a stored name to the one meant, where a release did not fix its names.

    Returns:
        Arrays by variable name, without TensorFlow's ":0".

    Raises:
        WeightsError: if the source is missing, cannot be fetched or read, or lacks a variable, or
            if one has another shape or a value that is not finite.
    """
    is_url = str(source).startswith(("http://", "https://"))
    if not is_url and pathlib.PurePath(source).suffix == ".npz":
        return read_npz(source, shapes=shapes, rename=rename)

    import tensorflow as tf  # not at the top: see the module's docstring

    location = source
    if is_url:
        location = download.fetch(
            str(source),
            check=lambda folder: read_variables(folder, shapes=shapes, rename=rename),
            alternative=alternative,
        )
    prefix = _find_checkpoint(pathlib.Path(location).expanduser())
    integrity.check_digest(prefix)
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        keys = npz.renamed(_keys_by_name(reader), rename)
        stored = reader.get_variable_to_shape_map()
        if shapes is not None:
            integrity.check_shapes(
                {name: stored[key] for name, key in keys.items()}, shapes, location
            )
        variables = {name: reader.get_tensor(keys[name]) for name in (shapes or keys)}
    except (tf.errors.OpError, LookupError, RuntimeError) as error:
        raise WeightsError(
            f"{prefix}: expected a TensorFlow checkpoint, cannot read it "
            f"({integrity.first_line(error)}); "
            + (f"delete {location} to fetch {source} again" if is_url else "copy the file again")
        ) from error
    integrity.check_finite(variables, location)
    return variables


def load_keras_weights(model: Any, path: Source) -> None:
    """Loads a Keras file into a model of the same layers.

    Args:
        model: a built `keras.Model`.
        path: a `.weights.h5` or `.keras` file; of the latter only the weights are read. The former
            has no checksum: damage shows only if FILE.sha256 lies beside it.

    Raises:
        WeightsError: if the file is missing, damaged, another model's, or has values that are not
            finite.
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file; expected the weights of {model.name} as Keras saves them; "
            "correct the path (of a target: --target_weights=)"
        )
    integrity.check_digest(path)
    try:
        model.load_weights(path)
    except _KERAS_ERRORS as error:
        raise WeightsError(
            f"{path}: expected the weights of {model.name} as Keras saves them, cannot load them "
            f"({integrity.first_line(error)}); copy the file again, or convert the weights again"
        ) from error
    integrity.check_finite({weight.path: np.asarray(weight) for weight in model.weights}, path)


def read_keras_model(path: Source) -> Any:
    """Reads a model from a `.keras` file, without running code that the file may carry.

    Args:
        path: a `.keras` file.

    Returns:
        The `keras.Model`, not compiled.

    Raises:
        WeightsError: if the file is missing, damaged, holds values that are not finite, or needs
            code to be run.
    """
    import keras

    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; expected a .keras file")
    if not zipfile.is_zipfile(path):
        raise WeightsError(f"{path}: not a .keras file, or cut short; copy the file again")
    integrity.check_digest(path)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except _KERAS_ERRORS as error:
        raise WeightsError(
            f"{path}: cannot be read as a Keras model ({integrity.root_cause(error)}); "
            "copy the file again, or build the model of Keras' own layers"
        ) from error
    assert model is not None  # as Keras' own annotation would have it
    integrity.check_finite({weight.path: np.asarray(weight) for weight in model.weights}, path)
    return model


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
    models = " ".join(sorted(path.relative_to(root).as_posix() for path in versions))
    raise WeightsError(
        f"{root}: expected the model {name}/{version}, found {models or 'no models'}; choose one "
        f"that is there, train it, or set {MODELS_VARIABLE} to the folder that holds it"
    )


def _find_checkpoint(path: pathlib.Path) -> pathlib.Path:
    """The prefix of the checkpoint at, or in, a path."""
    if path.is_dir():
        if (path / "saved_model.pb").exists() or (path / _SAVED_MODEL_PREFIX.parent).is_dir():
            candidates = {path / _SAVED_MODEL_PREFIX}
        else:
            files = [*path.glob("*.index"), *path.glob("*.ckpt")]
            candidates = {_without_shard_suffix(file) for file in files}
        if len(candidates) != 1:
            names = ", ".join(sorted(candidate.name for candidate in candidates))
            raise WeightsError(
                f"{path}: expected a SavedModel or one checkpoint in this folder, found "
                f"{names or 'neither'}; pass the path of the checkpoint itself"
            )
        path = candidates.pop()
    prefix = _without_shard_suffix(path)
    if not prefix.is_file() and not prefix.with_name(f"{prefix.name}.index").is_file():
        raise WeightsError(
            f"{path}: no such file; expected a TensorFlow checkpoint, a SavedModel's folder or an "
            "https:// URL; correct the path that --target_weights= gives"
        )
    return prefix


def _without_shard_suffix(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(_SHARD_SUFFIX.sub("", path.name))


def _keys_by_name(reader: Any) -> dict[str, str]:
    """Maps variable names to the keys under which a checkpoint keeps the values."""
    stored = reader.get_variable_to_shape_map()
    if _OBJECT_GRAPH not in stored:
        return {name: name for name in stored}
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
        reader.get_tensor(_OBJECT_GRAPH)
    )
    return {
        attribute.full_name.removesuffix(":0"): attribute.checkpoint_key
        for node in graph.nodes
        for attribute in node.attributes
        if attribute.name == "VARIABLE_VALUE" and attribute.checkpoint_key in stored
    }
