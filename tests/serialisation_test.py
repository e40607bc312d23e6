"""What Keras may have to write down of this package comes back as it was, without being named."""

import importlib
import inspect
import json
import pkgutil
from typing import Any

import keras
import numpy as np
import pytest

import vggish_inversion
from vggish_inversion import features
from vggish_inversion.targets.own import stated_front_end
from vggish_inversion.training import optimizers
from vggish_inversion.vocoders import losses, vocos, weight_norm

# No default anywhere: what is not written down would come back as the default, and pass.
_PARAMS = features.LogMelParams(num_bands=40, log_offset=0.001)
_SCHEDULE = keras.optimizers.schedules.CosineDecay(3e-4, 70, alpha=0.02)
_OBJECTS = (
    optimizers.ConvolutionalMuon(_SCHEDULE, momentum=0.9, ns_steps=4, global_clipnorm=2.0),
    stated_front_end.FrontEndLayer(
        features.LogMel(num_bands=40, mean=(1.0,) * 40, patch_frames=50), name="heard"
    ),
    losses.SpectralLoss(_PARAMS, name="spectra"),
    vocos.SpectrumHead(_PARAMS, name="head"),
    weight_norm.ReflectionPad1D(3, name="pad"),
    weight_norm.WeightNormConv1D(
        6, 5, strides=2, dilation_rate=1, groups=2, kernel_initializer="zeros", name="conv"
    ),
)
_KINDS = (
    keras.layers.Layer,
    keras.losses.Loss,
    keras.metrics.Metric,
    keras.optimizers.Optimizer,
    keras.optimizers.schedules.LearningRateSchedule,
    keras.initializers.Initializer,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
)
# SavedFunction holds a program of somebody's SavedModel, which no config can tell; the trainings
# are models that hold others, and are never written themselves.
_NOT_WRITTEN = {"SavedFunction", "AdversarialModel", "RecGan", "AdversarialVocoder"}


def _own_classes() -> set[type]:
    """The classes of these kinds that the package defines."""
    found = set()
    for module in pkgutil.walk_packages(vggish_inversion.__path__, "vggish_inversion."):
        if "__main__" in module.name or ".scripts" in module.name:
            continue
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if member.__module__.startswith("vggish_inversion") and issubclass(member, _KINDS):
                found.add(member)
    return found


def test_none_is_left_out():
    names = {kind.__name__ for kind in _own_classes()}
    assert names - _NOT_WRITTEN == {type(item).__name__ for item in _OBJECTS}


@pytest.mark.parametrize("item", _OBJECTS, ids=lambda item: type(item).__name__)
def test_it_comes_back_as_it_was(item):
    text = json.dumps(keras.saving.serialize_keras_object(item))  # as a file holds it
    written = json.loads(text)
    back = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(back) is type(item)
    assert json.loads(json.dumps(keras.saving.serialize_keras_object(back))) == written
    own = {name for name in inspect.signature(type(item)).parameters if name != "kwargs"}
    assert own <= written["config"].keys()


def test_the_default_optimiser_goes_on_after_it_was_read_back():
    gradients = np.random.default_rng(0).normal(size=(2, 3, 3, 4, 16)).astype(np.float32)
    kernels = []
    for read_back in (False, True):
        optimizer = _OBJECTS[0]
        if read_back:
            written = keras.saving.serialize_keras_object(optimizer)
            optimizer = keras.saving.deserialize_keras_object(written)
        kernel = keras.Variable(np.ones(gradients.shape[1:], np.float32))
        optimizer.build([kernel])
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
        kernels.append(np.asarray(kernel))
    np.testing.assert_array_equal(*kernels)


def test_a_model_compiled_with_it_is_read_back_whole(tmp_path):
    model: Any = keras.Sequential([keras.Input((4,)), keras.layers.Dense(9)])
    model.compile(optimizers.ConvolutionalMuon(_SCHEDULE), "mae")
    model.fit(np.ones((8, 4)), np.ones((8, 9)), verbose=0)
    model.save(tmp_path / "model.keras")
    back: Any = keras.saving.load_model(tmp_path / "model.keras")
    assert type(back.optimizer) is optimizers.ConvolutionalMuon
    for left, right in zip(model.optimizer.variables, back.optimizer.variables, strict=True):
        np.testing.assert_array_equal(left, right)
