"""Tells what a file is by its contents, and says the next step.

A file that a reader does not take is most often whole, and of another program: its owner needs to
know what it is and how to turn it into one that is read. "Copy the file again" is for files of the
right format that are damaged.
"""

import dataclasses
import json
import pathlib
import zipfile

from vggish_inversion.files import magic_bytes

_SAVE_NETWORK = "save your network where it was made, with model.save('{stem}.keras')"
_SAVE_ARRAYS = "save its arrays by name where it was made, with numpy.savez('{stem}.npz', **arrays)"
_UNPACK = "unpack it, and give the file or folder that was in it"
_TO_SAFETENSORS = "import torch, safetensors.torch as s; s.save_file({load}, '{stem}.safetensors')"
_FROM_PYTORCH = (
    'where PyTorch is installed run python -c "'
    + _TO_SAFETENSORS
    + '", and give {stem}.safetensors'
)


@dataclasses.dataclass(frozen=True)
class Format:
    """A format that people's files have.

    Attributes:
        key: by which readers know it.
        what: in words, after "found".
        weights: what to do where weights were expected.
        network: what to do where a network was expected.
    """

    key: str
    what: str
    weights: str = "give the weights of the network"
    network: str = _SAVE_NETWORK


def _again(key: str, what: str, step: str) -> Format:
    """A format that no reader takes, whatever was expected."""
    return Format(key, what, step, step)


_FORMATS = (
    _again("missing", "no file", "correct the path"),
    _again("folder", "a folder", "give the file in it"),
    _again("empty", "an empty file", "copy or download the file again"),
    _again(
        "git_lfs",
        "a Git LFS pointer, which stands for the file",
        "run git lfs pull in its repository",
    ),
    _again(
        "html",
        "a web page, as sites send for a file that asks for a login or a click",
        "open the address in a browser and download the file itself",
    ),
    _again("xml", "the XML message of a server", "read it, and download the file itself"),
    _again("text", "a text", "check where it comes from, and give the file itself"),
    _again("sound", "a sound recording", "give it with --input= or --data_dir="),
    _again("picture", "a picture or a document", "check where it comes from"),
    Format(
        "pytorch",
        "a PyTorch file",
        _FROM_PYTORCH.replace("{load}", "torch.load('{name}', map_location='cpu')"),
        "build the same network in Keras and save that as .keras; only weights can be taken over",
    ),
    Format(
        "torchscript",
        "a TorchScript program",
        _FROM_PYTORCH.replace("{load}", "torch.jit.load('{name}', 'cpu').state_dict()"),
        "build the same network in Keras and save that as .keras; only weights can be taken over",
    ),
    Format("pickle", "a Python pickle, which may run code when it is read", _SAVE_ARRAYS),
    Format("npy", "one NumPy array without a name", _SAVE_ARRAYS),
    Format("npz", "an archive of NumPy arrays, weights without a network"),
    Format("safetensors", "a safetensors file, weights without a network"),
    Format(
        "onnx",
        "an ONNX model",
        'where onnx is installed run python -c "import numpy, onnx; from onnx import numpy_helper '
        "as h; numpy.savez('{stem}.npz', **{{i.name: h.to_array(i) for i in "
        "onnx.load('{name}').graph.initializer}})\", and give {stem}.npz",
        "turn it into a SavedModel (pip install onnx2tf; onnx2tf -i {name}), and give that folder",
    ),
    Format(
        "frozen_graph",
        "a frozen TensorFlow graph",
        "read its constants (tf.make_ndarray(node.attr['value'].tensor) of every node whose op is "
        "Const), and save them by name with numpy.savez('{stem}.npz', **constants)",
        "wrap it (tf.compat.v1.wrap_function around tf.import_graph_def), and save it with "
        "tf.saved_model.save",
    ),
    _again("saved_model_graph", "the graph of a SavedModel", "give the folder that holds it"),
    Format(
        "meta_graph",
        "the graph of a TensorFlow checkpoint, without its values",
        "put {stem}.index and {stem}.data-00000-of-00001 beside it, and give {stem}",
    ),
    Format("checkpoint", "a TensorFlow checkpoint, weights without a network"),
    Format(
        "checkpoint_state",
        "the note in which TensorFlow names its last checkpoint",
        "give the checkpoint that it names",
        "give the network, which a checkpoint has not",
    ),
    Format(
        "tflite",
        "a TFLite model, whose weights have lost their names and may be rounded to 8 bits",
        "give the weights that it was made from",
        "save the network that it was made from as .keras or SavedModel",
    ),
    Format("keras", "a .keras file"),
    Format("keras_2", "a .keras file of Keras 2"),
    Format("hdf5_model", "a network in Keras' HDF5 format"),
    Format("hdf5_weights", "weights in Keras' HDF5 format, without a network"),
    Format("hdf5", "an HDF5 file that Keras did not write", _SAVE_ARRAYS),
    Format(
        "matlab",
        "a MATLAB file",
        "save its arrays by name: numpy.savez('{stem}.npz', **scipy.io.loadmat('{name}'))",
    ),
    _again(
        "tar_gz",
        "a compressed archive",
        "unpack it (mkdir {stem}; tar -xzf {name} -C {stem}), and give the folder {stem}",
    ),
    _again("tar", "an archive", "unpack it (tar -xf {name}), and give what was in it"),
    _again("zip", "a zip archive", _UNPACK),
    _again("packed", "a compressed file", _UNPACK),
    _again("zip_cut_short", "a zip archive that is damaged or cut short", "copy the file again"),
    _again("hdf5_cut_short", "an HDF5 file that is damaged or cut short", "copy the file again"),
    _again(
        "unknown",
        "bytes of no format that is known here, or what is left of a file",
        "copy the file again, or check where it comes from",
    ),
)
_BY_KEY = {item.key: item for item in _FORMATS}


