"""Parses the paths of a command line: several in one text, separated by commas."""

import csv
import os
import pathlib

_MOST_COMMAS = 100  # in one path


def split_paths(text: str) -> list[str]:
    """Splits a list at its commas, but not inside of a path that exists.

    What exists as a whole is taken as a whole; so is the longest part that does, between two
    commas. In quotation marks, as of CSV, a comma never splits.

    >>> split_paths("speech, more speech"), split_paths('"a, b.wav",c.wav')
    (['speech', 'more speech'], ['a, b.wav', 'c.wav'])

    Args:
        text: such as "LJSpeech-1.1,LibriSpeech".

    Raises:
        ValueError: if a quotation mark opens and does not close.
    """
    if not text.strip():
        return []
    if _exists(text):
        return [text]
    if text.lstrip().startswith('"') or ',"' in text.replace(" ", ""):
        try:
            (quoted,) = csv.reader([text], strict=True, skipinitialspace=True)
        except csv.Error as error:
            raise ValueError(f"{text!r} is no list of paths ({error}); close the quotes") from error
        return [path.strip() for path in quoted]
    parts, found, first = text.split(","), [], 0
    with_commas: dict[str, list[str]] = {}  # names with commas, by folder: hardly ever any
    while first < len(parts):
        end = first + 1
        rest = ",".join(parts[first : first + _MOST_COMMAS]).lstrip()
        begin = parts[first].strip()
        folder = begin[: max(begin.rfind("/"), begin.rfind(os.sep)) + 1]
        if folder not in with_commas:
            with_commas[folder] = [name for name in _names_in(folder) if "," in name]
        if any(rest.startswith(folder + name) for name in with_commas[folder]):
            ends = range(min(len(parts), first + _MOST_COMMAS), end, -1)
            end = next((each for each in ends if _exists(",".join(parts[first:each]))), end)
        found.append(",".join(parts[first:end]).strip())
        first = end
    return found


def _names_in(folder: str) -> list[str]:
    try:
        return [path.name for path in pathlib.Path(folder or ".").iterdir()]
    except (OSError, ValueError):  # there is no such folder, or can be none
        return []


def _exists(text: str) -> bool:
    try:
        return pathlib.Path(text.strip()).exists()
    except (OSError, ValueError):  # a name that no file can have, such as a list that is too long
        return False
