"""Folders of recordings in, folders of reconstructions out."""

import csv
import pathlib
from collections.abc import Iterable

from absl import logging

from vggish_inversion import audio
from vggish_inversion.data import corpora, recordings
from vggish_inversion.files import failures
from vggish_inversion.reconstruction.reconstructor import Reconstructor
from vggish_inversion.results import OK


def find_inputs(inputs: Iterable[str | pathlib.Path]) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Audio files, each with the path of its reconstruction relative to the output folder.

    Args:
        inputs: files, and folders that are searched at any depth.

    Raises:
        corpora.CorpusError: if a folder holds no audio.
    """
    found = []
    for entry in map(pathlib.Path, inputs):
        if not entry.is_dir():
            found.append((entry, pathlib.Path(entry.stem + ".wav")))
            continue
        paths = recordings.audio_files(entry)
        if not paths:
            raise corpora.CorpusError(
                f"no audio in {entry}; expected {' '.join(audio.AUDIO_EXTENSIONS)} at any depth"
            )
        found += [(path, path.relative_to(entry).with_suffix(".wav")) for path in paths]
    return found


def reconstruct_files(
    inputs: Iterable[tuple[pathlib.Path, pathlib.Path]],
    reconstructor: Reconstructor,
    name: str,
    output_dir: str | pathlib.Path,
) -> list[str]:
    """Reconstructs files one by one; one that fails, whatever fails, does not stop the rest.

    Args:
        inputs: of `find_inputs`.
        reconstructor: the parts.
        name: which of its inverters.
        output_dir: receives the wavs, and reconstruct.csv with a row per input.

    Returns:
        The status of every input: "ok", or why there is no reconstruction.
    """
    folder = pathlib.Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    statuses, taken = [], {}
    with open(folder / "reconstruct.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("input", "output", "status"))
        for path, relative in inputs:
            status = OK
            try:
                if relative in taken:
                    raise ValueError(f"{relative} was already made from {taken[relative]}")
                waveform = audio.read_audio(path)
                result = reconstructor(waveform, names=[name])[name]
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                audio.write_wav(folder / relative, result.waveform)
                taken[relative] = path
            except Exception as error:  # noqa: BLE001  (it is the reason in the file's row)
                status = failures.in_one_line(error)
                said = status if str(path) in status else f"{path}: {status}"
                logging.error("%s", said)
                logging.debug("%s", path, exc_info=error)
            writer.writerow((path, relative if status == OK else "", status))
            file.flush()
            statuses.append(status)
    return statuses