def identify(path: str | pathlib.Path) -> Format:
    """The format of a file, by its content.

    Args:
        path: of any file or folder; it need not be there.

    Raises:
        OSError: if the file cannot be read.
    """
    return _BY_KEY[_key(pathlib.Path(path).expanduser())]


def is_stand_in(path: str | pathlib.Path) -> bool:
    """Whether a file is what servers and repositories give in place of a file: never a model's."""
    return identify(path).key in ("git_lfs", "html", "xml")


def refusal(path: str | pathlib.Path, expected: str, *, network: bool = False) -> str:
    """One line for a file that is not what was expected: what it is, and the next step.

    Args:
        path: of the file.
        expected: in words.
        network: whether a network was expected, and not only weights.
    """
    path = pathlib.Path(path)
    found = identify(path)
    step = found.network if network else found.weights
    stem = path.name.removesuffix(
        "".join(path.suffixes[-2:] if path.suffix == ".gz" else [path.suffix])
    )
    return f"{path}: expected {expected}, found {found.what}; " + step.format(
        name=path.name, stem=stem
    )


def _key(path: pathlib.Path) -> str:
    if path.is_dir():
        return "folder"
    if not path.is_file():
        return "missing"
    if not path.stat().st_size:
        return "empty"
    key = magic_bytes.of_file(path)
    if key == "zip":
        return _zip_key(path)
    if key == "hdf5":
        return _hdf5_key(path)
    return key


def _zip_key(path: pathlib.Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if {"config.json", "metadata.json"} <= set(names):
                metadata = json.loads(archive.read("metadata.json"))
                is_2 = str(metadata.get("keras_version")).startswith("2.")
                return "keras_2" if is_2 else "keras"
    except Exception:  # noqa: BLE001  whatever its bytes make zipfile and json raise
        return "zip_cut_short"
    if any(name.endswith("constants.pkl") for name in names):
        return "torchscript"
    if any(name.endswith("data.pkl") for name in names):
        return "pytorch"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"


def _hdf5_key(path: pathlib.Path) -> str:
    import h5py  # here, as only files of its format need it

    try:
        with h5py.File(path, "r") as file:
            if "model_config" in file.attrs:
                return "hdf5_model"
            is_keras = "layer_names" in file.attrs or {"layers", "vars"} & set(file)
            is_keras = is_keras or any(str(name).startswith("_layer_checkpoint") for name in file)
            return "hdf5_weights" if is_keras else "hdf5"
    except Exception:  # noqa: BLE001  whatever its bytes make h5py raise
        return "hdf5_cut_short"
