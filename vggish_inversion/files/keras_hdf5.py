"""Reads weights from Keras' HDF5 files by the names of layers, of any version of Keras.

Keras 1 and 2 keep a group for each layer, whose name then tells what the weights are, and a list of
the weights' names. Keras 3, and 2.12 on in `.weights.h5` and `.keras`, keeps
`layers/conv2d_1/vars/0`: the class of a layer, its number among the layers of that class, and the
number of the weight.
"""

import contextlib
import io
import pathlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from vggish_inversion.files import failures, integrity
from vggish_inversion.files.arrays import Arrays

_MEMBER = "model.weights.h5"
# Of Keras 1 on TensorFlow: conv1_W_1:0.
_KERAS_1 = re.compile(r"^.*_(W|b)(?:_\d+)?$")
_KERAS_1_LEAVES = {"W": "kernel", "b": "bias"}

# What h5py and zipfile raise at bytes that are no archive of arrays, or no longer.
_ERRORS = (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, EOFError)
_ERRORS += (OverflowError, MemoryError, zipfile.BadZipFile, zlib.error)


@contextlib.contextmanager
def open_arrays(path: pathlib.Path) -> Iterator[Arrays]:
    """Opens the weights of an HDF5 file of Keras, or of a `.keras` file.

    Names are `LAYER/kernel`, `LAYER/bias` and so on, of the layers' own names, or where a file has
    kept none `layers/CLASS_NUMBER/vars/NUMBER`.

    Raises:
        WeightsError: if it is damaged, or keeps arrays outside of itself.
    """
    try:
        with _open(path) as file:
            datasets = dict(_datasets(file))
            for name, dataset in datasets.items():
                if dataset.external or dataset.is_virtual:
                    raise integrity.WeightsError(
                        f"{path}: expected arrays, found {name}, which lies in other files; copy "
                        "the weights into one file"
                    )
            shapes = {name: tuple(dataset.shape) for name, dataset in datasets.items()}
            yield Arrays(shapes, lambda name: np.asarray(datasets[name][()]))
    except integrity.WeightsError:
        raise
    except _ERRORS as error:
        raise integrity.WeightsError(
            f"{path}: expected the weights of a Keras file, cannot read them "
            f"({failures.first_line(error)}); copy the file again"
        ) from error


@contextlib.contextmanager
def _open(path: pathlib.Path) -> Iterator[h5py.File]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(archive.read(_MEMBER))  # its checksum is compared
        with h5py.File(content, "r") as file:
            yield file
    else:
        with h5py.File(path, "r") as file:
            yield file


def _datasets(file: h5py.File) -> Iterator[tuple[str, Any]]:
    root: Any = file.get("model_weights", file)
    layers = _texts(root, "layer_names")
    if not layers:
        found = []
        root.visititems(lambda name, item: found.append((name.replace("\\", "/"), item)))
        yield from ((name, item) for name, item in found if isinstance(item, h5py.Dataset))
        return
    for layer in layers:
        weights = _texts(root[layer], "weight_names")
        leaves = [_leaf(weight) for weight in weights]
        for weight, leaf in zip(weights, leaves, strict=True):
            # A layer that is a network has several kernels, each with its own layer's name.
            is_network = leaves.count(leaf) > 1
            name = f"{weight.rpartition('/')[0]}/{leaf}" if is_network else f"{layer}/{leaf}"
            yield name, root[layer][weight]


def layers(file: h5py.File) -> dict[str, list[np.ndarray]]:
    """The weights of every layer, in the order in which Keras 1 and 2 wrote them."""
    root: Any = file["model_weights"]
    return {
        layer: [np.asarray(root[layer][name][()]) for name in _texts(root[layer], "weight_names")]
        for layer in _texts(root, "layer_names")
    }


def _leaf(weight: str) -> str:
    """What a weight is to its layer.

    >>> _leaf("conv3/conv3_1/kernel:0"), _leaf("conv1_W_1:0"), _leaf("moving_mean")
    ('kernel', 'kernel', 'moving_mean')
    """
    leaf = weight.rpartition("/")[2].partition(":")[0]
    match = _KERAS_1.match(leaf)
    return _KERAS_1_LEAVES[match[1]] if match else leaf


def _texts(group: Any, name: str) -> list[str]:
    """A list of names in a group's attributes, where Keras splits long ones: NAME0, NAME1, ..."""
    parts = [name] if name in group.attrs else []
    while not parts or parts[-1] != name:
        numbered = f"{name}{len(parts)}"
        if numbered not in group.attrs:
            break
        parts.append(numbered)
    texts = [text for part in parts for text in group.attrs[part]]
    return [text.decode() if isinstance(text, bytes) else str(text) for text in texts]
