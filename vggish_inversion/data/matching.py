"""Matches rows of a table to recordings, and lists what is left over on either side."""

import collections
import dataclasses
import pathlib
import unicodedata
from collections.abc import Iterable, Sequence

from vggish_inversion import audio
from vggish_inversion.data import recordings, transcripts, utterances

# Tables keep the extension that a recording had before it was converted.
_EXTENSIONS = (".m4a", ".aac", ".wma", ".webm", ".mp4", ".amr", ".sph", ".pcm", ".raw", ".npy")


@dataclasses.dataclass
class Tally:
    """What tables and recordings say of each other.

    Attributes:
        num_rows: rows that were read, in all tables.
        rows_without_file: such as "metadata.csv line 3 (b)", for each.
        files_without_row: recordings that no row names.
        repeated_rows: rows that say what another one said.
        remarks: what else is to be known, a line each.
        split_rules: how the split was made.
    """

    num_rows: int = 0
    rows_without_file: list[str] = dataclasses.field(default_factory=list)
    files_without_row: list[pathlib.Path] = dataclasses.field(default_factory=list)
    repeated_rows: list[str] = dataclasses.field(default_factory=list)
    remarks: list[str] = dataclasses.field(default_factory=list)
    split_rules: list[str] = dataclasses.field(default_factory=list)

    def made_by(self, rule: str, split: str) -> str:
        """Notes how a split was made; returns the split."""
        if rule not in self.split_rules:
            self.split_rules.append(rule)
        return split

    def lines(self, root: pathlib.Path) -> list[str]:
        """What is to be said of a corpus: nothing, where rows and recordings agree."""
        left_over = [str(path.relative_to(root)) for path in self.files_without_row]
        kinds = (
            (self.rows_without_file, f"of {self.num_rows} rows without a file"),
            (left_over, "files without a row"),
            (self.repeated_rows, "rows that are there twice, and count once"),
        )
        said = [f"{root}: {len(what)} {text}: {_some(what)}" for what, text in kinds if what]
        return [*said, *self.remarks]


class Index:
    """The recordings of a tree, by name."""

    def __init__(self, tree: recordings.Tree):
        """Takes the recordings."""
        self._tree = tree
        self._by_stem: dict[str, list[pathlib.Path]] = collections.defaultdict(list)
        for path in tree.audio:
            self._by_stem[_folded(path.stem)].append(path)
        sounds = set(tree.audio)
        for alias, path in tree.aliases.items():
            if path in sounds:
                self._by_stem[_folded(alias.stem)].append(alias)

    def __repr__(self) -> str:
        """What it is."""
        return f"<Index of {self._tree!r}>"

    def find(self, name: str, *, beside: pathlib.Path) -> list[pathlib.Path]:
        """The recordings that a name in a table can mean; several only where nothing decides.

        A name may have an extension, another one than the recording's too, and folders: all, none,
        or those of another machine. Folders such as `wavs` tell nothing apart.

        Args:
            name: as a table has it.
            beside: the folder of the table, below which they lie.
        """
        written = unicodedata.normalize("NFC", name.strip().strip('"'))
        found = self._ranked(written, beside) or self._ranked(written.replace("\\", "/"), beside)
        return list(dict.fromkeys(self._tree.aliases.get(path, path) for path in found))

    def _ranked(self, written: str, beside: pathlib.Path) -> list[pathlib.Path]:
        parts = [part for part in written.split("/") if part not in ("", ".", "..")]
        if not parts:
            return []
        *folders, name = parts
        stem, dot, extension = name.rpartition(".")
        is_extension = f"{dot}{extension.lower()}" in (*audio.AUDIO_EXTENSIONS, *_EXTENSIONS)
        keys = (_folded(stem), _folded(name)) if is_extension else (_folded(name),)
        candidates = [path for key in keys for path in self._by_stem.get(key, ())]
        ranks = {}
        above = [*beside.relative_to(self._tree.root).parts, *folders]
        for path in candidates:
            own = [unicodedata.normalize("NFC", folder) for folder in self._tree.parents(path)]
            if beside not in path.parents or not _compatible(folders, own):
                continue
            ranks[path] = (
                _num_common_at_end(above, own),
                unicodedata.normalize("NFC", path.name) == name,
                unicodedata.normalize("NFC", path.stem) in (name, stem if is_extension else name),
                path.parent == beside / "wavs",
                path.parent == beside,
            )
        best = max(ranks.values(), default=None)
        return [path for path, rank in ranks.items() if rank == best]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _compatible(written: Sequence[str], own: Sequence[str]) -> bool:
    """Whether folders in a table fit the folders of a file: both end in the same way."""
    significant = [
        [name.casefold() for name in names if not _is_plain_container(name)]
        for names in (written, own)
    ]
    shorter = min(map(len, significant))
    return not shorter or significant[0][-shorter:] == significant[1][-shorter:]


