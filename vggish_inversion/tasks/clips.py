"""Reads the official corpora of the classification tasks as labelled clips, in their own splits.

Each reader takes a folder as `data.recordings` walks it, and matches tables to files as
`data.matching` does, so that links, marks, cases and file names are what they are for speech.
"""

import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Iterator

from vggish_inversion.data import matching, recordings, transcripts
from vggish_inversion.data.layouts import common_voice
from vggish_inversion.files import documents, tables

SPLITS = ("train", "validation", "test")

_FOLD_SPLITS = {"4": "validation", "5": "test"}
_BIRDS = ("rooster", "hen", "crow", "chirping_birds")


@dataclasses.dataclass(frozen=True)
class Clip:
    """One labelled recording, in one split."""

    path: pathlib.Path
    label: str
    split: str


def hashed_split(key: str, *, test_tenths: int = 1) -> str:
    """Assigns a speaker or a clip to a split by hash: a tenth is for validation.

    The same on every machine, whatever else is in the folder.

    >>> hashed_split("022cd682") == hashed_split("022cd682")
    True
    """
    position = int(hashlib.sha1(key.encode()).hexdigest()[:8], 16) % 10
    if position < test_tenths:
        return "test"
    return "validation" if position == test_tenths else "train"


def speech_commands(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """One folder per word; the corpus' own split lists, or by speaker where they are absent."""
    listed, index = {}, matching.Index(tree)
    lists = {"validation_list.txt": "validation", "testing_list.txt": "test"}
    for table in _at_root(tree, *lists):
        for number, name in enumerate(documents.read_text(table).split("\n"), 1):
            paths = index.find(name, beside=tree.root) if name.strip() else []
            tally.num_rows += bool(name.strip())
            if name.strip() and not paths:
                tally.rows_without_file.append(f"{table.name} line {number} ({name[:80]})")
            listed |= dict.fromkeys(paths, lists[table.name.lower()])
    for path in tree.audio:
        folders = tree.parents(path)
        if len(folders) != 1 or folders[0] == "_background_noise_":
            continue
        speaker = re.search(r"([0-9a-f]{8})_nohash_", path.name)
        by_hash = hashed_split(speaker.group(1) if speaker else path.name)
        yield Clip(path, folders[0], listed.get(path, "train") if listed else by_hash)


def _at_root(tree: recordings.Tree, *names: str) -> list[pathlib.Path]:
    return [path for path in tree.named(*names) if path.parent == tree.root]


def _librispeech(tree: recordings.Tree) -> Iterator[tuple[pathlib.Path, str, str]]:
    """SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac, each with its subset and speaker."""
    for path in tree.audio:
        subset, speaker, chapter = ("", "", "", *tree.place(path).parts[:-1])[-3:]
        if path.name.startswith(f"{speaker}-{chapter}-"):
            yield path, subset, speaker


def speaker_id(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """Speakers of the training subsets; every speaker is in every split, an utterance in one."""
    del tally  # LibriSpeech's folders are all that is read
    for path, subset, speaker in _librispeech(tree):
        if subset.startswith("train"):
            yield Clip(path, speaker, hashed_split(path.stem))


def language_id(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """Common Voice (LANGUAGE/validated.tsv, clips/) or VoxForge (LANGUAGE/SPEAKER-.../wav/)."""
    matches = matching.Matches(tree, tally)
    for folder in common_voice.languages(tree):
        for path, entry in common_voice.clips(tree, folder, matches, tally):
            split = entry.split or hashed_split(entry.speaker or path.stem, test_tenths=2)
            yield Clip(path, tree.place(folder).name, split)
    for path in tree.audio:
        folders = tree.parents(path)
        if len(folders) == 3 and folders[2].lower() == "wav":
            speaker = folders[1].split("-")[0]
            yield Clip(path, folders[0], hashed_split(speaker, test_tenths=2))


def acoustic_scenes(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """TUT Urban Acoustic Scenes 2018: the folds of evaluation_setup/, validation by location."""
    meta = [
        row for path in _at_root(tree, "meta.csv") for row in _rows(path, "filename", "identifier")
    ]
    location = {cells["filename"]: cells["identifier"] for _, cells in meta}
    matches = matching.Matches(tree, tally)
    for path in tree.named("fold1_train.txt", "fold1_evaluate.txt"):
        if path.parent.name != "evaluation_setup":
            continue
        entries = []
        for number, line in enumerate(documents.read_text(path).split("\n"), 1):
            if not line.strip():
                continue
            file, tab, label = line.strip().partition("\t")
            if not tab:
                raise documents.DocumentError(
                    f"{path} line {number}: expected file<TAB>label, got {line[:80]!r}"
                )
            split = "test"
            if path.name.lower() == "fold1_train.txt":
                by_hash = hashed_split(location.get(file, file))
                split = "train" if by_hash == "test" else by_hash  # it has test locations itself
            entries.append(transcripts.Entry(number, file, label.partition("\t")[0], split=split))
        yield from _labelled(matches, tree.root / path.name, entries)


def environmental_sounds(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """ESC-50 (meta/esc50.csv, audio/) or ESC-10 (001-Dog_bark/1-100032-A.ogg), by fold."""
    for path in tree.named("esc50.csv"):
        if path.parent == tree.root / "meta":
            entries = [
                transcripts.Entry(
                    line,
                    f"audio/{cells['filename']}",
                    cells["category"],
                    split=_FOLD_SPLITS.get(cells["fold"], "train"),
                )
                for line, cells in _rows(path, "fold", "filename", "category")
            ]
            yield from _labelled(matching.Matches(tree, tally), tree.root / path.name, entries)
    for path in tree.audio:
        folders = tree.parents(path)
        if len(folders) == 1 and re.match(r"\d{3}", folders[0]) and re.match("[1-5]-", path.name):
            label = re.sub(r"^\d+\s*-\s*", "", folders[0]).lower().replace(" ", "_")
            yield Clip(path, label, _FOLD_SPLITS.get(path.name[0], "train"))


def bird_detection(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """BirdVox or freefield1010 (a csv of itemid,hasbird beside wav/), or ESC's rooster."""
    labels = {"0": "no_bird", "1": "bird"}
    for path in tree.ending(".csv"):
        rows = _rows(path) if path.parent == tree.root else []
        if not rows or not {"itemid", "hasbird"} <= rows[0][1].keys():
            continue  # another table
        for line, cells in rows:
            if cells["hasbird"] not in labels:
                shown = cells["hasbird"][:40]
                raise documents.DocumentError(
                    f"{path} line {line}: expected 0 or 1 in hasbird, got {shown!r}"
                )
        entries = [
            transcripts.Entry(line, f"wav/{cells['itemid']}", labels[cells["hasbird"]])
            for line, cells in rows
        ]
        yield from _labelled(matching.Matches(tree, tally), tree.root / path.name, entries)
    for clip in environmental_sounds(tree, tally):
        yield Clip(clip.path, "bird" if clip.label in _BIRDS else "no_bird", clip.split)


def speech_music_noise(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """MUSAN: music/, noise/ and speech/, each with folders of recordings, split by recording."""
    del tally  # MUSAN's folders are all that is read
    for path in tree.audio:
        label = next(iter(tree.parents(path)), "")
        if label in ("music", "noise", "speech"):
            yield Clip(path, label, hashed_split(path.stem))


def speech_noise(tree: recordings.Tree, tally: matching.Tally) -> Iterator[Clip]:
    """Speech of LibriSpeech by speaker, its dev and test subsets for testing; noise of ESC."""
    for path, subset, speaker in _librispeech(tree):
        split = "test"
        if subset.startswith("train"):
            split = {"test": "validation"}.get(hashed_split(speaker), "train")
        yield Clip(path, "speech", split)
    for clip in environmental_sounds(tree, tally):
        yield Clip(clip.path, "noise", clip.split)


def _rows(path: pathlib.Path, *columns: str) -> list[tuple[int, dict[str, str]]]:
    return tables.read_named_rows(path, columns)


def _labelled(
    matches: matching.Matches, table: pathlib.Path, entries: list[transcripts.Entry]
) -> Iterator[Clip]:
    """The clips of entries whose texts are labels, each once; they lie below the table's folder."""
    for path, entry in matches.add(transcripts.Transcripts(table, True, entries)):
        yield Clip(path, entry.text or "", entry.split or hashed_split(path.stem))
