"""VGGish's and YAMNet's weights under every name that people have them under, against NumPy.

The networks are as deep as the published ones, and narrow: their tables of layers are replaced.
"""

import contextlib
import dataclasses
import json
import pathlib

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from tests import pytorch_files
from vggish_inversion.files import hub
from vggish_inversion.targets import loading, vggish, yamnet

_WIDTHS = {"conv1": 2, "conv2": 3, "conv3_1": 4, "conv3_2": 5, "conv4_1": 6, "conv4_2": 7}
_WIDTHS |= {"fc1_1": 9, "fc1_2": 8, "fc2": 6}
_TORCH = dict(
    zip(
        _WIDTHS,
        [*(f"features.{i}" for i in (0, 3, 6, 8, 11, 13)), *(f"embeddings.{i}" for i in (0, 2, 4))],
        strict=True,
    )
)
# The names that the Keras port of VGGish gives its layers.
_PORT = {name: f"{name[:5]}/{name}" if "_" in name else name for name in _WIDTHS}
_PORT |= {"fc1_1": "vggish_fc1/fc1_1", "fc1_2": "vggish_fc1/fc1_2", "fc2": "vggish_fc2"}
_CONVOLUTIONS = [name for name in _WIDTHS if name.startswith("conv")]
_POOLED = ("conv1", "conv2", "conv3_2", "conv4_2")


def _weights() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of each layer, in Keras' order of axes."""
    rng = np.random.default_rng(3)
    before, weights = 1, {}
    for name, width in _WIDTHS.items():
        if name == "fc1_1":
            before *= 6 * 4
        shape = (3, 3, before, width) if name.startswith("conv") else (before, width)
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        weights[name] = (
            (rng.normal(size=shape) * scale).astype(np.float32),
            rng.normal(0, 0.2, width).astype(np.float32),
        )
        before = width
    return weights


def _state_dict(weights) -> dict[str, np.ndarray]:
    """As torchvggish's: kernels [out, in, height, width], matrices [out, in], and its PCA."""
    state = {"pproc.pca_eigen_vectors": np.eye(4, dtype="f4"), "pproc.pca_means": np.ones((4, 1))}
    for name, (kernel, bias) in weights.items():
        axes = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        state[f"{_TORCH[name]}.weight"] = np.ascontiguousarray(kernel.transpose(axes))
        state[f"{_TORCH[name]}.bias"] = bias
    return state


def _torch_embeddings(patches: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
    """What torchvggish computes, in its order of axes: `[batch, 1, 96, 64]` -> last Linear."""
    x = patches
    for name in _CONVOLUTIONS:
        kernel, bias = state[f"{_TORCH[name]}.weight"], state[f"{_TORCH[name]}.bias"]
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        x = np.einsum("bihwkl,oikl->bohw", windows, kernel) + bias[:, None, None]
        x = np.maximum(x, 0)
        if name in _POOLED:
            x = x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).max(axis=(3, 5))
    x = x.swapaxes(1, 3).swapaxes(1, 2).reshape(len(x), -1)
    for name in ("fc1_1", "fc1_2", "fc2"):
        x = x @ state[f"{_TORCH[name]}.weight"].T + state[f"{_TORCH[name]}.bias"]
        x = x if name == "fc2" else np.maximum(x, 0)
    return x


def _write_layers(
    path: pathlib.Path, layers: dict[str, dict[str, np.ndarray]], *, inside: str = ""
):
    """As Keras 2 saves weights in HDF5; `inside` is "model_weights" in a whole network's file."""
    with h5py.File(path, "w") as file:
        if inside:
            file.attrs["model_config"] = json.dumps({"class_name": "Functional"})
        root = file.require_group(inside) if inside else file
        root.attrs["layer_names"] = [name.encode() for name in ("input_1", *layers, "pool1")]
        for name in ("input_1", "pool1"):
            root.require_group(name).attrs["weight_names"] = np.array([], "S1")
        for name, arrays in layers.items():
            group = root.require_group(name)
            group.attrs["weight_names"] = [weight.encode() for weight in arrays]
            for weight, array in arrays.items():
                group[weight] = array


def _port_layers(weights, *, keras_1: bool = False) -> dict[str, dict[str, np.ndarray]]:
    names = ("{0}_W_1:0", "{0}_b_1:0") if keras_1 else ("{0}/kernel:0", "{0}/bias:0")
    return {
        _PORT[name]: {
            form.format(_PORT[name]): array for form, array in zip(names, pair, strict=True)
        }
        for name, pair in weights.items()
    }


