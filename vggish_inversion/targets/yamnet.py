"""YAMNet, AudioSet's MobileNet: 521 classes of sound, with a tap after every layer.

Source: `yamnet.py` and `params.py` of tensorflow/models (research/audioset/yamnet); its layers are
those of Howard et al., "MobileNets" (arXiv:1704.04861), at full width.
"""

import dataclasses
import math
import os
import pathlib
import re
from collections.abc import Iterator

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.files import hub
from vggish_inversion.targets import encoder

HUB_URL = "https://tfhub.dev/google/yamnet/1"

LOG_MEL = features.LogMelParams(log_offset=0.001, patch_hop_frames=48)
NUM_CLASSES = 521  # in the order of the release's yamnet_class_map.csv: Speech is the first

_KERAS_SUFFIXES = (".keras", ".h5")

# The release names its layers but the last, whose number then depends on what Keras had built
# before; and a module around the network may put its own name in front.
_STORED_NAME = re.compile(r"^(?:.*/)?(?:(layer\d+/.+)|(?:dense(?:_\d+)?|logits)/(kernel|bias))$")


@dataclasses.dataclass(frozen=True)
class _Layer:
    """A row of the layer table.

    Attributes:
        name: of the tap, and the scope of the weights in the release.
        width: output channels.
        stride: over frames and over bands, of the convolution that looks at neighbours.
        separable: a depthwise 3 x 3 convolution, then a pointwise one; else one of 3 x 3.
    """

    name: str
    width: int
    stride: int = 1
    separable: bool = True

    @property
    def scopes(self) -> tuple[str, ...]:
        """Of the convolutions, each followed by batch norm and ReLU."""
        kinds = ("depthwise_conv", "pointwise_conv") if self.separable else ("conv",)
        return tuple(f"{self.name}/{kind}" for kind in kinds)


_LAYERS = (
    _Layer("layer1", 32, stride=2, separable=False),
    _Layer("layer2", 64),
    _Layer("layer3", 128, stride=2),
    _Layer("layer4", 128),
    _Layer("layer5", 256, stride=2),
    _Layer("layer6", 256),
    _Layer("layer7", 512, stride=2),
    _Layer("layer8", 512),
    _Layer("layer9", 512),
    _Layer("layer10", 512),
    _Layer("layer11", 512),
    _Layer("layer12", 512),
    _Layer("layer13", 1024, stride=2),
    _Layer("layer14", 1024),
)

TAPS = (*(row.name for row in _LAYERS), "embedding")


def _convolution(row: _Layer, scope: str) -> keras.layers.Layer:
    options = {
        "padding": "same",
        "use_bias": False,
        "data_format": "channels_last",  # the weights' order, whatever keras.json says
        "name": _keras_name(scope),
    }
    if scope.endswith("/depthwise_conv"):
        return keras.layers.DepthwiseConv2D(3, row.stride, depthwise_initializer="zeros", **options)
    size, stride = (1, 1) if row.separable else (3, row.stride)
    return keras.layers.Conv2D(row.width, size, stride, kernel_initializer="zeros", **options)


def _keras_name(scope: str) -> str:
    return scope.replace("/", "_")  # Keras 3 takes no slash


def build_yamnet() -> keras.Model:
    """Builds YAMNet with all kernels zero: `load` fills them.

    Returns:
        A functional model `[batch, frames, bands]` float32 log-mel patches in nats, of `LOG_MEL`,
        -> {tap name: activations}, `[batch, frames, bands, channels]` or `[batch, channels]`, and
        `predictions`, `[batch, NUM_CLASSES]` float32 in [0, 1]. It computes in the precision of
        Keras' global dtype policy.
    """
    size = (LOG_MEL.patch_frames, LOG_MEL.num_bands)
    patches = keras.Input(size, name="patches")
    tensor = keras.layers.Reshape((*size, 1), name="image")(patches)
    taps = {}
    for row in _LAYERS:
        for scope in row.scopes:
            tensor = _convolution(row, scope)(tensor)
            tensor = keras.layers.BatchNormalization(
                axis=-1, epsilon=1e-4, scale=False, name=_keras_name(f"{scope}/bn")
            )(tensor)
            is_last = scope == row.scopes[-1]
            tensor = keras.layers.ReLU(name=row.name if is_last else _keras_name(f"{scope}/relu"))(
                tensor
            )
        taps[row.name] = tensor
    taps["embedding"] = keras.layers.GlobalAveragePooling2D(
        data_format="channels_last", name="embedding"
    )(tensor)
    logits = keras.layers.Dense(
        NUM_CLASSES, kernel_initializer="zeros", dtype="float32", name="logits"
    )(taps["embedding"])
    predictions = keras.layers.Activation("sigmoid", dtype="float32", name="predictions")(logits)
    return keras.Model(patches, {**taps, "predictions": predictions}, name="yamnet")


