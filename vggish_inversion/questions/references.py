"""The texts that reconstructions are compared with: transcripts, or what a recogniser hears."""

import dataclasses
import pathlib
from collections.abc import Sequence

from absl import logging

from vggish_inversion import asr, audio
from vggish_inversion.data import corpora
from vggish_inversion.files import contents, documents, failures

TRANSCRIPTS, RECOGNISER = "transcripts", "recogniser"


def kind_of(utterances: Sequence[corpora.Utterance]) -> str:
    """Where the references of some recordings come from: "transcripts" if all have one."""
    return TRANSCRIPTS if all(item.text for item in utterances) else RECOGNISER


def with_references(
    utterances: Sequence[corpora.Utterance],
    transcriber: asr.Transcriber,
    kept: str | pathlib.Path,
) -> list[corpora.Utterance]:
    """Gives recordings without transcripts the text that a recogniser hears in them.

    Args:
        utterances: where one has no transcript, the recogniser's text is the reference of all.
        transcriber: the recogniser.
        kept: a JSON file that keeps texts by what was heard and who heard it.

    Returns:
        The recordings in their order, with their references. One in which no words were heard has
        none, and no WER.
    """
    if kind_of(utterances) == TRANSCRIPTS:
        return list(utterances)
    kept = pathlib.Path(kept)
    texts = documents.read_json(kept) if kept.is_file() else {}
    found = []
    for item in utterances:
        key = contents.digest_of([transcriber.fingerprint, contents.digest(item.path)])
        if key not in texts:
            texts[key] = _heard(transcriber, item)
            kept.parent.mkdir(parents=True, exist_ok=True)
            documents.write_json(kept, texts)
        found.append(dataclasses.replace(item, text=texts[key] or None))
    return found


def _heard(transcriber: asr.Transcriber, item: corpora.Utterance) -> str:
    try:
        [text] = transcriber.transcribe_all([audio.read_audio(item.path)])
    except Exception as error:  # noqa: BLE001  (named below; its rows have no errors to count)
        text = error
    if isinstance(text, Exception):
        logging.warning("%s: %s", item.path, failures.in_one_line(text))
        return ""
    if not text:
        logging.warning("%s: %s hears no words in it", item.path, transcriber.name)
    return str(text)