@pytest.fixture(name="narrow", autouse=True)
def _narrow(monkeypatch):
    rows = [dataclasses.replace(row, width=_WIDTHS.get(row.name, 0)) for row in vggish._LAYERS]
    monkeypatch.setattr(vggish, "_LAYERS", tuple(rows))


@pytest.fixture(name="weights", scope="module")
def _made_weights():
    return _weights()


@pytest.fixture(name="fingerprint")
def _fingerprint(tmp_path, weights):
    arrays = {}
    for row in vggish._LAYERS:
        if row.scope:
            arrays[f"{row.scope}/weights"], arrays[f"{row.scope}/biases"] = weights[row.name]
    np.savez(tmp_path / "official.npz", **arrays)
    return vggish.load(weights=tmp_path / "official.npz").fingerprint


def _write_tf_keras(folder: pathlib.Path, weights):
    """The port in Keras 2, saved in each of its formats."""
    import tf_keras

    layers = tf_keras.layers
    inputs = tensor = layers.Input((96, 64, 1))
    for name, width in _WIDTHS.items():
        if name.startswith("conv"):
            options = {"padding": "same", "activation": "relu", "name": _PORT[name]}
            tensor = layers.Conv2D(width, 3, **options)(tensor)
            tensor = layers.MaxPooling2D()(tensor) if name in _POOLED else tensor
        else:
            tensor = layers.Flatten()(tensor) if name == "fc1_1" else tensor
            tensor = layers.Dense(width, activation="relu", name=_PORT[name])(tensor)
    model = tf_keras.Model(inputs, tensor)
    for name, pair in weights.items():
        model.get_layer(_PORT[name]).set_weights(pair)
    model.save(folder / "whole.h5")
    model.save(folder / "whole.keras")
    model.save_weights(folder / "port.h5")
    model.save_weights(folder / "port.weights.h5")
    model.save_weights(folder / "port")


def test_pytorch_names_compute_what_pytorch_computes(tmp_path, weights, fingerprint):
    state = _state_dict(weights)
    patches = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)
    expected = _torch_embeddings(patches[:, np.newaxis], state)
    save_file(state, tmp_path / "vggish.safetensors")
    np.savez(tmp_path / "vggish.npz", **state)
    pytorch_files.write_pytorch(tmp_path / "vggish.pth", state)
    pytorch_files.write_pytorch(tmp_path / "old.pt", {"state_dict": state}, old=True)
    renamed = {f"module.{name}".replace("embeddings", "fc"): state[name] for name in state}
    np.savez(tmp_path / "parallel.npz", **renamed)
    for name in ("vggish.safetensors", "vggish.npz", "vggish.pth", "old.pt", "parallel.npz"):
        target = loading.load_target("vggish", weights=str(tmp_path / name))
        assert target.fingerprint == fingerprint, name
        np.testing.assert_allclose(target.model(patches)["fc2"], expected, rtol=1e-4, atol=1e-4)


def test_keras_names(tmp_path, weights, fingerprint):
    _write_layers(tmp_path / "port.h5", _port_layers(weights))
    _write_layers(tmp_path / "keras_1.h5", _port_layers(weights, keras_1=True))
    _write_layers(tmp_path / "whole.hdf5", _port_layers(weights), inside="model_weights")
    layers = {**_port_layers(weights), "postprocess": {"postprocess/pca_matrix:0": np.eye(3)}}
    _write_layers(tmp_path / "with_pca.h5", layers)
    for path in sorted(tmp_path.glob("*.h*5")):
        assert vggish.load(weights=path).fingerprint == fingerprint, path.name


def test_every_format_of_keras_2(tmp_path, weights, fingerprint):
    _write_tf_keras(tmp_path, weights)
    for name in ("whole.h5", "whole.keras", "port.h5", "port.weights.h5", "port", "port.index"):
        assert vggish.load(weights=tmp_path / name).fingerprint == fingerprint, name


def test_keras_3_by_number_and_by_an_older_word_for_layers(tmp_path, fingerprint):
    target = vggish.load(weights=tmp_path / "official.npz")
    target.model.save_weights(tmp_path / "v.weights.h5")
    target.model.save(tmp_path / "v.keras")
    with h5py.File(tmp_path / "v.weights.h5") as new, h5py.File(tmp_path / "o.h5", "w") as old:
        new.copy("layers", old, "_layer_checkpoint_dependencies")
    for name in ("v.weights.h5", "v.keras", "o.h5"):
        assert vggish.load(weights=tmp_path / name).fingerprint == fingerprint, name


