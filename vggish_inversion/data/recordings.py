"""Finds the recordings below a folder: one walk for every reader of folders.

Symbolic links are followed, to folders too. Each folder is entered once, so no loop is endless; a
link to a recording that the walk meets under its own name is that recording, and counts once, while
two links to a file elsewhere are two recordings, as in a folder made of links. What systems leave
behind is not seen: names that begin with a dot (macOS' `._x.wav`), `__MACOSX`, `@eaDir`.
"""

import collections
import dataclasses
import functools
import os
import pathlib
from collections.abc import Mapping, Sequence

from absl import logging

from vggish_inversion import audio
from vggish_inversion.data import utterances

_LEFT_BEHIND = ("__MACOSX", "@eaDir")
# Sound of other formats: what is left out is said.
_OTHER_SOUND = (".m4a", ".aac", ".wma", ".webm", ".mp4", ".amr", ".3gp", ".ape", ".wv", ".ac3")
_OTHER_SOUND += (".ra", ".dss", ".shn", ".spx", ".mka")


@dataclasses.dataclass(frozen=True)
class Tree:
    """What a walk found.

    Attributes:
        root: the folder.
        files: of any kind, sorted, each below `root`.
        aliases: links to some of them, and which.
        remarks: what was left out, and why, a line each.
    """

    root: pathlib.Path
    files: Sequence[pathlib.Path]
    aliases: Mapping[pathlib.Path, pathlib.Path]
    remarks: Sequence[str]

    def __repr__(self) -> str:
        """What it is."""
        return f"<Tree {self.root}: {len(self.files)} files>"

    @functools.cached_property
    def audio(self) -> list[pathlib.Path]:
        """The recordings among them.

        Raises:
            CorpusError: if the name of one is no UTF-8, which no table could hold.
        """
        found = [path for path in self.files if _is_sound(path)]
        for path in found:
            try:
                str(path).encode()
            except UnicodeEncodeError as error:
                raise utterances.CorpusError(
                    f"{self.root}: the name {path.name!r} is not UTF-8; rename it"
                ) from error
        return found

    def parents(self, path: pathlib.Path) -> tuple[str, ...]:
        """The folders between the root and a file."""
        return path.relative_to(self.root).parts[:-1]

    def place(self, path: pathlib.Path) -> pathlib.Path:
        """A file's whole path, whose folders above the root have their real names."""
        return self.root.resolve() / path.relative_to(self.root)

    def below(self, folder: pathlib.Path) -> "Tree":
        """The part that lies below one of its folders."""
        files = [path for path in self.files if folder in path.parents]
        aliases = {link: path for link, path in self.aliases.items() if folder in path.parents}
        return Tree(folder, files, aliases, self.remarks)

    def named(self, *names: str) -> list[pathlib.Path]:
        """Finds files by name, in any case of letters, in the order of the names."""
        return [path for name in names for path in self._by_name.get(name.casefold(), ())]

    @functools.cached_property
    def _by_name(self) -> Mapping[str, Sequence[pathlib.Path]]:
        found = collections.defaultdict(list)
        for path in self.files:
            found[path.name.casefold()].append(path)
        return found

    def ending(self, ending: str) -> list[pathlib.Path]:
        """The files whose names end so."""
        return [path for path in self.files if path.name.casefold().endswith(ending)]


def audio_files(folder: str | pathlib.Path) -> list[pathlib.Path]:
    """Every recording below a folder, sorted; what was left out is logged.

    Raises:
        CorpusError: if the name of one is no UTF-8, which no table could hold.
    """
    tree = walk(folder)
    for remark in tree.remarks:
        logging.warning("%s", remark)
    return tree.audio


def walk(folder: str | pathlib.Path) -> Tree:
    """Lists what is below a folder; nothing, if there is no such folder."""
    return _Walk(pathlib.Path(folder)).tree()


class _Walk:
    """Real folders first, so that what links lead to as well keeps its own name."""

    def __init__(self, root: pathlib.Path):
        self._root = root
        self._entered: set[str] = set()
        self._paths: dict[str, str] = {}  # the real path of a file -> where the walk met it
        self._links: list[tuple[str, str]] = []  # a link, and the real path of its folder
        self._file_links: dict[str, str] = {}
        self._broken: list[str] = []
        self._unreadable: list[str] = []
        self._circular: list[str] = []

    def tree(self) -> Tree:
        if self._root.is_dir():
            self._enter(str(self._root), os.path.realpath(self._root))
        position = 0
        while position < len(self._links):  # which grow while they are followed
            self._follow(*self._links[position])
            position += 1
        found, aliases = list(self._paths.values()), {}
        for link, target in self._file_links.items():
            if target in self._paths and _is_sound(target) >= _is_sound(link):
                aliases[pathlib.Path(link)] = pathlib.Path(self._paths[target])
            else:
                found.append(link)
        files = sorted(map(pathlib.Path, found))
        return Tree(self._root, files, aliases, self._remarks(files, aliases))

    def _enter(self, folder: str, real_folder: str) -> None:
        pending = [(folder, real_folder)]
        while pending:
            folder, real_folder = pending.pop()
            if real_folder in self._entered:
                continue
            self._entered.add(real_folder)
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                self._unreadable.append(folder)
                continue
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _LEFT_BEHIND:
                    continue
                real_path = f"{real_folder.rstrip(os.sep)}{os.sep}{entry.name}"
                if entry.is_symlink():
                    self._links.append((entry.path, real_folder))
                elif entry.is_dir():
                    pending.append((entry.path, real_path))
                elif entry.is_file():
                    self._paths[real_path] = entry.path

    def _follow(self, link: str, real_folder: str) -> None:
        target = os.path.realpath(link)
        if pathlib.Path(target).is_file():
            self._file_links[link] = target
        elif not pathlib.Path(target).is_dir():
            self._broken.append(link)
        elif os.path.commonpath([target, real_folder]) == target or target in self._entered:
            self._circular.append(link)
        else:
            self._enter(link, target)

    def _remarks(self, files, aliases) -> list[str]:
        unread = set(_OTHER_SOUND) - set(audio.AUDIO_EXTENSIONS)
        other = [path for path in files if path.suffix.lower() in unread]
        kinds = " ".join(sorted({path.suffix.lower() for path in other}))
        again = [*self._circular, *aliases]
        remarks = (
            (self._broken, "links that lead nowhere", "fetch what they lead to"),
            (self._unreadable, "folders that cannot be read", "change their permissions"),
            (again, "links to what is here already", "it counts once"),
            (other, f"files of formats that are not read ({kinds})", "convert them to flac"),
        )
        return [
            f"{self._root}: {len(paths)} {what} (the first: {_shown(paths[0])}); {advice}"
            for paths, what, advice in remarks
            if paths
        ]


def _is_sound(path: str | pathlib.Path) -> bool:
    return pathlib.PurePath(path).suffix.lower() in audio.AUDIO_EXTENSIONS


def _shown(path: str | pathlib.Path) -> str:
    return os.fspath(path).encode(errors="backslashreplace").decode()
