"""Reads a network's variables by name, from any kind of file.

What a file is, its content says, and not its name. Names and orders of axes differ between the
releases of one network: `locate` says which variable an array is. Shapes are checked before a value
is read.
"""

import collections
import contextlib
import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np

from vggish_inversion.files import (
    checkpoint,
    download,
    formats,
    integrity,
    keras_hdf5,
    npz,
    pytorch_file,
)
from vggish_inversion.files.arrays import Arrays, Place, open_safetensors
from vggish_inversion.files.integrity import Source, WeightsError

Locate = Callable[[str], Place | None]
Reach = Callable[[Collection[str]], Collection[str]]

_SAVED_MODEL_PREFIX = pathlib.PurePath("variables", "variables")
_READ = "a TensorFlow checkpoint or SavedModel, or an .npz, .safetensors, .pt, .h5 or .keras file"
_KINDS = (".h5", ".hdf5", ".keras", ".npz", ".safetensors")
# Kinds that count where none of these lies beside them: those that are read with care, and those
# that are refused with a word of what to do.
_FOREIGN_KINDS = (".pth", ".pt", ".bin", ".onnx", ".pb", ".tflite", ".pkl", ".zip", ".gz", ".tgz")
_FOREIGN_KINDS += (".tar", ".mat")

_HDF5 = ("keras", "keras_2", "hdf5", "hdf5_model", "hdf5_weights")
_READERS = {
    "npz": npz.open_arrays,
    "pytorch": pytorch_file.open_arrays,
    "safetensors": open_safetensors,
    **dict.fromkeys(_HDF5, keras_hdf5.open_arrays),
}


def read_variables(
    source: Source,
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    locate: Locate = Place,
    reach: Reach | None = None,
    alternative: str = "",
    ones: str = "",
) -> dict[str, np.ndarray]:
    """Reads a model's variables by name.

    Args:
        source: a TF-Hub URL (http or https, cached where TF-Hub caches); the folder of a SavedModel
            or the one above its version; a TensorFlow checkpoint, by its name or that of a part; a
            file of safetensors, of NumPy's, PyTorch's or Keras'; or a folder with one of them.
        shapes: the variables to read, and the shapes that they must have; all of them if None.
        locate: which variable an array is, by the name that it is stored under; None for none.
        reach: given the names of `shapes` that are there, those that are to be read: of a network
            whose last layers were left out, for example. All of `shapes` if None.
        alternative: another place to download the same weights from, for the error message.
        ones: how the names of variables end that the network does not have, and that a file may
            have if they are all one.

    Returns:
        Arrays by variable name, without TensorFlow's ":0".

    Raises:
        WeightsError: if the source is missing, cannot be fetched or read, or lacks a variable, or
            if one has another shape or a value that is not finite.
    """

    def read(location: str | pathlib.Path, damaged: str) -> dict[str, np.ndarray]:
        path = find_file(pathlib.Path(location).expanduser())
        integrity.check_digest(path)
        with _open(path, damaged) as arrays:
            found = _choose(arrays, shapes, locate, reach, location)
            values = {
                name: place.values(_read_floats(arrays, stored, path))
                for name, (stored, place) in found.items()
            }
            for stored in arrays.shapes if ones else ():
                place = locate(stored)
                if place and place.name.endswith(ones) and np.any(arrays.read(stored) != 1):
                    raise WeightsError(
                        f"{path}: expected ones in {stored}, which the network does not have; "
                        "fold it into the kernel before it"
                    )
        integrity.check_finite(values, location)
        return values

    if not str(source).startswith(("http://", "https://")):
        return read(pathlib.Path(source), "copy the file again")
    location = download.fetch(
        str(source),
        check=lambda folder: read(folder, "copy the file again"),
        alternative=alternative,
    )
    return read(location, f"delete {location} to fetch {source} again")


def find_file(path: pathlib.Path) -> pathlib.Path:
    """The file of weights, or the prefix of the checkpoint, at or in a path.

    Raises:
        WeightsError: if there is none, or several.
    """
    if path.is_dir():
        return _in_folder(path)
    prefix = checkpoint.prefix_of(path)
    if checkpoint.is_part(path) and path.is_file() or checkpoint.is_checkpoint(prefix):
        checkpoint.check_parts(prefix)
        return prefix
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file; expected {_READ}, or an https:// URL; correct the path that "
            "--target_weights= gives"
        )
    return path


