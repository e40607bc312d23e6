"""Checks that outputs lie apart from inputs, and from files that others wrote.

No program writes over its input, or takes its own output for input the next time. Paths are
compared as they resolve, through symbolic links and `..`, before the first write.
"""

import os
import pathlib
from collections.abc import Iterable

Place = str | os.PathLike[str]


class OverlapError(ValueError):
    """What is to be written is what is read, or lies in it; the message is one line."""


def check_apart(*, read: Iterable[Place], written: Iterable[Place]) -> None:
    """Makes sure that files and folders that are written are apart from those that are read.

    >>> check_apart(read=["speech"], written=["out/a.wav"])
    >>> check_apart(read=["speech"], written=["speech/../speech/out"])
    Traceback (most recent call last):
    vggish_inversion.files.apart.OverlapError: speech/../speech/out lies in speech, which is read; \
name a place outside of it to write to

    Args:
        read: files, and folders all of which may be read. What does not exist is compared by name.
        written: files, and folders all of which is the program's own.

    Raises:
        OverlapError: if one is the other, or lies in it.
    """
    places = {_resolved(place): place for place in written}
    around = {parent: place for path, place in places.items() for parent in path.parents}
    for source in read:
        path = _resolved(source)
        if path in places:
            raise OverlapError(
                f"{_shown(places[path])} is read, and would be written over; name another place "
                "to write to"
            )
        if path in around:
            raise OverlapError(
                f"{_shown(around[path])} lies in {_shown(source)}, which is read; name a place "
                "outside of it to write to"
            )
        for parent in path.parents:
            if parent in places:
                raise OverlapError(
                    f"{_shown(source)}, which is read, lies in {_shown(places[parent])}, where "
                    "files are written; name another place to write to"
                )


def check_vacant(folder: pathlib.Path, names: Iterable[Place], *, mark: str) -> None:
    """Makes sure that a program writes over files of its own alone.

    Args:
        folder: that is written to.
        names: of the files, below it, and of folders that are the program's own, too.
        mark: the file that the program writes there first. Where it is, the others are its own.

    Raises:
        OverlapError: if one of the files is there, or something in one of the folders, and no mark.
    """
    if (folder / mark).is_file():
        return
    for name in names:
        path = folder / name
        if path.is_file() or any(each.is_file() for each in path.rglob("*")):
            raise OverlapError(
                f"{folder / name} is there already, without the {mark} of an earlier run; name "
                "another output folder"
            )


def _resolved(place: Place) -> pathlib.Path:
    try:
        return pathlib.Path(place).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):  # no path, a loop of links: opening it says so
        return pathlib.Path(place).absolute()


def _shown(place: Place) -> str:
    return os.fspath(place) or "."