def test_parts_of_a_checkpoint(tmp_path, weights, fingerprint):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        for row in vggish._LAYERS:
            if row.scope:
                for name, value in zip(("weights", "biases"), weights[row.name], strict=True):
                    v1.get_variable(f"{row.scope}/{name}", initializer=value)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "m.ckpt"))
    for name in ("m.ckpt", "m.ckpt.meta", "m.ckpt.index", "m.ckpt.data-00000-of-00001"):
        assert vggish.load(weights=tmp_path / name).fingerprint == fingerprint, name
    (tmp_path / "m.ckpt.data-00000-of-00001").unlink()
    for name in ("m.ckpt", "m.ckpt.meta", "m.ckpt.index"):
        with _refused("no m.ckpt.data-00000-of-00001; copy that part too"):
            vggish.load(weights=tmp_path / name)


def test_weights_without_the_last_layers(tmp_path, weights):
    convolutions = {name: weights[name] for name in _CONVOLUTIONS}
    path = tmp_path / "vggish_audioset_weights_without_fc2.h5"
    _write_layers(path, _port_layers(convolutions))
    target = loading.load_target("vggish", weights=str(path))
    assert [tap.name for tap in target.taps][-2:] == ["conv4_2", "pool4"]
    assert list(target.model.output) == [tap.name for tap in target.taps]
    patches = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)
    assert target.up_to("conv4")(patches).shape == (2, 12, 8, 7)
    for layer in ("fc1_1", "fc2", "fc2_relu", "embedding"):
        with pytest.raises(
            ValueError, match=f"no layer '{layer}' here: .*h5 holds no weights of"
        ) as e:
            target.tap(layer)
        assert "\n" not in str(e.value)
    with pytest.raises(ValueError, match="no layer 'conv9'; its layers are: conv1"):
        target.tap("conv9")
    target.model.save_weights(tmp_path / "kept.weights.h5")  # as convert_weights.py does
    assert vggish.load(weights=tmp_path / "kept.weights.h5").fingerprint == target.fingerprint
    _write_layers(path, _port_layers({name: weights[name] for name in list(weights)[:-1]}))
    assert vggish.load(weights=path).taps[-1].name == "fc1_2"


def test_a_hole_is_refused(tmp_path, weights):
    holed = {name: weights[name] for name in weights if name != "conv3_2"}
    _write_layers(tmp_path / "holed.h5", _port_layers(holed))
    with _refused("expected the variable vggish/conv3/conv3_2/weights", "another network's"):
        vggish.load(weights=tmp_path / "holed.h5")


def test_the_right_weights_under_unknown_names(tmp_path, weights):
    arrays = {f"w{i}": a for i, a in enumerate(a for pair in weights.values() for a in pair)}
    np.savez(tmp_path / "unknown.npz", **arrays)
    with _refused("names that are not known here", "docs/weights.md"):
        vggish.load(weights=tmp_path / "unknown.npz")


def test_two_networks_in_one_file(tmp_path, weights):
    state = _state_dict(weights)
    both = {
        f"{who}.{name}": value for name, value in state.items() for who in ("teacher", "student")
    }
    np.savez(tmp_path / "both.npz", **both)
    with _refused("expected the variable vggish/conv1/weights once", "teacher.features.0.weight"):
        vggish.load(weights=tmp_path / "both.npz")


def test_folders(tmp_path, weights, fingerprint):
    hub_model = tmp_path / "google" / "vggish" / "1"
    arrays = {}
    for row in vggish._LAYERS:
        if row.scope:
            arrays[f"{row.scope}/weights"], arrays[f"{row.scope}/biases"] = weights[row.name]
    module = tf.Module()
    variables = [tf.Variable(value, name=name) for name, value in arrays.items()]
    module.all_variables = variables  # pyright: ignore[reportAttributeAccessIssue]
    tf.saved_model.save(module, str(hub_model))
    assert vggish.load(weights=hub_model.parent).fingerprint == fingerprint
    (hub_model.parent / "2").mkdir()
    with _refused("found 1, 2"):
        vggish.load(weights=hub_model.parent)

    folder = tmp_path / "release"
    folder.mkdir()
    _write_layers(folder / "vggish.h5", _port_layers(weights))
    np.savez(folder / "vggish_pca_params.npz", pca_means=np.zeros(128))
    assert vggish.load(weights=folder).fingerprint == fingerprint
    (folder / "vggish.h5").unlink()
    (folder / "vggish.pth").write_bytes(b"\x80\x02}q\x00.")
    with _refused("found a Python pickle"):
        vggish.load(weights=folder)


def test_types_that_numpy_has_not(tmp_path, weights):
    state = _state_dict(weights)
    save_file(state, tmp_path / "v.safetensors")
    content = (tmp_path / "v.safetensors").read_bytes()
    assert b'"F32"' in content
    half = content.replace(b'"dtype":"F32"', b'"dtype":"I32"')
    (tmp_path / "v.safetensors").write_bytes(half)
    with _refused("expected float32, found I32 in features.0.weight"):
        vggish.load(weights=tmp_path / "v.safetensors")
    (tmp_path / "v.safetensors").write_bytes(content[:-40])
    with _refused("expected a safetensors file, cannot read it", "copy the file again"):
        vggish.load(weights=tmp_path / "v.safetensors")


