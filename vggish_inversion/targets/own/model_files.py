"""Your own network as it lies on a disk: a `.keras` file, HDF5 or a SavedModel, with its JSON."""

import pathlib

import keras

from vggish_inversion.files import formats, hub
from vggish_inversion.targets import encoder
from vggish_inversion.targets.own import heads, keras_model, network_input


def is_path(name: str) -> bool:
    """Whether a target's name is that of a file or folder."""
    return name.endswith(".keras") or pathlib.Path(name).expanduser().exists()


def load(
    path: str,
    *,
    weights: str | None = None,
    seed: int = 0,
    axes: str | None = None,
    head: str | None = None,
) -> encoder.TargetEncoder:
    """Loads a `.keras` file, a network in HDF5 or the folder of a SavedModel as a target.

    Args:
        path: the file or folder, or the folder above a SavedModel's version. A JSON file beside it
            may state its log-mel front end; see `network_input.find_settings`.
        weights: a `.weights.h5` file for the model; the model's new place, if it has moved; or
            "untrained".
        seed: of the untrained weights.
        axes: of a patch in the network; what the JSON file states, or frames x bands, if None.
        head: the layer that tells classes apart; what the JSON file states, or what is found, if
            None.

    Raises:
        ValueError: if the model cannot be read, or is not one that can be a target.
    """
    source = pathlib.Path(path).expanduser()
    if weights is not None and weights != encoder.UNTRAINED and is_network(weights):
        source, weights = pathlib.Path(weights).expanduser(), None
    settings_path = network_input.find_settings(source)
    source = _version_in(source)
    settings_path = settings_path or network_input.find_settings(source)
    settings = network_input.read_settings(settings_path) if settings_path else {}
    log_mel_layer = settings.pop(network_input.LOG_MEL_LAYER, None)
    stated_axes = settings.pop(network_input.AXES, None)
    axes = axes or stated_axes
    stated_head = settings.pop(heads.HEAD, None)
    of_heads = {"head": head or stated_head, "class_names": settings.pop(heads.CLASS_NAMES, None)}
    if source.is_dir():
        if weights is not None:
            raise ValueError(
                f"{path} is a SavedModel, which holds its weights; leave out {weights}"
            )
        if log_mel_layer:
            raise ValueError(
                f"{path} is a SavedModel, whose layers have no names; {network_input.SAVE_PATCHES}"
            )
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"{path} is a SavedModel, which Keras runs on TensorFlow and not on "
                f"{keras.backend.backend()}; set KERAS_BACKEND=tensorflow, or save it as .keras"
            )
        from vggish_inversion.targets.own import saved_model  # not at the top: it needs TensorFlow

        return saved_model.load(path, source, settings, axes=axes, **of_heads)
    model = hub.read_keras_model(source)
    if weights is not None and weights != encoder.UNTRAINED:
        hub.load_keras_weights(model, weights)
    try:
        parts = keras_model.parts(
            model,
            front_end=settings or None,
            log_mel_layer=log_mel_layer,
            axes=axes,
            **of_heads,
            name=path,
            untrained_seed=seed if weights == encoder.UNTRAINED else None,
        )
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    return encoder.TargetEncoder(**parts)


def is_network(path: str) -> bool:
    """Whether a path is of a network, and not of weights alone."""
    return formats.identify(path).key not in ("hdf5_weights", "hdf5")


def _version_in(folder: pathlib.Path) -> pathlib.Path:
    """The SavedModel in a folder of TF-Hub's layout, NAME/VERSION, if it has one version."""
    if (folder / "saved_model.pb").is_file() or not folder.is_dir():
        return folder
    found = [path.parent for path in folder.glob("*/saved_model.pb") if path.parent.name.isdigit()]
    return found[0] if len(found) == 1 else folder
