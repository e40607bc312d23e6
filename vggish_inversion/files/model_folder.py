"""A model's folder as it ships: the model with its digest, its settings, its history, its card."""

import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping

from vggish_inversion.files import documents, integrity

CONFIG_FILE, CARD_FILE, HISTORY_FILE = "config.json", "README.md", "history.csv"


def write_model_folder(
    model_path: pathlib.Path,
    *,
    save: Callable[[pathlib.Path], object] | None,
    describe: Callable[[pathlib.Path], tuple[Mapping, str]],
    beside: Iterable[pathlib.Path] = (),
) -> pathlib.Path:
    """Writes or renews the folder of a model: nothing of it, unless all of it can be made.

    Args:
        model_path: of the model in its folder, such as NAME/VERSION/encoder.keras.
        save: writes the model to the path that it is given; None if it is there and stays.
        describe: takes the path of the model that was saved, and gives its settings, for
            config.json, and the text of its card, for README.md.
        beside: files of the run that are copied, such as its history.

    Returns:
        The folder: the model, its digest (FILE.sha256), settings, card, and what was copied. Files
        of the same names are replaced, the card last.
    """
    folder = model_path.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        unfinished = pathlib.Path(scratch)
        saved = model_path if save is None else unfinished / model_path.name
        if save is not None:
            save(saved)
        settings, card = describe(saved)
        integrity.write_digest(saved)
        for path in beside:
            shutil.copyfile(path, unfinished / path.name)
        documents.write_json(unfinished / CONFIG_FILE, settings)
        (unfinished / CARD_FILE).write_text(card, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        for part in sorted(unfinished.iterdir(), key=lambda part: part.name == CARD_FILE):
            os.replace(part, folder / part.name)
    return folder
