"""Networks that another Keras saved compute here what they computed there."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import networks
from vggish_inversion.files import formats, hub

_PATCHES = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)


def _build(kind: str):
    """With what Keras 3 words otherwise: slashes, groups, axes as lists, recurrent settings."""
    import tf_keras

    layers = tf_keras.layers
    if kind == "convolutional":
        inputs = layers.Input((96, 64), name="log_mel")
        x = layers.Reshape((96, 64, 1))(inputs)
        x = layers.Conv2D(4, 3, 2, "same", activation="relu", name="block1/conv")(x)
        x = layers.BatchNormalization(name="block1/norm")(x)
        x = layers.DepthwiseConv2D(3, name="block2/depthwise", kernel_regularizer="l2")(x)
        skip = layers.Conv2D(4, 1, name="block2/skip")(x)
        x = layers.ReLU(6.0)(layers.Add()([x, skip]))
        return tf_keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    inner = [layers.Input((96, 4)), layers.Dense(3), layers.BatchNormalization()]
    rows = [layers.Input((96, 64)), layers.LSTM(4, return_sequences=True)]
    rows += [tf_keras.Sequential(inner), layers.Bidirectional(layers.GRU(2)), layers.Softmax()]
    return tf_keras.Sequential(rows)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("kind", ["convolutional", "recurrent"])
def test_keras_2(tmp_path, kind, suffix):
    model = _build(kind)
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.9, weight.shape) for weight in model.get_weights()])
    path = tmp_path / f"net{suffix}"
    model.save(path)
    assert formats.identify(path).key == ("keras_2" if suffix == ".keras" else "hdf5_model")
    loaded = hub.read_keras_model(path)
    np.testing.assert_allclose(loaded(_PATCHES), model(_PATCHES), rtol=1e-5, atol=1e-5)
    assert isinstance(loaded, keras.Model)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_of_keras_2_is_not_run(tmp_path, suffix):
    import tf_keras

    inputs = tf_keras.layers.Input((96, 64))
    outputs = tf_keras.layers.Lambda(lambda x: x * 2)(inputs)
    path = tmp_path / f"lambda{suffix}"
    tf_keras.Model(inputs, outputs).save(path)
    with pytest.raises(hub.WeightsError, match="Lambda"):
        hub.read_keras_model(path)


def test_operations_of_keras_2_are_refused_with_a_way_out(tmp_path):
    import tf_keras

    inputs = tf_keras.layers.Input((96, 64))
    tf_keras.Model(inputs, tf_keras.layers.Dense(2)(tf.add(inputs, 1.0))).save(
        tmp_path / "net.keras"
    )
    with pytest.raises(hub.WeightsError, match="of Keras 2 that cannot be .*save a SavedModel"):
        hub.read_keras_model(tmp_path / "net.keras")


def test_settings_that_a_later_keras_has(tmp_path):
    """As Keras 3.15 does to 3.13: an initialiser's, and one that says nothing."""
    model = networks.small_cnn()
    model.save(tmp_path / "net.keras")
    with zipfile.ZipFile(tmp_path / "net.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Conv2D":
            layer["config"]["kernel_initializer"]["config"]["of_a_later_keras"] = 1
            layer["config"]["also_later"] = None
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "later.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(TypeError):
        keras.saving.load_model(tmp_path / "later.keras")
    loaded = hub.read_keras_model(tmp_path / "later.keras")
    np.testing.assert_array_equal(loaded(_PATCHES), model(_PATCHES))

    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Conv2D":
            layer["config"]["also_later"] = "circular"  # which would be another network
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "later.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(hub.WeightsError, match="also_later"):
        hub.read_keras_model(tmp_path / "later.keras")


def test_weights_by_another_name(tmp_path):
    """Keras goes by the end of a name; here a file's content says what it is."""
    model = networks.small_cnn()
    model.save_weights(tmp_path / "net.weights.h5")
    model.save(tmp_path / "net.h5")
    (tmp_path / "net.weights.h5").rename(tmp_path / "new form.h5")
    (tmp_path / "net.h5").rename(tmp_path / "old form.weights.h5")
    for name in ("new form.h5", "old form.weights.h5"):
        other = networks.small_cnn()
        other.set_weights([weight + 1 for weight in other.get_weights()])
        hub.load_keras_weights(other, tmp_path / name)
        for one, two in zip(other.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
