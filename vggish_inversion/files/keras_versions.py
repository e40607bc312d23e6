"""Reads networks that another version of Keras saved: settings in this one's words, then weights.

Keras 3 knows the layers of Keras 2 but not the names of its modules, nor a few settings, nor layers
with a slash in their names. A later Keras 3 gives initialisers settings that an earlier one does
not know; what only training uses is left out. Nothing is run that the file may carry: Keras' safe
mode builds it.
"""

import inspect
import json
import pathlib
import tempfile
import zipfile
from typing import Any

import h5py
import keras
import numpy as np

from vggish_inversion.files import keras_hdf5

_MODULES = {
    "Functional": "keras.src.models.functional",
    "Model": "keras.src.models.functional",
    "Sequential": "keras.src.models.sequential",
}
# Settings that this Keras may not have, and the values at which they say nothing.
_DROPPED: dict[str, dict[str, tuple]] = {
    "BatchNormalization": {"renorm_momentum": (0.99,)},
    "DepthwiseConv2D": {"groups": (1,)},
    "DepthwiseConv1D": {"groups": (1,)},
    **{name: {"implementation": (1, 2)} for name in ("LSTM", "GRU", "SimpleRNN")},
}
_OF_EVERY_LAYER = ("name", "trainable", "dtype", "batch_input_shape", "batch_shape")
# Of training alone, and written differently by every version.
_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")


def read_model(path: pathlib.Path) -> keras.Model:
    """Reads a network from a `.keras` file, or from HDF5 that holds a network, of any Keras.

    Raises:
        OSError, ValueError, TypeError, LookupError, AttributeError, zipfile.BadZipFile: as Keras,
            h5py and zipfile raise them, if it cannot be read.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            model = _build(json.loads(archive.read("config.json")))
            model.load_weights(archive.extract("model.weights.h5", folder))
        return model
    with h5py.File(path, "r") as file:
        text: Any = file.attrs["model_config"]
        model = _build(json.loads(text))
        _assign(model, keras_hdf5.layers(file))
    return model


def _build(config: Any) -> keras.Model:
    model = keras.saving.deserialize_keras_object(_translated(config), safe_mode=True)
    if not isinstance(model, keras.Model):
        raise ValueError(f"it holds a {type(model).__name__}, not a network")
    return model


def _translated(config: Any) -> Any:
    """The settings of a network, or a part of them, as Keras 3 writes them."""
    if isinstance(config, list):
        is_call = len(config) > 2 and isinstance(config[0], str) and isinstance(config[1], int)
        return (
            [_name(config[0]), *config[1:]] if is_call else [_translated(item) for item in config]
        )
    if not isinstance(config, dict):
        return config
    settings = {
        key: _translated(value)
        for key, value in config.items()
        if not key.endswith(_OF_TRAINING) and key not in ("build_config", "compile_config")
    }
    if isinstance(settings.get("name"), str):
        settings["name"] = _name(settings["name"])
    if isinstance(settings.get("class_name"), str) and isinstance(settings.get("config"), dict):
        _translate_layer(settings)
    return settings


def _translate_layer(layer: dict) -> None:
    kind, config = layer["class_name"], layer["config"]
    layer["module"] = _MODULES.get(kind) or layer.get("module") or "keras.layers"
    layer["registered_name"] = layer.get("registered_name")
    if kind == "Model":
        layer["class_name"] = "Functional"
    for name in ("input_layers", "output_layers"):
        if isinstance(config.get(name), list) and len(config[name]) == 1:
            [config[name]] = config[name]  # one tensor, not a list of one
    known = getattr(keras.layers, kind, None)
    parameters = inspect.signature(known.__init__).parameters if known else config
    for name in list(config):
        says_nothing = config[name] in _DROPPED.get(kind, {}).get(name, (None, False))
        if name not in parameters and name not in _OF_EVERY_LAYER and says_nothing:
            del config[name]
    if kind != "InputLayer" and "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    if isinstance(config.get("dtype"), dict):  # a policy of mixed precision
        config["dtype"] = config["dtype"]["config"]["name"]
    if kind == "BatchNormalization" and isinstance(config.get("axis"), list):
        [config["axis"]] = config["axis"]


def _name(name: str) -> str:
    return name.replace("/", "_")  # Keras 3 takes no slash


def _assign(model: keras.Model, layers: dict[str, list[np.ndarray]]) -> None:
    """Fills in the weights that a file keeps by the names of the layers."""
    layers = {_name(name): arrays for name, arrays in layers.items()}
    for layer in model.layers:
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        arrays = layers.get(layer.name, [])
        shapes = [tuple(array.shape) for array in arrays]
        expected = [tuple(weight.shape) for weight in weights]
        if shapes != expected:
            raise ValueError(f"layer {layer.name}: expected {expected}, found {shapes}")
        for weight, array in zip(weights, arrays, strict=True):
            weight.assign(array)
