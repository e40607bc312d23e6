"""Drops the rows of a results folder whose recordings, texts or inverters have changed."""

import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence

from absl import logging

from vggish_inversion.data import corpora
from vggish_inversion.files import contents, documents, folders
from vggish_inversion.results import KEYS, Condition, ResultsTable, delete_clips

_NAMED = 5  # utterances, in a line


def digest_recordings(utterances: Sequence[corpora.Utterance]) -> dict[str, str]:
    """The digest of every recording, by id; `contents.UNREADABLE` if it cannot be read."""
    digests = contents.digest_all(item.path for item in utterances)
    return dict(zip((item.id for item in utterances), digests, strict=True))


def digest_utterances(
    utterances: Sequence[corpora.Utterance], recordings: Mapping[str, str]
) -> str:
    """One SHA-256 of ids, texts, speakers and recordings, in order: what all shards share."""
    rows = [[item.id, item.text, item.speaker, recordings[item.id]] for item in utterances]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def drop_stale(
    table: ResultsTable,
    folder: pathlib.Path,
    utterances: Sequence[corpora.Utterance],
    recordings: Mapping[str, str],
    conditions: Sequence[Condition],
    *,
    is_shard: bool,
) -> None:
    """Drops the rows whose recording, text or speaker is another now; logs which. Sounds go, too.

    Args:
        table: of results.csv.
        folder: of the results.
        utterances: that are measured.
        recordings: their digests.
        conditions: that are measured; rows of others are dropped, too, and that is said.
        is_shard: rows of utterances that are not among these belong to other shards since the
            corpus changed, and are dropped; else they stay, and that is said.
    """
    texts = {item.id: item.text or "" for item in utterances}
    speakers = {item.id: item.speaker or "" for item in utterances}
    changed: dict[str, set[str]] = {"recording": set(), "text": set(), "speaker": set()}
    stale = []
    for row in table.rows:
        name = row["utterance"]
        if name not in texts:
            continue
        is_other = {
            "recording": row["audio_sha256"] != recordings[name],
            "text": row["reference"].split() != texts[name].split(),
            "speaker": row["speaker"] != speakers[name],
        }
        for what, is_changed in is_other.items():
            changed[what] |= {name} if is_changed else set()
        stale += [row] if any(is_other.values()) else []
    for what, names in changed.items():
        if names:
            logging.warning(
                "%s: the %s of %s changed since they were measured; they are measured again",
                folder,
                what,
                _shown(names),
            )
    strangers = {row["utterance"] for row in table.rows} - texts.keys()
    if strangers:
        logging.warning(
            "%s: rows of %s, which this evaluation does not name, %s",
            folder,
            _shown(strangers),
            "are of other shards now, and were dropped" if is_shard else "stay as they are",
        )
    if is_shard:
        stale += [row for row in table.rows if row["utterance"] in strangers]
    measured = set(conditions)
    not_asked = set()
    for row in stale:
        condition = Condition(*(row[name] for name in KEYS))
        delete_clips(folder, condition, row["utterance"])
        if row["utterance"] in texts:
            not_asked |= {condition} - measured
    table.discard(stale)
    if not_asked:
        logging.warning(
            "%s: their rows of %s were dropped, which this evaluation does not measure; run it "
            "again with them",
            folder,
            _shown({f"{item.inverter} {item.vocoder} {item.asr}" for item in not_asked}),
        )


def forget_inverters(folder: pathlib.Path, *, but: Mapping[str, str]) -> int:
    """Deletes what was measured of inverters that are others now, or are not asked about.

    Args:
        folder: of the results; one that has none yet stays as it is.
        but: those of now, digests by the names that run.json has.

    Returns:
        How many rows are left.

    Raises:
        ValueError: if the folder cannot be read, or is being written.
    """
    path = folder / "run.json"
    if not path.is_file():
        return 0
    with folders.sole_writer(folder):
        run = documents.read_json(path, {"inverters": dict})
        gone = {name for name, digest in run["inverters"].items() if but.get(name) != digest}
        with ResultsTable(folder / "results.csv") as table:
            rows = [
                (row, condition)
                for row in table.rows
                for condition in [Condition(*(row[name] for name in KEYS))]
                if condition.inverter in gone
            ]
            for row, condition in rows:
                delete_clips(folder, condition, row["utterance"])
            table.discard([row for row, _ in rows])
            num_left = len(table.rows)
        for kind in ("inverters", "patches_seen", "views"):
            kept = run.get(kind)
            if isinstance(kept, dict):
                run[kind] = {name: value for name, value in kept.items() if name not in gone}
        documents.write_json(path, run)
    return num_left


def _shown(names: set[str]) -> str:
    """Some names, and how many there are.

    >>> _shown(set("gabcdef"))
    'a, b, c, d, e and 2 more'
    """
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more
