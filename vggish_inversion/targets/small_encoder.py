"""The small encoder of the paper: five pooled layers, a global max pool, 128 numbers.

Source: Tagliasacchi et al., "Self-supervised audio representation learning for mobile devices"
(arXiv:1905.11796), with the layer outputs of Comanducci et al. (2021): 48x32x8, 24x16x16, 12x8x32,
6x4x64, 3x2x128, 128, 128. About 0.12 million parameters.
"""

import pathlib

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.files import documents, hub
from vggish_inversion.targets import encoder, fingerprint
from vggish_inversion.targets.taps import Head, Tap

NUM_CHANNELS = (8, 16, 32, 64, 128)
EMBEDDING_SIZE = 128
FRONT_END = features.LogMelParams()  # the paper's networks take what VGGish takes
_CARD = "config.json"  # beside encoder.keras


def build_small_encoder(num_classes: int, *, seed: int = 0) -> keras.Model:
    """Builds the encoder with its classification head.

    Args:
        num_classes: of the task that it is trained on.
        seed: of the initial weights.

    Returns:
        A model `[batch, 96, 64]` float32 log-mel in nats -> dict of `layer_0` .. `layer_6` and
        `logits` `[batch, num_classes]`.
    """
    rng = np.random.default_rng(seed)

    def initializer():
        return keras.initializers.HeNormal(seed=int(rng.integers(2**31)))

    def convolution(x, channels, kernel, name):
        return keras.layers.Conv2D(
            channels,
            kernel,
            padding="same",
            use_bias=False,
            kernel_initializer=initializer(),
            name=name,
        )(x)

    params = FRONT_END
    patches = keras.Input((params.patch_frames, params.num_bands), name="patches")
    x = keras.layers.Reshape((params.patch_frames, params.num_bands, 1), name="channel")(patches)
    taps = {}
    for index, channels in enumerate(NUM_CHANNELS):
        x = convolution(x, channels, (3, 1), f"time_conv_{index}")
        x = convolution(x, channels, (1, 3), f"frequency_conv_{index}")
        x = keras.layers.BatchNormalization(momentum=0.95, name=f"batch_norm_{index}")(x)
        x = keras.layers.ReLU(name=f"relu_{index}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"layer_{index}")(x)
        taps[f"layer_{index}"] = x
    taps["layer_5"] = keras.layers.GlobalMaxPooling2D(name="layer_5")(x)
    taps["layer_6"] = keras.layers.Dense(
        EMBEDDING_SIZE, kernel_initializer=initializer(), name="layer_6"
    )(taps["layer_5"])
    logits = keras.layers.Dense(
        num_classes, kernel_initializer=initializer(), dtype="float32", name="logits"
    )(taps["layer_6"])
    return keras.Model(patches, {**taps, "logits": logits}, name="small_encoder")


def load(task: str = "speech_commands", *, weights: str | None = None, seed: int = 0):
    """Loads the small encoder of one task as a frozen target; see `loading.load_target`.

    Its head has the labels that the encoder's `config.json` lists.
    """
    name = f"small_encoder/{task}"
    if weights == encoder.UNTRAINED:
        model = build_small_encoder(num_classes=2, seed=seed)
        labels = _labels(hub.models_dir() / name / "1")
        logits = _untrained_logits(model, len(labels), seed) if labels else model.output["logits"]
    else:
        path = pathlib.Path(weights) if weights else hub.find_model(name)
        path = path.expanduser()
        path = path / "encoder.keras" if path.is_dir() else path
        model = hub.read_keras_model(path)
        _check(model, path)
        labels, logits = _labels(path.parent), model.output["logits"]
        if labels and len(labels) != logits.shape[1]:
            raise hub.WeightsError(
                f"{path.parent / _CARD}: {len(labels)} labels for the {logits.shape[1]} classes of "
                f"{path.name}; copy the folder again"
            )
    taps = tuple(
        Tap(tap, tuple(tensor.shape[1:]), "linear" if tap == "layer_6" else "relu")
        for tap, tensor in model.output.items()
        if tap != "logits"
    )
    class_names = labels or tuple(map(str, range(logits.shape[1])))
    head = Head("logits", class_names, "softmax")
    return encoder.TargetEncoder(
        name,
        model,
        taps,
        heads={head: logits},
        front_end=FRONT_END,
        fingerprint=fingerprint.of_network(model, FRONT_END),
    )


def _labels(folder: pathlib.Path) -> tuple[str, ...]:
    """The classes that an encoder was trained on, as its folder tells; empty if it does not.

    Raises:
        hub.WeightsError: if it is damaged.
    """
    path = folder / _CARD
    if not path.is_file():
        return ()
    labels = documents.read_json(path, {"labels": list}, error=hub.WeightsError)["labels"]
    return tuple(map(str, labels))


def _untrained_logits(model: keras.Model, num_classes: int, seed: int):
    """As many classes as the trained encoder has, beside the two of the network that is tapped."""
    initializer = keras.initializers.HeNormal(seed=seed)
    layer = keras.layers.Dense(
        num_classes, kernel_initializer=initializer, dtype="float32", name="untrained_logits"
    )
    return layer(model.output["layer_6"])


def _check(model: keras.Model, path: pathlib.Path) -> None:
    """Makes sure that a file holds a small encoder.

    Raises:
        hub.WeightsError: if it holds another network.
    """
    expected = [*(f"layer_{index}" for index in range(len(NUM_CHANNELS) + 2)), "logits"]
    params = FRONT_END
    size = (None, params.patch_frames, params.num_bands)
    outputs = model.output if isinstance(model.output, dict) else {}
    if sorted(outputs) == sorted(expected) and tuple(model.input.shape) == size:
        return
    raise hub.WeightsError(
        f"{path}: expected a small encoder, with the outputs {' '.join(expected)}, found the "
        f"network {model.name} with {' '.join(outputs) or 'an output without a name'}; give the "
        "encoder.keras that train_small_encoder.py wrote, or your own network as --target="
    )
