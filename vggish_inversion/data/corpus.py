"""A folder of speech, read by its layout, and a report of how it was read."""

import collections
import dataclasses
import pathlib
from collections.abc import Sequence

from vggish_inversion import audio
from vggish_inversion.data import layouts, matching, recordings
from vggish_inversion.data.utterances import SPLITS, CorpusError, Utterance


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A folder of speech, and how it was read.

    Attributes:
        folder: where it lies.
        layout: its layout's name.
        utterances: all of them.
        split_rule: how they were split.
        num_rows: rows of its tables, or texts beside recordings.
        num_rows_without_file: rows that name no recording that is there.
        num_files_without_row: recordings that no row names.
        remarks: what a reader of figures should know, a line each.
    """

    folder: pathlib.Path
    layout: str
    utterances: Sequence[Utterance] = dataclasses.field(repr=False)
    split_rule: str
    num_rows: int
    num_rows_without_file: int
    num_files_without_row: int
    remarks: Sequence[str] = dataclasses.field(repr=False)

    def describe(self) -> str:
        """One line: layout, how many of each split, how the split was made, what is left over."""
        num_untold = sum(item.text is None for item in self.utterances)
        counts = ", ".join(
            f"{count} {name}" for name, count in split_sizes(self.utterances).items()
        )
        rows = "no table"
        if self.num_rows:
            rows = (
                f"{self.num_rows} rows, {self.num_rows_without_file} of them without a file; "
                f"{self.num_files_without_row} files without a row"
            )
        return (
            f"{self.folder}: layout {self.layout}; {len(self.utterances)} recordings ({counts}; "
            f"{self.split_rule}); {rows}; {num_untold} recordings without a text"
        )


def load_corpus(data_dir: str | pathlib.Path) -> Corpus:
    """Reads a folder of one of the layouts of docs/corpora.md, and says how.

    Raises:
        CorpusError: if the folder is missing, holds no audio, or has a table that cannot be read.
    """
    folder = pathlib.Path(data_dir)
    if not folder.is_dir():
        raise CorpusError(f"no folder {folder}; expected a corpus or a folder of audio")
    tree = recordings.walk(folder)
    if not tree.audio:
        raise CorpusError(
            f"no audio in {folder}; expected {', '.join(layouts.LAYOUT_NAMES)}, or "
            f"{' '.join(audio.AUDIO_EXTENSIONS)} files at any depth"
            f"{_reasons([*_kinds(tree.files), *tree.remarks])}"
        )
    tally = matching.Tally()
    reading = layouts.read_tree(tree, tally)
    remarks = [*tree.remarks, *tally.lines(folder)]
    if not reading.utterances:
        raise CorpusError(
            f"{folder}: nothing of its {len(tree.audio)} files can be used{_reasons(remarks)}"
        )
    return Corpus(
        folder=folder,
        layout=reading.layout,
        utterances=reading.utterances,
        split_rule="split " + " and ".join(tally.split_rules),
        num_rows=tally.num_rows,
        num_rows_without_file=len(tally.rows_without_file),
        num_files_without_row=len(tally.files_without_row),
        remarks=remarks,
    )


def split_sizes(utterances: Sequence[Utterance]) -> dict[str, int]:
    """How many utterances each split has."""
    sizes = collections.Counter(item.split for item in utterances)
    return {name: sizes[name] for name in SPLITS}


def _kinds(files: Sequence[pathlib.Path]) -> list[str]:
    """What is in a folder without audio, such as tables that hold it."""
    common = collections.Counter(path.suffix for path in files).most_common(3)
    found = ", ".join(f"{count} {suffix or 'without an extension'}" for suffix, count in common)
    return [f"found {found}"] if found else []


def _reasons(remarks: Sequence[str]) -> str:
    return f" ({'; '.join(remarks)})" if remarks else ""
