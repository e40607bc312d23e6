"""A user's recordings: checked, and shared out between what is trained on and what is heard."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable, Mapping, Sequence

from absl import logging

from vggish_inversion import audio, features
from vggish_inversion.data import corpora
from vggish_inversion.files import contents, failures

_MOST_CHECKED = 400  # recordings that are decoded beforehand; caches name what is wrong with others
_MOST_HEARD, _MOST_VALIDATION = 8, 40
_ENOUGH_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Speech:
    """Recordings, each in one of three parts; none is in two, under whatever name.

    Attributes:
        heard: held out, shown on the page and measured; never trained on.
        validation: held out, too: what choices are made on.
        train: what is trained on.
    """

    heard: Sequence[corpora.Utterance] = dataclasses.field(repr=False)
    validation: Sequence[corpora.Utterance] = dataclasses.field(repr=False)
    train: Sequence[corpora.Utterance] = dataclasses.field(repr=False)

    def long_enough(self, source: features.Source) -> "Speech":
        """The same without clips to be heard that are shorter than a patch; they are named.

        Raises:
            corpora.CorpusError: if none is left.
        """
        least = source.patch_samples / source.sample_rate_hz
        heard = []
        for item in self.heard:
            if (seconds := len(audio.read_audio(item.path)) / audio.SAMPLE_RATE_HZ) >= least:
                heard.append(item)
            else:
                logging.warning("%s: %.2f s; expected %.2f s or more", item.path, seconds, least)
        if not heard:
            raise corpora.CorpusError(
                f"none of the recordings to be heard is as long as a patch, {least:.2f} s; give "
                "longer ones"
            )
        return dataclasses.replace(self, heard=heard)


def gather(
    speech_dirs: Sequence[str | pathlib.Path],
    corpus_dirs: Sequence[str | pathlib.Path] = (),
    *,
    announce: Callable[[str], None] = logging.info,
) -> Speech:
    """Reads and shares out recordings.

    Of the user's own, about a quarter, at most 8, is heard, and a sixth validated on: whole
    speakers where three or more are known, else recordings; which depends on what is in the files
    alone. Where there are less than ten minutes and no corpus, the bundled speech is trained on,
    too.

    Args:
        speech_dirs: of the user.
        corpus_dirs: more speech to train on.
        announce: is told how folders were read and shared out.

    Raises:
        corpora.CorpusError: if a folder is no corpus, or nothing can be used; what is wrong with
            single recordings is logged, a line each.
    """
    read = corpora.load_corpora([*speech_dirs, *corpus_dirs])
    corpora.tell(read, announce)
    own = _distinct([item for corpus in read[: len(speech_dirs)] for item in corpus.utterances])
    own, seconds = _usable(own)
    more = [item for corpus in read[len(speech_dirs) :] for item in corpus.utterances]
    if seconds < _ENOUGH_SECONDS and not more:
        announce(f"{seconds / 60:.1f} minutes of speech are few: the bundled clips are added")
        more = corpora.bundled_speech()
    extra = _distinct(more, but=own)
    groups = _groups(own)
    heard = _take(groups, max(1, min(_MOST_HEARD, len(own) // 4)))
    wanted = max(1, min(_MOST_VALIDATION, len(own) // 6))
    validation = _take(groups, wanted) if len(groups) > 1 else []
    train = [item for group in groups for item in group] + list(extra.values())
    if not validation and len(extra) > 1:
        validation = _take(_groups(extra), max(1, len(extra) // 20))
        train = [item for item in train if item not in validation]
    if not validation or not train:
        raise corpora.CorpusError(
            f"{len(own)} recordings, and {len(extra)} others, are too few to hear one, validate on "
            "one and train on one; give more, or --corpus="
        )
    heard = _with_texts_first(heard)
    announce(
        f"{len(heard)} recordings are held out and heard, {len(validation)} are validated on, "
        f"{len(train)} are trained on"
    )
    return Speech(heard, validation, train)


def _distinct(
    utterances: Sequence[corpora.Utterance], *, but: Mapping[str, object] | None = None
) -> dict[str, corpora.Utterance]:
    """Utterances by the digest of their files; of equal ones the first, and none of `but`."""
    found: dict[str, corpora.Utterance] = {}
    digests = contents.digest_all(item.path for item in utterances)
    for digest, item in zip(digests, utterances, strict=True):
        if digest not in (but or {}):
            found.setdefault(digest, item)
    if len(found) < len(utterances):
        logging.info("%d copies of recordings are left out", len(utterances) - len(found))
    return found


def _usable(own: Mapping[str, corpora.Utterance]) -> tuple[dict[str, corpora.Utterance], float]:
    """What can be decoded, and about how many seconds that is; the rest is logged."""
    usable, seconds = dict(own), 0.0
    checked = corpora.thin(list(own.items()), _MOST_CHECKED)  # pyright: ignore[reportArgumentType]
    for digest, item in checked:  # pyright: ignore[reportGeneralTypeIssues]
        try:
            seconds += len(audio.read_audio(item.path)) / audio.SAMPLE_RATE_HZ
        except (ValueError, OSError) as error:
            logging.warning("%s", failures.in_one_line(error))
            del usable[digest]
    if not usable:
        raise corpora.CorpusError(f"none of the {len(own)} recordings can be used")
    return usable, seconds * len(own) / len(checked)


def _groups(items: Mapping[str, corpora.Utterance]) -> list[list[corpora.Utterance]]:
    """What is held out together, in an order that the files' contents give."""
    speakers = {item.speaker for item in items.values()}
    by_speaker = None not in speakers and len(speakers) >= 3
    groups: dict[str, list[tuple[str, corpora.Utterance]]] = {}
    for digest, item in sorted(items.items()):
        groups.setdefault(str(item.speaker) if by_speaker else digest, []).append((digest, item))
    ordered = sorted(groups.values(), key=lambda group: _place(group[0][0]))
    return [[item for _, item in group] for group in ordered]


def _place(digest: str) -> str:
    return hashlib.sha256(f"held out {digest}".encode()).hexdigest()


def _take(groups: list[list[corpora.Utterance]], wanted: int) -> list[corpora.Utterance]:
    """Takes groups from the front until there are enough recordings."""
    taken: list[corpora.Utterance] = []
    while groups and len(taken) < wanted:
        taken += groups.pop(0)
    return taken


def _with_texts_first(heard: Sequence[corpora.Utterance]) -> list[corpora.Utterance]:
    """At most eight, of which all have a text if any has one."""
    with_texts = [item for item in heard if item.text]
    return corpora.thin(with_texts or heard, _MOST_HEARD)
