"""VCTK: wav48_silence_trimmed/SPEAKER/ID_mic1.flac or wav48/SPEAKER/ID.wav; txt/SPEAKER/ID.txt.

Of the two microphones the first is taken, where it is there. The split is by speaker.
"""

import pathlib
import re

from vggish_inversion.data import matching, recordings, utterances
from vggish_inversion.data.layouts import reading
from vggish_inversion.files import documents

_SOUND_FOLDER = re.compile(r"wav\d+(_silence_trimmed)?", re.IGNORECASE)
_MICROPHONE = re.compile(r"_mic(\d)$")


def fits(tree: recordings.Tree) -> bool:
    """Whether there are texts of speakers beside such a folder of sound."""
    return bool(_sound_folders(tree)) and bool(_texts(tree))


def read(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads the folder of sound that has been trimmed, if there is one."""
    chosen, *others = _sound_folders(tree)
    if others:
        tally.remarks.append(f"{tree.root}: {chosen} is read, and not {', '.join(others)}")
    microphones: dict[tuple[str, ...], dict[str, pathlib.Path]] = {}
    for path in tree.audio:
        folder, *rest = path.relative_to(tree.root).with_suffix("").parts
        if folder == chosen and rest:
            microphone = _MICROPHONE.search(rest[-1])
            key = (*rest[:-1], _MICROPHONE.sub("", rest[-1]))
            microphones.setdefault(key, {})[microphone.group(1) if microphone else ""] = path
    num_twins = sum(len(paths) > 1 for paths in microphones.values())
    if num_twins:
        tally.remarks.append(
            f"{tree.root}: of {num_twins} recordings by two microphones the first is taken"
        )
    texts, found = _texts(tree), []
    tally.num_rows += len(texts)
    for key, paths in microphones.items():
        path = paths[min(paths)]
        text = texts.pop(key, None)
        said = text and documents.read_text(text, error=utterances.CorpusError).strip()
        if not said:
            tally.files_without_row.append(path)
        speaker = utterances.folder_speaker(key[:-1])
        split = reading.hashed_split(tally, speaker, key[-1])
        found.append(utterances.Utterance(key[-1], path, said or None, speaker, split))
    tally.rows_without_file += [str(path.relative_to(tree.root)) for path in texts.values()]
    return reading.Reading("VCTK", found)


def _sound_folders(tree: recordings.Tree) -> list[str]:
    tops = dict.fromkeys(parents[0] for parents in map(tree.parents, tree.audio) if parents)
    folders = [name for name in tops if _SOUND_FOLDER.fullmatch(name)]
    return sorted(folders, key=lambda name: ("silence_trimmed" not in name.lower(), name))


def _texts(tree: recordings.Tree) -> dict[tuple[str, ...], pathlib.Path]:
    """The texts, each by its speaker and name."""
    relative = {path.relative_to(tree.root): path for path in tree.ending(".txt")}
    return {
        name.with_suffix("").parts[1:]: path
        for name, path in relative.items()
        if name.parts[0].lower() == "txt" and len(name.parts) > 2
    }
