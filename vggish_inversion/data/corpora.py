"""Reads folders of speech as utterances with id, text, speaker and split."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence

from absl import logging

from vggish_inversion.data.corpus import Corpus, load_corpus, split_sizes
from vggish_inversion.data.utterances import SPLITS, CorpusError, Utterance, hashed_split

__all__ = [
    "SPLITS",
    "Corpus",
    "CorpusError",
    "Utterance",
    "bundled_speech",
    "hashed_split",
    "list_utterances",
    "load_corpora",
    "load_corpus",
    "read_corpora",
    "read_corpus",
    "thin",
]

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# In the package where it was installed from a wheel, beside it in a checkout.
_SPEECH_ROOTS = tuple(root / "scripts" / "demo_speech" for root in (_PACKAGE, _PACKAGE.parent))


def load_corpora(data_dirs: Sequence[str | pathlib.Path]) -> list[Corpus]:
    """Reads several folders; where two have an id in common, all ids of both name their folder.

    Raises:
        CorpusError: if a folder is no corpus, or a recording is in two of them.
    """
    corpora = [load_corpus(folder) for folder in data_dirs]
    owners: dict[str, pathlib.Path] = {}
    for corpus in corpora:
        for real in {os.path.realpath(item.path) for item in corpus.utterances}:
            if real in owners:
                raise CorpusError(
                    f"{real} is in both {owners[real]} and {corpus.folder}; name one of them"
                )
            owners[real] = corpus.folder
    sharers = collections.Counter(id_ for corpus in corpora for id_ in _ids(corpus))
    names = _distinct_names([corpus.folder for corpus in corpora])
    prefixed = [_with_prefix(*pair) for pair in zip(corpora, names, strict=True)]
    joint = [
        longer if any(sharers[id_] > 1 for id_ in _ids(corpus)) else corpus
        for corpus, longer in zip(corpora, prefixed, strict=True)
    ]
    num_ids = len({id_ for corpus in joint for id_ in _ids(corpus)})
    # A third corpus may have had such ids all along.
    return joint if num_ids == sum(len(corpus.utterances) for corpus in joint) else prefixed


def read_corpus(data_dir: str | pathlib.Path, *, split: str = "all") -> list[Utterance]:
    """Reads a folder of one of the layouts of docs/corpora.md; how it was read is logged.

    Args:
        data_dir: the corpus, recognised by its layout.
        split: "train", "validation", "test" or "all".

    Raises:
        CorpusError: if the folder is missing, holds no audio, or has nothing in the split.
        ValueError: on an unknown split.
    """
    return read_corpora([data_dir], split=split)


def read_corpora(
    data_dirs: Sequence[str | pathlib.Path],
    *,
    split: str,
    announce: Callable[[str], None] = logging.info,
) -> list[Utterance]:
    """Joins several corpora; one that has nothing in the split adds nothing.

    Args:
        data_dirs: see `load_corpora`.
        split: "train", "validation", "test" or "all".
        announce: is told of each, in one line, how it was read; what is left over is logged.

    Raises:
        CorpusError: if none has anything in the split, or `load_corpora` refuses them.
        ValueError: on an unknown split.
    """
    if split not in (*SPLITS, "all"):
        raise ValueError(f"no split {split!r}; splits are: {' '.join(SPLITS)} all")
    corpora = load_corpora(data_dirs)
    tell(corpora, announce)
    return in_split(corpora, split)


def tell(corpora: Sequence[Corpus], announce: Callable[[str], None]) -> None:
    """Announces how corpora were read, and logs what is left over of each."""
    for corpus in corpora:
        announce(corpus.describe())
        for remark in corpus.remarks:
            logging.warning("%s", remark)


def in_split(corpora: Sequence[Corpus], split: str) -> list[Utterance]:
    """The utterances of one split, or of all.

    Raises:
        CorpusError: if there are none.
    """
    utterances = [item for corpus in corpora for item in corpus.utterances]
    chosen = [item for item in utterances if split in ("all", item.split)]
    if not chosen:
        source = " and ".join(str(corpus.folder) for corpus in corpora)
        counts = ", ".join(f"{name} {count}" for name, count in split_sizes(utterances).items())
        raise CorpusError(f"{source} has no {split} utterances ({counts}); use another split")
    return chosen


def bundled_speech() -> list[Utterance]:
    """The nine sentences that ship with the project, by three synthetic voices.

    >>> [utterance.id for utterance in bundled_speech()][-1]
    'slt-train'
    """
    return read_corpus(next((root for root in _SPEECH_ROOTS if root.is_dir()), _SPEECH_ROOTS[-1]))


def list_utterances(
    given: str | os.PathLike[str] | Iterable[Utterance],
) -> list[Utterance]:
    """Takes what a caller gives: utterances, or the folder of a corpus with all its utterances.

    Raises:
        CorpusError: if the folder is none.
        ValueError: if there is something else among them.
    """
    if isinstance(given, (str, os.PathLike)):
        return read_corpus(given)
    utterances = list(given)
    for item in utterances:
        if not isinstance(item, Utterance):
            raise ValueError(
                f"expected utterances, as read_corpus gives them, or the folder of a corpus; got "
                f"{type(item).__name__} {str(item)[:80]!r} among them"
            )
    return utterances


def thin(utterances: Sequence[Utterance], limit: int | None) -> list[Utterance]:
    """At most `limit` utterances, spread evenly, so that every speaker stays in.

    >>> thin(range(10), 4)
    [0, 3, 6, 9]
    """
    if limit is None or limit >= len(utterances):
        return list(utterances)
    last = len(utterances) - 1
    return [utterances[round(place * last / max(1, limit - 1))] for place in range(limit)]


def _ids(corpus: Corpus) -> set[str]:
    return {item.id for item in corpus.utterances}


def _distinct_names(folders: Sequence[pathlib.Path]) -> list[str]:
    """The last part of each folder's path, or as many as tell them apart."""
    parts = [folder.absolute().parts[1:] for folder in folders]
    names, length = [""] * len(parts), 0
    while len(set(names)) < len(names) and length < max(map(len, parts)):
        length += 1
        names = ["/".join(path[-length:]) for path in parts]
    return names


def _with_prefix(corpus: Corpus, name: str) -> Corpus:
    """The same, whose ids and speakers begin with its name."""
    remark = f"{corpus.folder}: another corpus has the same ids, so these begin with {name}/"
    return dataclasses.replace(
        corpus,
        utterances=[
            dataclasses.replace(
                item,
                id=f"{name}/{item.id}",
                speaker=item.speaker and f"{name}/{item.speaker}",
            )
            for item in corpus.utterances
        ],
        remarks=[*corpus.remarks, remark],
    )
