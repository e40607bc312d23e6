"""A network's fingerprint: one for one network wherever it comes from, another for another."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import networks, small_runs
from vggish_inversion import features
from vggish_inversion.files import hub
from vggish_inversion.inverters import run, search
from vggish_inversion.results import writing as results
from vggish_inversion.targets import encoder, fingerprint, loading

_FRONT_END = features.LogMelParams()
layers = keras.layers

# Of `_filled(networks.small_cnn())`; Keras 3.12, 3.13 and 3.15 give it, on TensorFlow and on JAX.
_SMALL_CNN = "network-sha256:4f7c43fdf50c49837673f14c6775dbf04c56e448fd4da72ff4e4774b4b67f39e"


def _filled(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(0)
    model.set_weights(
        [rng.normal(size=weight.shape).astype(np.float32) for weight in model.get_weights()]
    )
    return model


def _of(model: keras.Model) -> str:
    return fingerprint.of_network(model, _FRONT_END)


def _network(*, pool=layers.MaxPooling2D, prefix: str = "", **convolution) -> keras.Model:
    options = {"padding": "same", "activation": "relu", "name": f"{prefix}conv"} | convolution
    inputs = keras.Input((96, 64, 1))
    x = layers.Conv2D(2, 3, **options)(inputs)
    x = pool(2, name=f"{prefix}pool")(x)
    return _filled(keras.Model(inputs, layers.Flatten(name=f"{prefix}flat")(x)))


def test_max_pool_and_average_pool_differ():
    one, other = _network(), _network(pool=layers.AveragePooling2D)
    assert fingerprint.of_weights(one) == fingerprint.of_weights(other)  # as it was
    assert _of(one) != _of(other)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "elu"},
        {"activation": None},
        {"padding": "valid"},
        {"strides": 2},
        {"dilation_rate": 2},
    ],
)
def test_other_settings_are_another_network(options):
    assert fingerprint.of_weights(_network()) == fingerprint.of_weights(_network(**options))
    assert _of(_network()) != _of(_network(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": "other_"},
        {"kernel_initializer": "zeros"},
        {"kernel_regularizer": "l2"},
        {"kernel_constraint": "non_neg"},
        {"trainable": False},
        {"dtype": "mixed_float16"},
        {"strides": (1, 1)},
    ],
)
def test_names_and_settings_of_training_are_left_out(options):
    assert _of(_network()) == _of(_network(**options))


def test_weights_shapes_and_input_count():
    model = _network()
    before = _of(model)
    weights = model.get_weights()
    model.set_weights([weights[0], weights[1] + 1])
    assert _of(model) != before
    square = keras.Sequential([keras.Input((96, 64)), layers.Dense(64, use_bias=False)])
    other = keras.Sequential([keras.Input((48, 64)), layers.Dense(64, use_bias=False)])
    other.set_weights(square.get_weights())
    assert _of(square) != _of(other)


def test_how_layers_are_joined_counts():
    def joined(*, swapped: bool) -> keras.Model:
        inputs = keras.Input((8,))
        one, two = layers.Dense(8, name="one"), layers.Dense(8, name="two")
        first, second = (two, one) if swapped else (one, two)
        return keras.Model(inputs, layers.Subtract()([second(first(inputs)), inputs]))

    forward, swapped = joined(swapped=False), joined(swapped=True)
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=(8, 8)) for name in ("one", "two")}
    for model in (forward, swapped):
        for name, value in values.items():
            model.get_layer(name).kernel.assign(value)
    assert _of(forward) != _of(swapped)


def test_constants_in_the_graph_count():
    def plus(constant):
        inputs = keras.Input((8,))
        return keras.Model(inputs, keras.ops.add(keras.ops.multiply(inputs, 2.0), constant))

    assert _of(plus(1.0)) == _of(plus(1.0))
    assert _of(plus(1.0)) != _of(plus(2.0))
    assert _of(plus(np.ones(8, "float32"))) != _of(plus(np.zeros(8, "float32")))


def test_the_front_end_counts():
    model = _network()
    other = features.LogMelParams(log_offset=0.001)
    assert fingerprint.of_network(model, other) != _of(model)
    assert _of(model) == fingerprint.of_network(model, features.LogMelParams(low_hz=125))


def test_sequential_functional_nested_and_called_twice():
    kinds = [layers.Dense(4), layers.ReLU(), layers.Dense(3)]
    sequential = _filled(keras.Sequential([keras.Input((8,)), *kinds]))
    inputs = keras.Input((8,))
    functional = keras.Model(inputs, kinds[2](kinds[1](kinds[0](inputs))))
    start = keras.Input((8,))
    nested = keras.Sequential([start, keras.Sequential([keras.Input((8,)), *kinds[:2]]), kinds[2]])
    assert _of(sequential) == _of(functional) == _of(nested)
    shared, own = layers.Dense(8), layers.Dense(8)
    inputs = keras.Input((8,))
    twice = keras.Model(inputs, shared(shared(inputs)))
    apart = keras.Model(inputs, own(shared(inputs)))
    own.set_weights(shared.get_weights())
    assert _of(twice) == _of(apart)  # they compute the same


@pytest.mark.parametrize("build", [networks.small_cnn, networks.waveform_cnn])
def test_a_file_keeps_it(tmp_path, build):
    model = _filled(build())
    model.save(tmp_path / "net.keras")
    assert _of(hub.read_keras_model(tmp_path / "net.keras")) == _of(model)
    if build is networks.small_cnn:  # Keras' HDF5 keeps no operations
        model.save(tmp_path / "net.h5")
        assert _of(hub.read_keras_model(tmp_path / "net.h5")) == _of(model)


def test_it_is_the_same_for_ever():
    assert _of(_filled(networks.small_cnn())) == _SMALL_CNN


@pytest.mark.slow
def test_it_is_the_same_on_jax():
    program = (
        "from tests.targets import fingerprint_test as test; "
        "print(test._of(test._filled(test.networks.small_cnn())))"
    )
    root = pathlib.Path(__file__).resolve().parents[2]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", program]
    made = subprocess.run(
        command, cwd=root, env=environment, check=True, capture_output=True, text=True
    )
    assert made.stdout.strip() == _SMALL_CNN


def test_taps_that_are_named_do_not_change_it(tmp_path):
    model = _filled(networks.small_cnn())
    some = encoder.TargetEncoder.from_keras(model, taps=["pool"])
    every = encoder.TargetEncoder.from_keras(model)
    assert some.fingerprint == every.fingerprint


def test_saved_models(tmp_path):
    def write(name, offset, **settings):
        def call(patches):
            return {"sum": tf.reduce_sum(patches, 2) + offset}

        module = tf.Module()
        spec = tf.TensorSpec([None, 96, 64], tf.float32)
        signatures = {"serving_default": tf.function(call).get_concrete_function(spec)}
        tf.saved_model.save(module, str(tmp_path / name), signatures=signatures)
        (tmp_path / f"{name}.json").write_text(json.dumps(settings))
        return loading.load_target(str(tmp_path / name))

    one, other = write("one", 1.0), write("other", 2.0)
    assert one.fingerprint.startswith(fingerprint.PREFIX)
    assert one.fingerprint != other.fingerprint
    (tmp_path / "one").rename(tmp_path / "moved")
    (tmp_path / "one.json").rename(tmp_path / "moved.json")
    assert loading.load_target(str(tmp_path / "moved")).fingerprint == one.fingerprint
    (tmp_path / "moved.json").write_text('{"log_offset": 0.5}')
    assert loading.load_target(str(tmp_path / "moved")).fingerprint != one.fingerprint


# What runs and results of before hold.


def test_the_runs_that_ship_are_of_their_networks():
    target = loading.load_target("small_encoder/speech_commands")
    runs = search.find_runs(hub.models_dir(), target, layers=None)
    assert len(runs) > 5
    kinds = set()
    for trained in runs:
        trained.check_target(target)
        told = trained.config["target_fingerprint"]
        kinds.add(told.partition(":")[0])
        is_of_weights = told.startswith("sha256:")
        assert (target.fingerprint_as(told) != target.fingerprint) == is_of_weights
    assert kinds == {"sha256", "network-sha256"}  # of before, and of now
    other = loading.load_target("small_encoder/speech_commands", weights="untrained")
    other.name = target.name
    with pytest.raises(ValueError, match="name the weights it was trained on"):
        runs[0].check_target(other)


def test_an_earlier_fingerprint_knows_weights_and_a_new_one_the_network(tmp_path):
    maximum = encoder.TargetEncoder.from_keras(_network(), name="net")
    average = encoder.TargetEncoder.from_keras(_network(pool=layers.AveragePooling2D), name="net")
    earlier = fingerprint.of_weights(_network())
    for target in (maximum, average):
        assert target.fingerprint_as(earlier) == earlier
        assert target.fingerprint_as(None) == target.fingerprint
        assert target.fingerprint_as("sha256:0") == target.fingerprint
    assert average.fingerprint_as(maximum.fingerprint) == average.fingerprint
    folder = small_runs.write(tmp_path / "run", maximum, "pool").folder
    run.read_run(folder).check_target(maximum)
    with pytest.raises(ValueError, match="name the weights it was trained on"):
        run.read_run(folder).check_target(average)


def test_results_of_before_go_on(tmp_path):
    target = encoder.TargetEncoder.from_keras(_network(), name="net")
    settings = dict.fromkeys(results.SHARED_SETTINGS, "x")
    settings |= {kind: {} for kind in (*results.FINGERPRINTED, "patches_seen", "views")}
    earlier = settings | {"target_fingerprint": fingerprint.of_weights(_network())}
    results.open_results(tmp_path, earlier)
    settings["target_fingerprint"] = target.fingerprint
    results.open_results(tmp_path, settings, fingerprint_as=target.fingerprint_as)
    other = encoder.TargetEncoder.from_keras(_network(activation="elu"), name="net")
    other.model.set_weights([weight + 1 for weight in other.model.get_weights()])
    settings["target_fingerprint"] = other.fingerprint
    with pytest.raises(ValueError, match="different: target_fingerprint"):
        results.open_results(tmp_path, settings, fingerprint_as=other.fingerprint_as)


# Figures of untrained networks stand in the docs: their weights are what they were.


@pytest.mark.parametrize(
    ("name", "seed", "digest"),
    [
        ("yamnet", 0, "bc753c1734ddf59e23113ef683162f1c7655fe3d62977b86fdf7d886f1949447"),
        ("yamnet", 3, "6100e7ec42b9f4167d8586186af2638711c7afe41769ada849aa3d90151a7fd5"),
        ("vggish", 0, "8ab234a4d04a547772f976f2da2048e48e972991751649004a1abd065be007d2"),
        (
            "small_encoder/speech_commands",
            1,
            "9ef2bb6154f9d36ba0d684b7eb215a6e93254a1d5b192bfdffc08ae118e0277c",
        ),
    ],
)
def test_untrained_weights_are_what_they_were(name, seed, digest):
    target = loading.load_target(name, weights="untrained", seed=seed)
    assert fingerprint.of_weights(target.model) == f"sha256:{digest}"


def test_untrained_weights_of_a_users_network_are_what_they_were(tmp_path):
    networks.small_cnn().save(tmp_path / "net.keras")
    target = loading.load_target(str(tmp_path / "net.keras"), weights="untrained", seed=1)
    digest = "376f9cffe72f630898dd5fc8b9cd989763164eac8de83348d7be5446d8156d26"
    assert target.fingerprint_as(f"sha256:{digest}") == f"sha256:{digest}"