def load(*, weights: str | os.PathLike[str] | None = None, seed: int = 0) -> encoder.TargetEncoder:
    """Loads YAMNet.

    Args:
        weights: a TF-Hub URL (None: the published one); the folder of the TF-Hub SavedModel; an
            `.npz` file of arrays under the release's names (`layer1/conv/kernel`, ...,
            `logits/bias`); a `.weights.h5` or `.keras` file saved from `build_yamnet`; or
            "untrained", a control that shows what the architecture alone keeps.
        seed: of the untrained weights.

    Returns:
        The frozen target. Its fingerprint depends on the values of the weights, not on the file
        that they were read from.

    Raises:
        hub.WeightsError: if the weights are missing, damaged or another model's.
    """
    source = HUB_URL if weights is None else weights
    model = build_yamnet()
    if pathlib.PurePath(source).suffix in _KERAS_SUFFIXES:
        hub.load_keras_weights(model, source)
    elif source == encoder.UNTRAINED:
        _assign_untrained(model, seed)
    else:
        variables = dict(_variables_by_name(model))
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        values = hub.read_variables(source, shapes=shapes, rename=_official_name)
        for name, variable in variables.items():
            variable.assign(values[name])
    taps = tuple(
        encoder.Tap(name, tuple(model.get_layer(name).output.shape[1:]), "relu") for name in TAPS
    )
    return encoder.TargetEncoder(
        "yamnet", model, taps, log_mel=LOG_MEL, fingerprint=encoder.fingerprint(model)
    )


def _official_name(stored: str) -> str:
    match = _STORED_NAME.match(stored)
    if match is None:
        return stored
    return match[1] or f"logits/{match[2]}"


def _variables_by_name(model: keras.Model) -> Iterator[tuple[str, keras.Variable]]:
    """The model's variables with their names in the release."""
    for row in _LAYERS:
        for scope in row.scopes:
            kernel = "depthwise_kernel" if scope.endswith("/depthwise_conv") else "kernel"
            yield f"{scope}/{kernel}", model.get_layer(_keras_name(scope)).kernel
            batch_norm = model.get_layer(_keras_name(f"{scope}/bn"))
            yield f"{scope}/bn/beta", batch_norm.beta
            yield f"{scope}/bn/moving_mean", batch_norm.moving_mean
            yield f"{scope}/bn/moving_variance", batch_norm.moving_variance
    yield "logits/kernel", model.get_layer("logits").kernel
    yield "logits/bias", model.get_layer("logits").bias


def _assign_untrained(model: keras.Model, seed: int) -> None:
    """Fills in random kernels under which activations keep their scale through depth.

    Standard deviations are He's; batch norm keeps the mean 0 and the variance 1 that it starts
    with. NumPy draws them, so that a seed means the same weights on every Keras backend.
    """
    for index, (name, variable) in enumerate(_variables_by_name(model)):
        if not name.endswith("kernel"):
            continue
        is_depthwise = name.endswith("depthwise_kernel")
        fan_in = math.prod(variable.shape[:2] if is_depthwise else variable.shape[:-1])
        values = np.random.default_rng([seed, index]).standard_normal(variable.shape, np.float32)
        variable.assign(values * math.sqrt(2.0 / fan_in))
