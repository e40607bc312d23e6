"""Where a model lies: in a folder, the only one of many below a folder, or in an archive."""

import pathlib
import tarfile
import zlib
from collections.abc import Mapping
from typing import Any

from vggish_inversion.files import documents, formats, hub
from vggish_inversion.inverters import config
from vggish_inversion.targets import loading

MODEL_FILES = ("saved_model.pb", config.MODEL_FILE)
_NAMED = 8  # in a message
_ARCHIVE_ERRORS = (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, RecursionError)
_MAX_INFLATION = 200  # zeros deflate a thousand times, and no model is zeros


def find_model(folder: pathlib.Path, *, layer: str | None, preset: str | None) -> pathlib.Path:
    """The folder of a model: this, or the only one below it, of that layer and preset if given.

    Raises:
        hub.WeightsError: if there is none, or several; the message lists them.
    """
    found = models_below(folder)
    chosen = found
    if len(found) > 1 and (layer or preset):
        configs = {path: read_config(path) for path in found}
        if layer is not None:
            chosen = [path for path in chosen if is_of_layer(configs[path], layer)]
        if preset is not None:
            chosen = [path for path in chosen if configs[path].get("preset") == preset]
    if len(chosen) == 1:
        return chosen[0]
    names = [path.relative_to(folder).as_posix() for path in chosen or found]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    wanted = " ".join(filter(None, (layer, preset)))
    raise hub.WeightsError(
        f"{folder}: expected one model{f' of {wanted}' if wanted else ''}, there are "
        f"{len(names) if chosen else 'others'}: {', '.join(names[:_NAMED])}{more}; name the folder "
        f"of one, such as {folder / names[0]}"
    )


def models_below(folder: str | pathlib.Path) -> list[pathlib.Path]:
    """The folders of models: the folder itself if it is one, else those at any depth.

    Raises:
        hub.WeightsError: if there is none.
    """
    folder = pathlib.Path(folder)
    if any((folder / name).is_file() for name in MODEL_FILES):
        return [folder]
    found = sorted({path.parent for name in MODEL_FILES for path in folder.rglob(name)})
    if not found:
        raise hub.WeightsError(f"{folder}: expected a SavedModel or a run's folder, found neither")
    return found


def read_config(folder: pathlib.Path) -> dict[str, Any]:
    """The settings of a model.

    Raises:
        hub.WeightsError: if they cannot be read.
    """
    return documents.read_json(folder / "config.json", error=hub.WeightsError)


def is_of_layer(config: Mapping[str, Any], layer: str) -> bool:
    """Whether a model of these settings inverts a layer, by name or alias."""
    return loading.tap_name(str(config.get("target")), layer) == config.get("layer")


def unpack(path: str, folder: str) -> None:
    """Unpacks a model's `.tar.gz` into a folder, and nothing outside of it.

    Raises:
        hub.WeightsError: if it is damaged, or would grow to far more than a model.
    """
    if formats.is_stand_in(path):
        raise hub.WeightsError(formats.refusal(path, "an inverter's .tar.gz"))
    most = _MAX_INFLATION * pathlib.Path(path).stat().st_size if pathlib.Path(path).is_file() else 0
    try:
        with tarfile.open(path) as archive:
            members = []
            for member in archive:  # of a bomb, no more is read than it may hold
                members.append(member)
                if sum(item.size for item in members) > most:
                    raise tarfile.TarError("it would unpack to far more than a model")
            archive.extractall(folder, members, filter="data")  # nothing outside of the folder
    except _ARCHIVE_ERRORS as error:
        reason = " ".join((str(error) or type(error).__name__).split())
        raise hub.WeightsError(f"{path}: cannot be unpacked ({reason}); copy it again") from error
