"""Keeps embeddings of speakers beside the rows of results, and verifies them at the end."""

import collections
import dataclasses
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from absl import logging

from vggish_inversion import metrics
from vggish_inversion.files import documents, folders
from vggish_inversion.results import KEYS, NATURAL, OK, VERIFIED, Condition

_KIND = "speaker_embedding"


def write_embedding(
    folder: pathlib.Path, condition: Condition, utterance: str, embedding: np.ndarray
) -> None:
    """Keeps the embedding of one rendering in the results folder, for `verify`."""
    path = folder / condition.clip(_KIND, utterance)
    path.parent.mkdir(parents=True, exist_ok=True)
    with folders.write_file(path) as unfinished:
        np.save(unfinished, np.asarray(embedding, np.float32))


def verify(
    rows: Iterable[Mapping[str, str]], folder: pathlib.Path
) -> dict[Condition, dict[str, float | int]]:
    """Speaker verification of every condition, its renderings against the natural recordings.

    What cannot be verified, of one speaker alone for example, is left out and said in a line.

    Args:
        rows: of results.csv.
        folder: of the results, which holds the embeddings.

    Returns:
        The cells of summary.csv in the columns `VERIFIED`, rounded; what is not known is not there.
    """
    utterances: dict[Condition, dict[str, None]] = collections.defaultdict(dict)
    speakers = {}
    for row in rows:
        if row["status"] == OK:
            utterances[Condition(*(row[name] for name in KEYS))][row["utterance"]] = None
            if row["speaker"]:
                speakers[row["utterance"]] = row["speaker"]
    reader = _Reader(folder)
    enrolment = {}
    for condition in utterances:
        if condition.layer == NATURAL:
            enrolment |= reader.read(condition, utterances[condition])
    figures, problems, known = {}, [], {}
    for condition, names in utterances.items():
        # All recognisers heard the same sounds, unless one of them gave up.
        key = (dataclasses.replace(condition, asr=""), tuple(names))
        try:
            if key not in known:
                known[key] = metrics.verify_speakers(
                    reader.read(condition, names), enrolment, speakers
                )
            figures[condition] = _cells(known[key])
        except ValueError as error:
            problems.append(f"{condition.inverter}: {error}")
    _tell(folder, reader, problems, [*figures.values()])
    return figures


class _Reader:
    """Reads embeddings, and counts those that are not there or not whole."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._shape: tuple[int, ...] | None = None
        self.num_read = self.num_missing = 0

    def read(self, condition: Condition, utterances: Iterable[str]) -> dict[str, np.ndarray]:
        """The embeddings of a condition's renderings by utterance; nan where there is none."""
        found = {}
        for utterance in utterances:
            self.num_read += 1
            try:
                path = folders.inside(self._folder, condition.clip(_KIND, utterance))
                embedding = documents.read_array(path, kinds="f")
                self._shape = self._shape or embedding.shape
                if embedding.shape != self._shape or embedding.dtype != np.float32:
                    raise ValueError(f"{embedding.dtype}{embedding.shape}")
            except (OSError, ValueError):
                self.num_missing += 1
            else:
                found[utterance] = embedding
        return found


def _cells(item: metrics.Verification) -> dict[str, float | int]:
    return {
        name if name in VERIFIED else f"speaker_{name}": round(value, 4)
        for name, value in dataclasses.asdict(item).items()
        if math.isfinite(value)
    }


def _tell(
    folder: pathlib.Path, reader: _Reader, problems: Sequence[str], figures: Sequence[Mapping]
) -> None:
    """A line for each kind of gap."""
    if reader.num_missing:
        logging.warning(
            "%s: %d of %d embeddings in %s are missing or damaged, and were left out; delete "
            "results.csv there and run again to have them anew",
            *(folder, reader.num_missing, reader.num_read, _KIND),
        )
    if problems:
        more = f" (and {len(problems) - 1} more alike)" if len(problems) > 1 else ""
        logging.warning("speaker_eer stays empty: %s%s", problems[0], more)
    if figures and not any("speaker_eer_low" in item for item in figures):
        logging.warning(
            "speaker_eer has no interval: %d speakers are too few to draw from, expected five",
            figures[0]["num_speakers"],
        )
