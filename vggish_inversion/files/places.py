"""Records where the sources of a folder lie, so that they are found from elsewhere."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from vggish_inversion.files import integrity

_FORMS = ("absolute", "relative")


def keep(source: str | None, folder: str | os.PathLike[str]) -> dict[str, str] | None:
    """What the settings of a folder keep of a path; None of what is no file or folder here.

    Args:
        source: as a user gave it.
        folder: which keeps it.

    Returns:
        The path, absolute and relative to the folder.
    """
    if not source or not _is_there(path := pathlib.Path(source).expanduser()):
        return None
    absolute = str(path.resolve())
    relative = os.path.relpath(absolute, pathlib.Path(folder).resolve())
    return dict(zip(_FORMS, (absolute, relative), strict=True))


def find(source: str, kept: Any, folder: pathlib.Path, *, instead: str) -> str:
    """Where the file or folder is now.

    It is looked for where it was; at the same place beside `folder`, for both may have moved; and,
    of a relative path, from the current folder and those above `folder`, in one of which it was
    given.

    Args:
        source: as the user gave it then.
        kept: what `keep` gave then; None of a folder that was made before it did.
        folder: whose settings they are.
        instead: what to do if it is nowhere.

    Raises:
        integrity.WeightsError: if it is nowhere.
    """
    forms = kept if isinstance(kept, Mapping) else {}
    absolute, relative = (str(forms.get(name) or "") for name in _FORMS)
    given = pathlib.Path(source).expanduser()
    candidates = [pathlib.Path(absolute)] if absolute else []
    candidates += [folder / relative] if relative else []
    candidates += [given, *(parent / given for parent in folder.absolute().parents)]
    for path in candidates:
        if _is_there(path):
            return str(path.resolve())
    tried = ", ".join(dict.fromkeys(str(path.absolute()) for path in candidates[:3]))
    raise integrity.WeightsError(
        f"{folder}: expected {source}, which it was made with, found it neither there nor above "
        f"(tried {tried}); {instead}"
    )


def _is_there(path: pathlib.Path) -> bool:
    """Whether there is a file, a folder, or a checkpoint, whose name is none of its files'."""
    try:
        return path.exists() or path.with_name(f"{path.name}.index").is_file()
    except (OSError, ValueError):  # of a name that no file can have
        return False
