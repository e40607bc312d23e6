"""YAMNet, AudioSet's MobileNet: 521 classes of sound, with a tap after every layer.

Source: `yamnet.py` and `params.py` of tensorflow/models (research/audioset/yamnet); its layers are
those of Howard et al., "MobileNets" (arXiv:1704.04861), at full width.
"""

import dataclasses
import os
import pathlib

import keras

from vggish_inversion import features
from vggish_inversion.files import documents
from vggish_inversion.targets import encoder, fingerprint, stored, untrained, yamnet_names
from vggish_inversion.targets.taps import Head, Tap

HUB_URL = "https://tfhub.dev/google/yamnet/1"

LOG_MEL = features.LogMelParams(log_offset=0.001, patch_hop_frames=48)
NUM_CLASSES = 521
HEAD = "logits"
_CLASS_MAP = pathlib.Path(__file__).with_name("yamnet_class_map.csv")  # the release's; see NOTICE


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


def class_names() -> tuple[str, ...]:
    """The display names of AudioSet's classes, in the order of the logits.

    >>> class_names()[0], class_names()[494]
    ('Speech', 'Silence')
    """
    return tuple(row["display_name"] for row in documents.read_table(_CLASS_MAP))


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
        weights: a TF-Hub URL (None: the published one); a file or folder of what docs/weights.md
            lists: the release's SavedModel or `yamnet.h5`, a Keras file, or arrays under the
            release's or PyTorch's names (`layer1/conv/kernel`, ..., `logits/bias`); or "untrained",
            a control that shows what the architecture alone keeps.
        seed: of the untrained weights.

    Returns:
        The frozen target, with the taps that the weights reach. Its fingerprint does not depend on
        the file that they were read from.

    Raises:
        hub.WeightsError: if the weights are missing, damaged or another model's.
    """
    model = build_yamnet()
    layers = _variables_by_layer(model)
    absent: dict[str, str] = {}
    if weights == encoder.UNTRAINED:
        _assign_untrained(layers, seed)
    else:
        source = HUB_URL if weights is None else weights
        absent = stored.assign(layers, source, locate=yamnet_names.locate, ones="/bn/gamma")
    # What is computed of the last layer of convolutions goes where that goes.
    absent |= {
        output: absent[layer]
        for output, layer in (("embedding", "layer14"), ("predictions", "logits"))
        if layer in absent
    }
    names = [name for name in TAPS if name not in absent]
    if absent:
        model = stored.up_to(model, [name for name in model.output if name not in absent])
    taps = tuple(Tap(name, tuple(model.get_layer(name).output.shape[1:]), "relu") for name in names)
    heads = {}
    if HEAD not in absent:
        heads = {Head(HEAD, class_names(), "sigmoid"): model.get_layer(HEAD).output}
    return encoder.TargetEncoder(
        "yamnet",
        model,
        taps,
        heads=heads,
        front_end=LOG_MEL,
        fingerprint=fingerprint.of_network(model, LOG_MEL),
        absent=absent,
    )


def _variables_by_layer(model: keras.Model) -> dict[str, dict[str, keras.Variable]]:
    """The variables of each layer that has some, with their names in the release."""
    layers: dict[str, dict[str, keras.Variable]] = {}
    for row in _LAYERS:
        layer = layers[row.name] = {}
        for scope in row.scopes:
            kernel = "depthwise_kernel" if scope.endswith("/depthwise_conv") else "kernel"
            layer[f"{scope}/{kernel}"] = model.get_layer(_keras_name(scope)).kernel
            batch_norm = model.get_layer(_keras_name(f"{scope}/bn"))
            layer[f"{scope}/bn/beta"] = batch_norm.beta
            layer[f"{scope}/bn/moving_mean"] = batch_norm.moving_mean
            layer[f"{scope}/bn/moving_variance"] = batch_norm.moving_variance
    logits = model.get_layer("logits")
    layers["logits"] = {"logits/kernel": logits.kernel, "logits/bias": logits.bias}
    return layers


def _assign_untrained(layers: stored.Layers, seed: int) -> None:
    """Fills in random kernels; batch norm keeps the mean 0 and the variance 1 it starts with."""
    variables = [item for layer in layers.values() for item in layer.items()]
    for index, (name, variable) in enumerate(variables):
        if name.endswith("kernel"):
            depthwise = name.endswith("depthwise_kernel")
            untrained.draw_kernel(variable, (seed, index), depthwise=depthwise)
