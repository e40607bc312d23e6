"""Writes folders: one process at a time, inside their bounds, whole or not at all."""

import contextlib
import errno
import os
import pathlib
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator

from absl import logging

try:
    import fcntl
except ImportError:  # not a POSIX system: then nothing tells two writers apart
    fcntl = None

_LOCK_FILE = ".lock"


class FolderBusyError(ValueError):
    """Another process writes the folder; the message is one line."""


@contextlib.contextmanager
def sole_writer(folder: pathlib.Path) -> Iterator[None]:
    """Makes a folder if need be, and holds it: a second process that wants it is refused.

    The operating system lets go of it when the process ends, killed or not. Where the file system
    has no locks a warning is logged, and no process is refused.

    Raises:
        FolderBusyError: if another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / _LOCK_FILE, "a+", encoding="utf-8", errors="replace") as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = " ".join(file.read(200).split()) or "unknown"
            raise FolderBusyError(
                f"{folder} is being written by another process ({holder}); wait for its end, or "
                "use another output folder"
            ) from error
        except OSError as error:
            logging.warning("%s cannot be locked (%s): start nothing else there", folder, error)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def inside(root: pathlib.Path, name: str) -> pathlib.Path:
    """The path of a name below a folder.

    >>> inside(pathlib.Path("out"), "a/b.wav").as_posix()
    'out/a/b.wav'

    Raises:
        ValueError: if it would lie elsewhere, or cannot be a path.
    """
    path = pathlib.PurePath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(f"{name!r} is no name for a file below {root}; rename it")
    return root / path


@contextlib.contextmanager
def write_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a path to write to, which becomes `path` if all goes well, and else vanishes.

    It has the ending of `path`. If the process is killed, the next writer of `path` replaces it.
    """
    unfinished = path.with_name(f".{path.stem[:200]}.unfinished{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        with contextlib.suppress(OSError):  # what went wrong before is what counts
            unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def write_whole(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder to write into, which becomes `folder` if all goes well, and else vanishes.

    Raises:
        FileExistsError: if `folder` is there already, or came to be in the meantime.
    """
    taken = f"{folder} is there already; delete it or name another folder"
    if folder.exists():
        raise FileExistsError(taken)
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name[:100]}.", dir=parent))
    unfinished.chmod(0o777 & ~_umask())
    try:
        yield unfinished
        try:
            unfinished.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            raise FileExistsError(taken) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_once(folder: pathlib.Path, write: Callable[[pathlib.Path], None]) -> None:
    """Has a folder written unless it is there; of two processes at it at once, one is taken."""
    if not folder.is_dir():
        with contextlib.suppress(FileExistsError), write_whole(folder) as unfinished:
            write(unfinished)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
