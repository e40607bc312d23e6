"""What is this file: each kind as its own program writes it, and the word on what to do next."""

import gzip
import io
import json
import pathlib
import pickle
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
import tensorflow as tf
from safetensors.numpy import save_file

from vggish_inversion.asr import model_files
from vggish_inversion.files import formats, hub
from vggish_inversion.reconstruction import store
from vggish_inversion.targets import loading

_KERNEL = np.ones((3, 3, 1, 4), np.float32)


def _zip(path: pathlib.Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _write_pytorch(path):
    """As torch.save has written since 1.6."""
    members = {"archive/data.pkl": pickle.dumps({}, 2), "archive/data/0": _KERNEL.tobytes()}
    _zip(path, {**members, "archive/version": b"3\n", "archive/byteorder": b"little"})


def _write_torchscript(path):
    members = {
        "net/data.pkl": b"\x80\x02}.",
        "net/constants.pkl": b"\x80\x02).",
        "net/version": b"3",
    }
    _zip(path, {**members, "net/code/__torch__.py": b"class VGG(Module):\n"})


def _write_old_pytorch(path):
    """As torch.save wrote before 1.6: its magic number, its protocol, the system, the pickle."""
    parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {})
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))


def _protobuf(*fields: tuple[int, int | bytes]) -> bytes:
    """A message of small numbers and short texts."""
    written = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            written += bytes([number << 3, value])
        else:
            length = len(value)
            sizes = [length] if length < 128 else [length & 127 | 128, length >> 7]
            written += bytes([number << 3 | 2, *sizes]) + value
    return bytes(written)


def _write_onnx(path):
    """ModelProto: ir_version, producer_name, producer_version, graph, opset_import."""
    graph = _protobuf((2, b"main_graph"), (5, _protobuf((8, b"features.0.weight"))))
    message = _protobuf((1, 8), (2, b"pytorch"), (3, b"2.4.0"), (7, graph), (8, _protobuf((2, 17))))
    path.write_bytes(message)


def _write_frozen_graph(path):
    with tf.Graph().as_default() as graph:
        tf.constant(_KERNEL, name="vggish/conv1/weights")
    path.write_bytes(graph.as_graph_def().SerializeToString())


def _write_meta_graph(path):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("conv1/weights", initializer=_KERNEL)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(path.with_name("net")))
    path.with_name("net.meta").rename(path)
    path.with_name("net.index").unlink()
    path.with_name("net.data-00000-of-00001").unlink()


def _write_checkpoint(path):
    tf.raw_ops.Save(filename=str(path), tensor_names=["a"], data=[tf.constant(_KERNEL)])


def _write_saved_model_graph(path):
    module = tf.Module()
    module.kernel = tf.Variable(_KERNEL)  # pyright: ignore[reportAttributeAccessIssue]
    tf.saved_model.save(module, str(path.parent / "saved"))
    (path.parent / "saved" / "saved_model.pb").rename(path)


def _write_tar_gz(path):
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("./saved_model.pb"), io.BytesIO())


def _write_tar(path):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("saved_model.pb"), io.BytesIO())


def _write_hdf5(path, **attributes):
    with h5py.File(path, "w") as file:
        file["kernel"] = _KERNEL
        file.attrs.update(attributes)


def _write_matlab_73(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file["kernel"] = _KERNEL
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116))


def _write_keras(path, version):
    metadata = json.dumps({"keras_version": version}).encode()
    _zip(path, {"config.json": b"{}", "metadata.json": metadata, "model.weights.h5": b""})


def _bytes(content: bytes):
    return lambda path: path.write_bytes(content)


_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 288619400\n"
_TFLITE = b"\x1c\x00\x00\x00TFL3" + bytes(range(64))
_HTML = b"\n<!DOCTYPE html><html><title>Google Drive - Virus scan warning</title></html>"

