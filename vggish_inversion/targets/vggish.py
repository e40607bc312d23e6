"""VGGish, the audio CNN that AudioSet's embeddings come from, with a tap after every layer.

Source: `vggish_slim.py` of tensorflow/models (research/audioset/vggish), after Hershey et al.,
"CNN Architectures for Large-Scale Audio Classification", ICASSP 2017.
"""

import dataclasses
import itertools
import os
import re
from collections.abc import Callable, Mapping

import keras

from vggish_inversion import features
from vggish_inversion.files import arrays
from vggish_inversion.targets import encoder, fingerprint, stored, untrained
from vggish_inversion.targets.taps import Tap

HUB_URL = "https://tfhub.dev/google/vggish/1"
FRONT_END = features.LogMelParams()  # whose defaults are the release's
CHECKPOINT_URL = "https://storage.googleapis.com/audioset/vggish_model.ckpt"

ALIASES = {"conv3": "conv3_2", "conv4": "conv4_2", "embedding": "fc2"}

# The names that files have for the weights: TF-Slim's and Keras', by layer ...
_NAMED = re.compile(r"^(?:.*/)?([^/]+)/(weights|kernel|biases|bias)$")
# ... Keras', where a file numbers the layers of each class ...
_NUMBERED = re.compile(
    r"^(?:.*/)?(?:layers|_layer_checkpoint_dependencies)/(conv2d|dense)(?:_(\d+))?/vars/([01])$"
)
# ... and PyTorch's, of torchvggish and the ports that follow it: they flatten as TensorFlow does.
_TORCH = re.compile(r"^(?:.*\.)?((?:features|embeddings|fc)\.\d+)\.(weight|bias)$")
_TORCH_LAYERS = ("features.0", "features.3", "features.6", "features.8", "features.11")
_TORCH_LAYERS += ("features.13", "embeddings.0", "embeddings.2", "embeddings.4")


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
    params = FRONT_END
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
        weights: a TF-Hub URL (None: the published one); a file or folder of what docs/weights.md
            lists: the release's checkpoint or SavedModel, a Keras file, or arrays under the
            release's, Keras' or PyTorch's names; or "untrained", a control that shows what the
            architecture alone keeps.
        seed: of the untrained weights.

    Returns:
        The frozen target, with the taps that the weights reach. Its fingerprint does not depend on
        the file that they were read from.

    Raises:
        hub.WeightsError: if the weights are missing, damaged or another model's.
    """
    model = build_vggish()
    absent: dict[str, str] = {}
    if weights == encoder.UNTRAINED:
        _assign_untrained(model, seed)
    else:
        source = HUB_URL if weights is None else weights
        layers = {
            row.name: {
                f"{row.scope}/weights": model.get_layer(row.name).kernel,
                f"{row.scope}/biases": model.get_layer(row.name).bias,
            }
            for row in _LAYERS
            if row.scope
        }
        absent = stored.assign(layers, source, locate=locate, alternative=CHECKPOINT_URL)
    rows = list(itertools.takewhile(lambda row: row.name not in absent, _LAYERS))
    if absent:
        model = stored.up_to(model, [row.name for row in rows])
        reason = next(iter(absent.values()))
        absent = {row.name: reason for row in _LAYERS if row not in rows}
    taps = tuple(
        Tap(row.name, tuple(model.get_layer(row.name).output.shape[1:]), row.activation)
        for row in rows
    )
    return encoder.TargetEncoder(
        "vggish",
        model,
        taps,
        front_end=FRONT_END,
        aliases=ALIASES,
        fingerprint=fingerprint.of_network(model, FRONT_END),
        absent=absent,
    )


def locate(stored_name: str) -> arrays.Place | None:
    """Finds the release's variable of an array by the array's name in a file.

    >>> locate("features.3.weight")
    Place(name='vggish/conv2/weights', axes=(2, 3, 1, 0))
    >>> locate("vggish_fc1/fc1_1/bias"), locate("layers/conv2d_2/vars/0").name
    (Place(name='vggish/fc1/fc1_1/biases', axes=None), 'vggish/conv3/conv3_1/weights')
    """
    rows = [row for row in _LAYERS if row.scope]
    if match := _TORCH.match(stored_name):
        layer, kind = match.groups()
        row = dict(zip(_TORCH_LAYERS, rows, strict=True)).get(layer.replace("fc.", "embeddings."))
        axes = arrays.CONV_AXES if layer.startswith("features") else arrays.DENSE_AXES
        is_kernel = kind == "weight"
    elif match := _NUMBERED.match(stored_name):
        kind, number, variable = match.groups()
        of_kind = [row for row in rows if row.kind == kind.removesuffix("2d")]
        row = dict(enumerate(of_kind)).get(int(number or 0))
        axes, is_kernel = None, variable == "0"
    elif match := _NAMED.match(stored_name):
        row = {row.name: row for row in rows}.get(match[1].removeprefix("vggish_"))
        axes, is_kernel = None, match[2] in ("weights", "kernel")
    else:
        return None
    if row is None:
        return None
    if is_kernel:
        return arrays.Place(f"{row.scope}/weights", axes)
    return arrays.Place(f"{row.scope}/biases")


def _assign_untrained(model: keras.Model, seed: int) -> None:
    """Fills in random kernels; biases stay zero."""
    for index, row in enumerate(_LAYERS):
        if row.scope:
            kernel = model.get_layer(row.name).kernel
            untrained.draw_kernel(kernel, (seed, index), linear=row.activation == "linear")
