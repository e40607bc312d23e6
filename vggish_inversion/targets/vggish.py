"""VGGish, the audio CNN that AudioSet's embeddings come from, with a tap after every layer.

Source: `vggish_slim.py` of tensorflow/models (research/audioset/vggish), after Hershey et al.,
"CNN Architectures for Large-Scale Audio Classification", ICASSP 2017.
"""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Mapping

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.files import hub
from vggish_inversion.targets import encoder

HUB_URL = "https://tfhub.dev/google/vggish/1"
CHECKPOINT_URL = "https://storage.googleapis.com/audioset/vggish_model.ckpt"

ALIASES = {"conv3": "conv3_2", "conv4": "conv4_2", "embedding": "fc2"}

_KERAS_SUFFIXES = (".keras", ".h5")


@dataclasses.dataclass(frozen=True)
class _Layer:
    """A row of the layer table.

    Attributes:
        name: of the Keras layer, and of its tap.
        kind: a key of `_BUILD`.
        width: output channels, where the layer has weights.
        scope: of the weights in the published checkpoint.
        activation: what the values at the tap came out of; a pool passes on its input's.
    """

    name: str
    kind: str
    width: int = 0
    scope: str = ""
    activation: str = "relu"


_LAYERS = (
    _Layer("conv1", "conv", 64, "vggish/conv1"),
    _Layer("pool1", "pool"),
    _Layer("conv2", "conv", 128, "vggish/conv2"),
    _Layer("pool2", "pool"),
    _Layer("conv3_1", "conv", 256, "vggish/conv3/conv3_1"),
    _Layer("conv3_2", "conv", 256, "vggish/conv3/conv3_2"),
    _Layer("pool3", "pool"),
    _Layer("conv4_1", "conv", 512, "vggish/conv4/conv4_1"),
    _Layer("conv4_2", "conv", 512, "vggish/conv4/conv4_2"),
    _Layer("pool4", "pool"),
    _Layer("fc1_1", "dense", 4096, "vggish/fc1/fc1_1"),
    _Layer("fc1_2", "dense", 4096, "vggish/fc1/fc1_2"),
    _Layer("fc2", "dense", 128, "vggish/fc2", activation="linear"),
    # The paper's code taps the embedding behind a ReLU, which older releases of VGGish had there.
    _Layer("fc2_relu", "relu"),
)


def _conv(row: _Layer) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        row.width,
        3,
        padding="same",
        data_format="channels_last",  # the weights' order, whatever keras.json says
        activation=row.activation,
        kernel_initializer="zeros",
        name=row.name,
    )


def _pool(row: _Layer) -> keras.layers.Layer:
    return keras.layers.MaxPooling2D(2, padding="same", data_format="channels_last", name=row.name)


def _dense(row: _Layer) -> keras.layers.Layer:
    return keras.layers.Dense(
        row.width, activation=row.activation, kernel_initializer="zeros", name=row.name
    )


def _relu(row: _Layer) -> keras.layers.Layer:
    return keras.layers.ReLU(name=row.name)


_BUILD: Mapping[str, Callable[[_Layer], keras.layers.Layer]] = {
    "conv": _conv,
    "pool": _pool,
    "dense": _dense,
    "relu": _relu,
}


def build_vggish() -> keras.Model:
    """Builds VGGish with all weights zero: `load` fills them.

    Returns:
        A functional model `[batch, frames, bands]` float32 log-mel patches in nats ->
        {tap name: activations}, `[batch, frames, bands, channels]` or `[batch, channels]`. It
        computes in the precision of Keras' global dtype policy.
    """
    params = features.LogMelParams()
    patches = keras.Input((params.patch_frames, params.num_bands), name="patches")
    tensor = keras.layers.Reshape((params.patch_frames, params.num_bands, 1), name="image")(patches)
    taps = {}
    for row in _LAYERS:
        if row.kind == "dense" and len(tensor.shape) > 2:
            tensor = keras.layers.Flatten(data_format="channels_last", name="flatten")(tensor)
        tensor = taps[row.name] = _BUILD[row.kind](row)(tensor)
    return keras.Model(patches, taps, name="vggish")


def load(*, weights: str | os.PathLike[str] | None = None, seed: int = 0) -> encoder.TargetEncoder:
    """Loads VGGish.

    Args:
        weights: a TF-Hub URL (None: the published one); `vggish_model.ckpt` or the folder that
            holds it; the folder of the TF-Hub SavedModel; an `.npz` file of arrays under the
            checkpoint's names; a `.weights.h5` or `.keras` file saved from `build_vggish`; or
            "untrained", a control that shows what the architecture alone keeps.
        seed: of the untrained weights.

    Returns:
        The frozen target. Its fingerprint depends on the values of the weights, not on the file
        that they were read from.

    Raises:
        hub.WeightsError: if the weights are missing, damaged or another model's.
    """
    source = HUB_URL if weights is None else weights
    model = build_vggish()
    if pathlib.PurePath(source).suffix in _KERAS_SUFFIXES:
        hub.load_keras_weights(model, source)
    elif source == encoder.UNTRAINED:
        _assign_untrained(model, seed)
    else:
        variables = _variables_by_name(model)
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        values = hub.read_variables(source, shapes=shapes, alternative=CHECKPOINT_URL)
        for name, variable in variables.items():
            variable.assign(values.pop(name))  # popped, for each may be 200 MB
    taps = tuple(
        encoder.Tap(row.name, tuple(model.get_layer(row.name).output.shape[1:]), row.activation)
        for row in _LAYERS
    )
    return encoder.TargetEncoder(
        "vggish",
        model,
        taps,
        log_mel=features.LogMelParams(),
        aliases=ALIASES,
        fingerprint=encoder.fingerprint(model),
    )


def _variables_by_name(model: keras.Model) -> dict[str, keras.Variable]:
    """The model's variables under the names of the published checkpoint."""
    variables = {}
    for row in _LAYERS:
        if row.scope:
            layer = model.get_layer(row.name)
            variables[f"{row.scope}/weights"] = layer.kernel
            variables[f"{row.scope}/biases"] = layer.bias
    return variables


def _assign_untrained(model: keras.Model, seed: int) -> None:
    """Fills in random weights under which activations keep their scale through depth.

    Standard deviations are He's before a ReLU, Glorot's before none; biases stay zero. NumPy draws
    them, so that a seed means the same weights on every Keras backend.
    """
    for index, row in enumerate(_LAYERS):
        if not row.scope:
            continue
        kernel = model.get_layer(row.name).kernel
        fan_in, fan_out = math.prod(kernel.shape[:-1]), kernel.shape[-1]
        variance = 2.0 / (fan_in if row.activation == "relu" else fan_in + fan_out)
        values = np.random.default_rng([seed, index]).standard_normal(kernel.shape, np.float32)
        values *= math.sqrt(variance)
        kernel.assign(values)