# file name, what writes it, the format, and what the next step says
_FILES = {
    "pytorch": ("vggish.pth", _write_pytorch, "safetensors.torch as s; s.save_file(torch.load("),
    "pytorch ": ("vggish.pt", _write_old_pytorch, "and give vggish.safetensors"),
    "torchscript": ("net.pt", _write_torchscript, "torch.jit.load('net.pt', 'cpu').state_dict()"),
    "pickle": ("net.pkl", _bytes(pickle.dumps({"a": _KERNEL}, 4)), "numpy.savez('net.npz'"),
    "npy": ("w.npy", lambda path: np.save(path, _KERNEL), "numpy.savez('w.npz'"),
    "npy ": ("o.npy", lambda path: np.save(path, np.array([{}])), "numpy.savez('o.npz'"),
    "onnx": ("net.onnx", _write_onnx, "onnx.load('net.onnx').graph.initializer"),
    "frozen_graph": ("net.pb", _write_frozen_graph, "op is Const"),
    "saved_model_graph": ("saved_model.pb", _write_saved_model_graph, "give the folder"),
    "meta_graph": ("m.ckpt.meta", _write_meta_graph, "no m.ckpt.data-00000-of-00001; copy that"),
    "tflite": ("yamnet.tflite", _bytes(_TFLITE), "give the weights that it was made from"),
    "tar_gz": ("vggish_1.tar.gz", _write_tar_gz, "tar -xzf vggish_1.tar.gz -C vggish_1"),
    "tar": ("net.tar", _write_tar, "tar -xf net.tar"),
    "packed": ("net.h5.gz", _bytes(gzip.compress(b"weights")), "unpack it"),
    "zip": ("net.zip", lambda path: _zip(path, {"net/saved_model.pb": b""}), "unpack it"),
    "git_lfs": ("yamnet.h5", _bytes(_LFS), "run git lfs pull"),
    "html": ("vggish.h5", _bytes(_HTML), "open the address in a browser"),
    "xml": ("net.npz", _bytes(b"<?xml version='1.0'?><Error><Code>NoSuchKey"), "a server"),
    "text": ("net.h5", _bytes("Größe\n".encode() * 400), "a text"),
    "checkpoint_state": ("checkpoint", _bytes(b'model_checkpoint_path: "net"'), "that it names"),
    "matlab": ("net.mat", lambda path: scipy.io.savemat(path, {"a": _KERNEL}), "loadmat('net.mat'"),
    "matlab ": ("net73.mat", _write_matlab_73, "numpy.savez('net73.npz'"),
    "sound": ("a.wav", _bytes(b"RIFF\x24\x00\x00\x00WAVEfmt "), "--input="),
    "empty": ("net.keras", _bytes(b""), "an empty file"),
    "unknown": ("net.bin", _bytes(bytes(range(255, 0, -1))), "or check where it comes from"),
    "zip_cut_short": ("net.npz", _bytes(b"PK\x03\x04half"), "copy the file again"),
    "hdf5_cut_short": ("net.h5", _bytes(b"\x89HDF\r\n\x1a\nhalf"), "copy the file again"),
}
# Files that are read where weights are due, and are no network.
_READ = {
    "npz": ("a.npz", lambda path: np.savez(path, a=_KERNEL)),
    "safetensors": ("a.safetensors", lambda path: save_file({"a": _KERNEL}, path)),
    "hdf5": ("a.h5", _write_hdf5),
    "hdf5_weights": ("b.h5", lambda path: _write_hdf5(path, layer_names=[b"a"])),
    "hdf5_model": ("c.h5", lambda path: _write_hdf5(path, model_config="{}")),
    "keras": ("a.keras", lambda path: _write_keras(path, "3.4.1")),
    "keras_2": ("b.keras", lambda path: _write_keras(path, "2.15.0")),
    "checkpoint": ("vggish_model.ckpt", _write_checkpoint),
}


@pytest.mark.parametrize("key", [*_FILES, *_READ])
def test_is_known_by_its_content(tmp_path, key):
    name, write, *_ = {**_FILES, **_READ}[key]
    write(tmp_path / name)
    assert formats.identify(tmp_path / name).key == key.strip()
    (tmp_path / name).rename(tmp_path / "weights.npz")
    assert formats.identify(tmp_path / "weights.npz").key == key.strip()


@pytest.mark.parametrize("key", _FILES)
@pytest.mark.parametrize("target", ["yamnet", "small_encoder/speech_commands"])
def test_weights_of_another_kind_are_refused_with_the_next_step(tmp_path, key, target):
    name, write, step = _FILES[key]
    write(tmp_path / name)
    with pytest.raises(hub.WeightsError) as caught:
        loading.load_target(target, weights=str(tmp_path / name))
    message = str(caught.value)
    if target == "yamnet":
        assert step in message, message
    assert str(tmp_path) in message
    assert "\n" not in message
    if "cut_short" not in key and key not in ("empty", "unknown"):
        assert "again" not in message, message


@pytest.mark.parametrize("key", [*_FILES, "npz", "safetensors", "hdf5_weights", "checkpoint"])
def test_a_network_of_another_kind_is_refused(tmp_path, key):
    name, write, *_ = {**_FILES, **_READ}[key]
    write(tmp_path / name)
    with pytest.raises(ValueError, match=str(tmp_path)) as caught:
        loading.load_target(str(tmp_path / name))
    assert formats.identify(tmp_path / name).what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_and_nothing():
    assert formats.identify(pathlib.Path(__file__).parent).key == "folder"
    assert formats.identify("nowhere.npz").key == "missing"


@pytest.mark.parametrize("key", ["onnx", "frozen_graph", "meta_graph"])
def test_a_graph_is_known_by_its_first_half(tmp_path, key):
    name, write, *_ = _FILES[key]
    write(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
    assert formats.identify(tmp_path / name).key in (key, "unknown")


def test_any_bytes_have_an_answer(tmp_path):
    rng = np.random.default_rng(0)
    for length in (1, 7, 8, 9, 100, 2000):
        for _ in range(50):
            (tmp_path / "any").write_bytes(rng.bytes(length))
            assert formats.identify(tmp_path / "any").what


@pytest.mark.parametrize("key", ["git_lfs", "html", "xml"])
def test_what_stands_in_place_of_other_models_is_told(tmp_path, key):
    _, write, step = _FILES[key]
    (tmp_path / "config.json").write_text("{}")
    write(tmp_path / "model.safetensors")
    files = model_files.ModelFiles(
        "Wav2Vec2", ("config.json",), ("tf_model.h5", "model.safetensors")
    )
    with pytest.raises(ValueError, match="expected a file of a Wav2Vec2 model, found") as caught:
        files.find(str(tmp_path))
    assert step in str(caught.value)
    write(tmp_path / "inverter.tar.gz")
    with pytest.raises(
        hub.WeightsError, match=r"expected an inverter's \.tar\.gz, found"
    ) as caught:
        store.load_reconstructor(str(tmp_path / "inverter.tar.gz"))
    assert step in str(caught.value)
