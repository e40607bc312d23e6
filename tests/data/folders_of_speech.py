"""Small corpora for tests that read tables and folders, but no audio: the files are empty."""

import pathlib


def touch(folder: pathlib.Path, *names: str) -> pathlib.Path:
    """Makes empty files below a folder; returns the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def write(folder: pathlib.Path, name: str, text: str, *, encoding: str = "utf-8") -> pathlib.Path:
    """Writes a file as it is given, line ends too; returns the folder."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text.encode(encoding))
    return folder


def texts(utterances) -> dict[str, str | None]:
    """What is said, by id."""
    return {item.id: item.text for item in utterances}


def splits(utterances) -> dict[str, str]:
    """The split, by id."""
    return {item.id: item.split for item in utterances}