def test_arrays_that_lie_in_other_files(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(72))
    with h5py.File(tmp_path / "v.h5", "w") as file:
        options = {"external": [(str(tmp_path / "secret"), 0, 72)]}
        file.create_dataset("conv1/kernel", (3, 3, 1, 2), "f4", **options)
    with _refused("conv1/kernel, which lies in other files"):
        vggish.load(weights=tmp_path / "v.h5")


# YAMNet: the published widths, for it is small.


def _yamnet_values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(9)
    variables = {
        name: variable
        for layer in yamnet._variables_by_layer(yamnet.build_yamnet()).values()
        for name, variable in layer.items()
    }
    return {
        name: rng.uniform(0.1, 1.0, tuple(variable.shape)).astype(np.float32)
        for name, variable in variables.items()
    }


def _yamnet_layers(values) -> dict[str, dict[str, np.ndarray]]:
    """As `yamnet.h5` of the release has them, whose last layer Keras had to name."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, value in values.items():
        layer, _, leaf = name.replace("logits", "dense").rpartition("/")
        layers.setdefault(layer, {})[f"{layer}/{leaf}:0"] = value
    return layers


def _yamnet_state(values, *, scale: float = 1.0) -> dict[str, np.ndarray]:
    """As torch_audioset's state_dict."""
    leaves = {"beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    state = {
        "classifier.weight": values["logits/kernel"].T,
        "classifier.bias": values["logits/bias"],
    }
    for name, value in values.items():
        layer, kind, *rest = name.split("/")
        scope = f"{layer}.{'fused' if kind == 'conv' else kind}"
        if rest and rest[0] == "bn":
            state[f"{scope}.bn.{leaves[rest[1]]}"] = value
            state[f"{scope}.bn.weight"] = np.full_like(value, scale)
            state[f"{scope}.bn.num_batches_tracked"] = np.int64(7)
        elif rest:
            axes = (2, 3, 0, 1) if kind == "depthwise_conv" else (3, 2, 0, 1)
            state[f"{scope}.conv.weight"] = value.transpose(axes)
    return {name: np.ascontiguousarray(value) for name, value in state.items()}


def test_yamnet_under_every_name(tmp_path):
    values = _yamnet_values()
    np.savez(tmp_path / "official.npz", **values)
    target = yamnet.load(weights=tmp_path / "official.npz")
    _write_layers(tmp_path / "yamnet.h5", _yamnet_layers(values))
    save_file(_yamnet_state(values), tmp_path / "yamnet.safetensors")
    target.model.save_weights(tmp_path / "yamnet.weights.h5")
    for name in ("yamnet.h5", "yamnet.safetensors", "yamnet.weights.h5"):
        loaded = loading.load_target("yamnet", weights=str(tmp_path / name))
        assert loaded.fingerprint == target.fingerprint, name
        for one, other in zip(loaded.model.get_weights(), target.model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    np.savez(tmp_path / "scaled.npz", **_yamnet_state(values, scale=0.5))
    with _refused("expected ones in layer1.fused.bn.weight", "fold it"):
        yamnet.load(weights=tmp_path / "scaled.npz")


def test_yamnet_without_its_classifier(tmp_path):
    values = {name: value for name, value in _yamnet_values().items() if "logits" not in name}
    np.savez(tmp_path / "headless.npz", **values)
    target = yamnet.load(weights=tmp_path / "headless.npz")
    assert target.taps[-1].name == "embedding"
    assert "predictions" not in target.model.output
    shallow = {name: value for name, value in values.items() if name.startswith("layer1/")}
    np.savez(tmp_path / "shallow.npz", **shallow)
    assert [tap.name for tap in yamnet.load(weights=tmp_path / "shallow.npz").taps] == ["layer1"]


def test_a_foreign_network_is_no_small_encoder(tmp_path):
    inputs = keras.Input((96, 64))
    outputs = keras.layers.Dense(3)(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "foreign.keras")
    keras.Model(inputs, {"layer_0": outputs}).save(tmp_path / "other.keras")
    for name in ("foreign.keras", "other.keras"):
        with _refused(name, "expected a small encoder", "--target="):
            loading.load_target("small_encoder/speech_commands", weights=str(tmp_path / name))


@contextlib.contextmanager
def _refused(*parts: str):
    with pytest.raises(hub.WeightsError) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message