def _is_plain_container(name: str) -> bool:
    """Whether a folder holds recordings, and tells no split from another."""
    return utterances.is_container(name) and utterances.folder_split(name) is None


def _num_common_at_end(one: Sequence[str], other: Sequence[str]) -> int:
    number = 0
    while number < min(len(one), len(other)) and one[-1 - number] == other[-1 - number]:
        number += 1
    return number


class Matches:
    """The entries of the recordings of a tree, from one table or several."""

    def __init__(self, tree: recordings.Tree, tally: Tally):
        """Takes what to match, and what is told of all that is left over."""
        self._index = Index(tree)
        self._tally = tally
        self._said: dict[pathlib.Path, tuple[pathlib.Path, transcripts.Entry]] = {}

    def __repr__(self) -> str:
        """What it is."""
        return f"<Matches: {len(self._said)} in {self._index!r}>"

    def add(self, found: transcripts.Transcripts) -> list[tuple[pathlib.Path, transcripts.Entry]]:
        """Each recording that a table names and no table before did, with its entry, in order.

        Raises:
            CorpusError: if two rows say different things of one recording, or one row may mean two.
        """
        new = []
        self._tally.num_rows += len(found.entries)
        self._tally.remarks += found.remarks
        for entry in found.entries:
            where = f"{found.path.name} line {entry.line} ({entry.name[:80]})"
            path = self._path_of(found.path, entry)
            if path is None:
                self._tally.rows_without_file.append(where)
            elif path not in self._said:
                self._said[path] = (found.path, entry)
                new.append((path, entry))
            elif self._said[path][1] == dataclasses.replace(
                entry, line=self._said[path][1].line, name=self._said[path][1].name
            ):
                self._tally.repeated_rows.append(where)
            else:
                table, before = self._said[path]
                lines = (
                    f"lines {before.line} and {entry.line}"
                    if table == found.path
                    else f"line {entry.line} and {table} line {before.line}"
                )
                raise utterances.CorpusError(
                    f"{found.path} {lines} say different things of {path.name}; delete one"
                )
        return new

    def finish(self, tree: recordings.Tree) -> None:
        """Tells the tally which recordings no table names."""
        self._tally.files_without_row += [path for path in tree.audio if path not in self._said]

    def _path_of(self, table: pathlib.Path, entry: transcripts.Entry) -> pathlib.Path | None:
        paths = self._index.find(entry.name, beside=table.parent)
        if len({path.with_suffix("") for path in paths}) > 1:
            raise utterances.CorpusError(
                f"{table} line {entry.line}: {entry.name!r} may be {paths[0]} or {paths[1]}; write "
                "its folder, too"
            )
        return one_of_twins(paths) if paths else None


def one_of_twins(paths: Iterable[pathlib.Path]) -> pathlib.Path:
    """Of recordings that differ in their extension alone, the one to take.

    >>> one_of_twins([pathlib.Path("a.flac"), pathlib.Path("a.wav")]).name
    'a.wav'
    """
    return min(paths, key=lambda path: (audio.AUDIO_EXTENSIONS.index(path.suffix.lower()), path))


def unique_ids(
    paths: Sequence[pathlib.Path], root: pathlib.Path, *, with_containers: bool = True
) -> list[str]:
    """A name for each recording: its path below the root, without extension unless it needs one.

    >>> root = pathlib.Path("c")
    >>> unique_ids([root / "x" / "a.wav", root / "b.wav", root / "b.flac"], root)
    ['x/a', 'b.wav', 'b.flac']

    Args:
        paths: of recordings, each once.
        root: a folder above all.
        with_containers: whether folders such as `wavs` in front belong to a name that is unique
            without them.
    """
    forms = [[path.relative_to(root).as_posix() for path in paths]]
    forms.insert(0, [path.relative_to(root).with_suffix("").as_posix() for path in paths])
    if not with_containers:
        forms.insert(0, [_without_containers(name) for name in forms[0]])
    ids = forms[0]
    for longer in forms[1:]:
        counts = collections.Counter(ids)
        ids = [full if counts[name] > 1 else name for name, full in zip(ids, longer, strict=True)]
    return ids if len(set(ids)) == len(ids) else forms[-1]


def _without_containers(name: str) -> str:
    *folders, stem = name.split("/")
    while folders and _is_plain_container(folders[0]):
        del folders[0]
    return "/".join((*folders, stem))


def _some(items: Sequence[str]) -> str:
    return ", ".join(items[:3]) + (", ..." if len(items) > 3 else "")
