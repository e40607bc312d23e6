"""Makes a name for a file or folder of any text: safe on every file system, short and unique."""

import difflib
import hashlib
import pathlib
import re
import unicodedata
from collections.abc import Iterable

# Three folders' names fit into one, which may have 255 bytes; so does a file's with what is
# before and after it while it is being written.
_MAX_FOLDER_BYTES = 80
_MAX_FILE_BYTES = 200
_MAX_SHOWN_BYTES = 60
_NUM_DIGITS = 12  # of a hash: with 1000 names, two share one in a case of 5e8

# What a folder may be called as it stands: of one case, and without the dash that joins names.
_PLAIN_FOLDER = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
# A file's name may hold all but what some file system forbids, changes or gives a meaning to.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff"*/:<>?\\|~]|^[ .]|[ .]$')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE | re.DOTALL)


def folder_name(text: str) -> str:
    """A name for the folder of what is called so, such as a layer, or a vocoder by its path.

    Two texts never share a folder, not even where a file system knows no case. What is not plain
    gets a part of its hash; a name never holds "-", so that several can be joined by it.

    >>> folder_name("layer_1"), folder_name("runs/a/Vocos")
    ('layer_1', 'a_Vocos~91e283cbf59a')

    Returns:
        At most 80 bytes; empty for an empty text.
    """
    plain = _PLAIN_FOLDER.fullmatch(text) and not _RESERVED.fullmatch(text)
    return text if not text or (plain and len(text) <= _MAX_FOLDER_BYTES) else _with_hash(text)


def file_name(text: str) -> str:
    """A name for the file of what is called so, such as an utterance; without its ending.

    It is the text itself wherever that can be a file's name, capitals and all.

    >>> file_name("LJ050-0001"), file_name("a: b?")
    ('LJ050-0001', 'a_b~2d2a755c93b2')

    Returns:
        1 to 200 bytes.
    """
    usual = text and not _UNSAFE.search(text) and not _RESERVED.fullmatch(text)
    if usual and len(text.encode()) <= _MAX_FILE_BYTES and unicodedata.is_normalized("NFC", text):
        return text
    return _with_hash(text)


def corpora_names(folders: Iterable[object]) -> str:
    """The names of corpora in one text, without the paths to them.

    >>> corpora_names(["/data/LJSpeech-1.1", "LibriSpeech/"])
    'LJSpeech-1.1 and LibriSpeech'
    """
    return " and ".join(pathlib.PurePath(str(folder)).name for folder in folders)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The middle of an error about an unknown name: the nearest known ones, if any is near.

    >>> did_you_mean("vgish", ["vggish", "yamnet"]), did_you_mean("x", ["vggish"])
    ('; did you mean vggish?', ';')
    """
    near = difflib.get_close_matches(given.strip().lower(), list(known), n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ";"


def _with_hash(text: str) -> str:
    """What is safe of the last two parts of a path, and what makes the text unique."""
    parts = [part for part in re.split(r"[/\\]", unicodedata.normalize("NFC", text)) if part]
    words = re.sub(r"\W+", "_", "_".join(parts[-2:])).strip("_")
    shown = words.encode("utf-8", "ignore")[-_MAX_SHOWN_BYTES:].decode("utf-8", "ignore")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{shown.strip('_') or '_'}~{digest[:_NUM_DIGITS]}"
