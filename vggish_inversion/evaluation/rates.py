"""Word error rates alone, without a folder: a reconstructor, utterances and a recogniser."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from vggish_inversion import asr, audio, metrics
from vggish_inversion.data import corpora
from vggish_inversion.results import NATURAL


def word_error_rates(
    reconstructor: Callable,
    utterances: str | os.PathLike[str] | Iterable[corpora.Utterance],
    *,
    recogniser: str = "pocketsphinx",
) -> dict[str, float]:
    """How many of the words survive; `evaluate_runs` measures more, and writes it down.

    Args:
        reconstructor: of `load_reconstructor`.
        utterances: with their texts, each of a patch or more; or the folder of a corpus.
        recogniser: as `load_transcriber` takes it.

    Returns:
        Word errors pooled over all words, as fractions to four places: {"natural": of the
        recordings, and of each name that the reconstructor gives}; "true_log_mel" is the vocoder's
        own limit.

    Raises:
        ValueError: if there are no utterances, or one has no text, cannot be read, or is too short.
        asr.TranscriptionError: if the recogniser gives up.
    """
    utterances = corpora.list_utterances(utterances)
    silent = [item.id for item in utterances if not metrics.normalize_text(item.text or "")]
    if silent or not utterances:
        found = f"{silent[0]} without" if silent else "none"
        raise ValueError(f"expected utterances with the text of what is said, got {found}")
    rendered: list[tuple[str, str]] = []
    rate_hz = getattr(reconstructor, "sample_rate_hz", audio.SAMPLE_RATE_HZ)

    def waveforms() -> Iterator[np.ndarray]:
        for utterance in utterances:
            natural = heard = audio.read_audio(utterance.path)
            if rate_hz != audio.SAMPLE_RATE_HZ:
                heard = audio.read_audio(utterance.path, sample_rate_hz=rate_hz)
            made = {name: item.waveform for name, item in reconstructor(heard).items()}
            for name, waveform in {NATURAL: natural, **made}.items():
                rendered.append((name, utterance.text or ""))
                yield waveform

    errors = collections.defaultdict(list)
    transcriber = asr.load_transcriber(recogniser)
    transcripts = transcriber.transcribe_all(waveforms())
    for place, transcript in enumerate(transcripts):
        if isinstance(transcript, Exception):
            raise transcript
        name, text = rendered[place]
        errors[name].append(metrics.word_errors(text, transcript, transcriber.rules))
    return {name: round(metrics.pooled_rate(words), 4) for name, words in errors.items()}
