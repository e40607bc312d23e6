"""Reconstructs a folder of recordings into another folder."""

import contextlib
import csv
import pathlib
from collections.abc import Callable, Iterable, Sequence

from absl import logging

from vggish_inversion import audio
from vggish_inversion.data import corpora, recordings
from vggish_inversion.files import apart, failures, folders
from vggish_inversion.reconstruction.reconstructor import Reconstructor
from vggish_inversion.results import OK

TABLE = "reconstruct.csv"
_COLUMNS = ("input", "output", "status")
_NOT_REACHED = "not reached"
_ERRORS = "backslashreplace"  # names of files need not be UTF-8


def find_inputs(
    inputs: Iterable[str | pathlib.Path], *, output_dir: str | pathlib.Path | None = None
) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Audio files, each with the path of its reconstruction relative to the output folder.

    Args:
        inputs: files, and folders that are searched at any depth.
        output_dir: is made sure to be apart from them, if given: it is no folder that is searched,
            lies in none, and is not the folder of a file.

    Raises:
        corpora.CorpusError: if a folder holds no audio.
        apart.OverlapError: if the output folder is not apart.
    """
    entries = [pathlib.Path(entry) for entry in inputs]
    found = []
    for entry in entries:
        if not entry.is_dir():
            found.append((entry, pathlib.Path(entry.stem + ".wav")))
            continue
        paths = recordings.audio_files(entry)
        if not paths:
            raise corpora.CorpusError(
                f"no audio in {entry}; expected {' '.join(audio.AUDIO_EXTENSIONS)} at any depth"
            )
        found += [(path, path.relative_to(entry).with_suffix(".wav")) for path in paths]
    if output_dir is not None:
        _check_apart(entries, found, pathlib.Path(output_dir))
    return found


def _check_apart(
    entries: Sequence[pathlib.Path],
    found: Sequence[tuple[pathlib.Path, pathlib.Path]],
    folder: pathlib.Path,
) -> None:
    searched = {entry for entry in entries if entry.is_dir()}
    linked = {path.resolve().parent for path, _ in found if searched & {*path.parents}}
    written = [folder / TABLE, *(folder / relative for _, relative in found)]
    apart.check_apart(read=[*searched, *linked], written=written)
    for file in entries:
        beside = (file.absolute().parent.resolve(), file.resolve().parent)
        if file not in searched and folder.resolve() in beside:
            raise apart.OverlapError(
                f"{folder} is the folder of {file}, which is read; name another output folder"
            )


def reconstruct_files(
    inputs: Iterable[tuple[pathlib.Path, pathlib.Path]],
    reconstructor: Reconstructor,
    name: str,
    output_dir: str | pathlib.Path,
    *,
    progress: Callable[[Sequence], Iterable] = iter,
) -> list[str]:
    """Reconstructs files one by one; one that fails, whatever fails, does not stop the rest.

    Args:
        inputs: of `find_inputs`.
        reconstructor: the parts.
        name: which of its inverters.
        output_dir: receives the wavs, and reconstruct.csv with a row per input. Of an earlier run,
            the wavs of other inputs stay, with their rows; those of an input that fails now go.
        progress: wraps the iteration over inputs, `tqdm.tqdm` for example.

    Returns:
        The status of every input: "ok", or why there is no reconstruction.

    Raises:
        apart.OverlapError: if a file that is read, or that is not of an earlier run, would be
            written over.
    """
    inputs, folder = list(inputs), pathlib.Path(output_dir)
    outputs = [folder / relative for _, relative in inputs]
    apart.check_apart(read=[path for path, _ in inputs], written=[folder / TABLE, *outputs])
    earlier = _read_own(folder / TABLE)
    own = {row[1] for row in earlier}
    for path, (_, relative) in zip(outputs, inputs, strict=True):
        if path.is_file() and _as_written(relative) not in own:
            raise apart.OverlapError(
                f"{path} is there already, without a row in the {TABLE} of an earlier run; name "
                "another output folder"
            )
    folder.mkdir(parents=True, exist_ok=True)
    planned = {_as_written(relative) for _, relative in inputs}
    # Of which nothing is made anew.
    others = [row for row in earlier if row[1] not in planned and (folder / row[1]).is_file()]
    statuses, taken, rows = [], {}, []
    # First: with it, the wavs are an earlier run's, also after a kill.
    _write(folder / TABLE, [*others, *((*item, _NOT_REACHED) for item in inputs)])
    with open(folder / TABLE, "a", encoding="utf-8", errors=_ERRORS, newline="") as file:
        for path, relative in progress(inputs):
            status = OK
            try:
                if relative in taken:
                    raise ValueError(f"{relative} was already made from {taken[relative]}")
                result = reconstructor(path, names=[name])[name]
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                audio.write_wav(folder / relative, result.waveform)
                taken[relative] = path
            except Exception as error:  # noqa: BLE001  (it is the reason in the file's row)
                status = failures.in_one_line(error)
                said = status if str(path) in status else f"{path}: {status}"
                logging.error("%s", said)
                logging.debug("%s", path, exc_info=error)
                if (
                    relative not in taken and _as_written(relative) in own
                ):  # what it was made from is gone
                    with contextlib.suppress(OSError):
                        (folder / relative).unlink(missing_ok=True)
            rows.append((path, relative if status == OK else "", status))
            csv.writer(file, lineterminator="\n").writerow(rows[-1])
            file.flush()
            statuses.append(status)
    with contextlib.suppress(OSError):  # the disk is full: all rows are there, behind the plan
        _write(folder / TABLE, [*others, *rows])
    return statuses


def _write(table: pathlib.Path, rows: Iterable[Sequence]) -> None:
    with (
        folders.write_file(table) as unfinished,
        open(unfinished, "w", encoding="utf-8", errors=_ERRORS, newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *rows])


def _read_own(table: pathlib.Path) -> list[list[str]]:
    """The rows of an earlier run, without rows that made no wav.

    Raises:
        apart.OverlapError: if a file of that name is of no such run.
    """
    if not table.is_file() or not table.stat().st_size:
        return []
    with open(table, encoding="utf-8", errors="replace", newline="") as file:
        head = file.readline(200).rstrip("\r\n")
        if head != ",".join(_COLUMNS):
            raise apart.OverlapError(
                f"{table} is there already, and not of this program; name another output folder"
            )
        rows = [row for row in csv.reader(file) if len(row) == len(_COLUMNS) and row[1]]
    return list({row[1]: row for row in rows}.values())


def _as_written(path: pathlib.Path) -> str:
    return str(path).encode(errors=_ERRORS).decode()