def _in_folder(folder: pathlib.Path) -> pathlib.Path:
    if (folder / "saved_model.pb").exists() or (folder / _SAVED_MODEL_PREFIX.parent).is_dir():
        return find_file(folder / _SAVED_MODEL_PREFIX)
    files = [path for path in folder.iterdir() if path.is_file()]
    found = {checkpoint.prefix_of(path) for path in files if path.suffix in (".index", ".ckpt")}
    # The parameters of AudioSet's PCA lie beside VGGish's weights in their release.
    found |= {path for path in files if path.suffix in _KINDS and "_pca_" not in path.name}
    if not found:
        versions = (path for path in folder.iterdir() if path.name.isdigit() and path.is_dir())
        found = set(versions)  # TF-Hub's layout: NAME/VERSION
    if not found:
        found = {path for path in files if path.suffix in _FOREIGN_KINDS}
    if len(found) != 1:
        names = ", ".join(sorted(path.name for path in found))
        raise WeightsError(
            f"{folder}: expected a SavedModel or one file of weights in this folder, found "
            f"{names or 'neither'}; pass the path of the file itself"
        )
    return find_file(found.pop())


@contextlib.contextmanager
def _open(path: pathlib.Path, damaged: str) -> Iterator[Arrays]:
    key = formats.identify(path).key if path.is_file() else "checkpoint"
    if key == "checkpoint":
        with checkpoint.open_arrays(path, advice=damaged) as arrays:
            yield arrays
    elif key in _READERS:
        with _READERS[key](path) as arrays:
            yield arrays
    else:
        raise WeightsError(formats.refusal(path, f"weights ({_READ})"))


def _choose(
    arrays: Arrays,
    shapes: Mapping[str, tuple[int, ...]] | None,
    locate: Locate,
    reach: Reach | None,
    source: Source,
) -> dict[str, tuple[str, Place]]:
    """The arrays to read: under which name each variable is stored, and how."""
    found = collections.defaultdict(list)
    for stored in arrays.shapes:
        if place := locate(stored):
            found[place.name].append((stored, place))
    if shapes is None:
        shapes, wanted = {}, list(found)
    else:
        there = [name for name in shapes if name in found]
        wanted = list(reach(there) if reach else ()) or list(shapes)
    chosen = {}
    for name in wanted:
        if name not in found:
            some = ", ".join(sorted(arrays.shapes)[:3])
            raise WeightsError(
                f"{source}: expected the variable {name} {list(shapes[name])}, found "
                f"{len(arrays.shapes)} others ({some}, ...); {_next_step(arrays.shapes, shapes)}"
            )
        # The network's own name, or else no name, is above doubt.
        own = [(stored, place) for stored, place in found[name] if stored == name]
        if len(own or found[name]) > 1:
            names = " and ".join(stored for stored, _ in found[name][:2])
            raise WeightsError(
                f"{source}: expected the variable {name} once, found {names}; save the weights of "
                "one network"
            )
        [(stored, place)] = own or found[name]
        if name in shapes:
            shape = place.shape(arrays.shapes[stored])
            integrity.check_shapes({name: shape}, {name: shapes[name]}, source)
        chosen[name] = stored, place
    return chosen


def _next_step(
    stored: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]
) -> str:
    """What to do about names that are not known: the network may be the right one all the same."""
    there = collections.Counter(tuple(sorted(shape)) for shape in stored.values())
    wanted = collections.Counter(tuple(sorted(shape)) for shape in expected.values())
    if wanted <= there:
        return (
            "the arrays have the network's shapes, but names that are not known here: save them "
            "under those that docs/weights.md lists, with numpy.savez"
        )
    return (
        "these are another network's, or a part of one; give those of the one that --target= names"
    )


def _read_floats(arrays: Arrays, name: str, source: Source) -> np.ndarray:
    values = arrays.read(name)
    if values.dtype.kind != "f":
        raise WeightsError(
            f"{source}: expected floating-point numbers, found {values.dtype} in {name}; save the "
            "weights as float32"
        )
    return values
