"""Neural vocoders: trained weights around a generator of Keras, called as every vocoder is."""

import pathlib
from typing import Any

import keras

from vggish_inversion import features
from vggish_inversion.files import documents, hub, keras_files
from vggish_inversion.vocoders import training, vocoder, vocos, weight_norm

keras_files.set_keras_defaults()

MODEL_FILE = training.MODEL_FILE
CONFIG_FILE = "config.json"

# Named, for a `.keras` file is read with these classes and runs no code of its own.
_LAYERS = (vocos.SpectrumHead, weight_norm.ReflectionPad1D, weight_norm.WeightNormConv1D)
_SUBSTITUTE = "use --vocoder=griffin_lim, which needs no weights"


class NeuralVocoder(vocoder.Vocoder):
    """A generator with the promises of a vocoder.

    Attributes:
        generator: the network.
        fingerprint: of its weights, where they came from a file, so that results are not mixed.

    >>> params = features.LogMelParams()
    >>> NeuralVocoder(vocos.build_generator(params, width=8), params)([[[0.0] * 64] * 3]).shape
    TensorShape([1, 480])
    """

    def __init__(
        self,
        generator: keras.Model,
        params: features.LogMelParams,
        *,
        fingerprint: str | None = None,
    ):
        """Wraps `generator`: `[batch, frames, bands]` -> `[batch, frames * hop]`."""
        self.generator = generator
        self.fingerprint = fingerprint
        super().__init__(params, name=generator.name)

    def _synthesise(self, log_mel):
        return self.generator(log_mel, training=False)


def load(source: str, params: features.LogMelParams) -> NeuralVocoder:
    """Loads a neural vocoder.

    Args:
        source: the name of one in the model store (hub_models/vocoder/NAME), or a run's folder.
        params: the front end whose log-mel it shall turn into sound.

    Raises:
        hub.WeightsError: if there are no weights, or they are damaged.
        ValueError: if it was trained on the log-mel of another front end.
    """
    folder = find_folder(source)
    config = read_config(folder)
    trained_on = features.LogMelParams(**config["log_mel"])
    # Patches are cut from a log-mel; they do not change its frames.
    patch = {"patch_frames": params.patch_frames, "patch_hop_frames": params.patch_hop_frames}
    if features.LogMelParams(**{**config["log_mel"], **patch}) != params:
        raise ValueError(
            f"{folder} was trained on the log-mel {trained_on}, not {params}; train it on that, or "
            f"{_SUBSTITUTE.replace('needs no weights', 'takes any log-mel')}"
        )
    path = folder / MODEL_FILE
    return NeuralVocoder(hub.read_keras_model(path), params, fingerprint=hub.sha256(path)[:16])


def find_folder(source: str) -> pathlib.Path:
    """The folder of a vocoder in the model store, or of a run.

    Raises:
        hub.WeightsError: if there is neither.
    """
    folder = pathlib.Path(source).expanduser()
    if folder.is_dir():
        return folder
    try:
        return hub.find_model(f"vocoder/{source}")
    except hub.WeightsError as error:
        raise hub.WeightsError(
            f"no trained weights of the vocoder {source} in {hub.models_dir()}; train it with "
            f"scripts/train_melgan.py --vocoder={source} and give --vocoder=RUN_FOLDER, or "
            f"{_SUBSTITUTE}"
        ) from error


def read_config(folder: pathlib.Path) -> dict[str, Any]:
    """The settings of a run or of a stored vocoder.

    Raises:
        hub.WeightsError: if the folder holds none.
    """
    if not (folder / MODEL_FILE).is_file() or not (folder / CONFIG_FILE).is_file():
        raise hub.WeightsError(
            f"no trained vocoder in {folder}; expected {MODEL_FILE} and {CONFIG_FILE}, as "
            "scripts/train_melgan.py writes at the end of each epoch"
        )
    try:
        config = documents.read_json(folder / CONFIG_FILE, {"vocoder": str, "log_mel": dict})
        features.LogMelParams(**config["log_mel"])
        if config["vocoder"] not in training.GENERATORS:
            raise ValueError(f"no vocoder {config['vocoder'][:40]!r}")
    except (ValueError, TypeError) as error:
        raise hub.WeightsError(
            f"{folder / CONFIG_FILE} holds other settings than a vocoder's; name the folder of one"
        ) from error
    return config
