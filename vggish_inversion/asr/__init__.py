"""Recognisers: a waveform to a transcript, one recogniser per module, all called alike.

Nothing of TensorFlow is imported before a recogniser that needs it is loaded.
"""

import importlib

from vggish_inversion.asr.transcriber import GatedTranscript, Transcriber, TranscriptionError

__all__ = [
    "TRANSCRIBERS",
    "GatedTranscript",
    "Transcriber",
    "TranscriptionError",
    "load_transcriber",
]

# The name that --asr takes -> the module whose `load(model, precision, language)` makes it.
TRANSCRIBERS = {
    "pocketsphinx": "vggish_inversion.asr.pocketsphinx",
    "wav2vec2": "vggish_inversion.asr.wav2vec2",
    "whisper": "vggish_inversion.asr.whisper",
}
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


def load_transcriber(
    name: str,
    *,
    model: str | None = None,
    precision: str = "float32",
    language: str | None = None,
) -> Transcriber:
    """Loads a recogniser by the name that `--asr` takes.

    >>> load_transcriber("sphinx")
    Traceback (most recent call last):
    ValueError: no recogniser 'sphinx': expected one of pocketsphinx, wav2vec2, whisper

    Args:
        name: one of `TRANSCRIBERS`.
        model: a folder, or a name on Hugging Face's hub, of a recogniser that has several; the
            recogniser's usual one if None. PocketSphinx has its own model and ignores it.
        precision: one of `PRECISIONS`, of a recogniser that is a network.
        language: that is spoken, in two letters, of a recogniser that knows several (Whisper);
            English if None. PocketSphinx knows US English alone, Wav2Vec2 what its model knows.

    Raises:
        ValueError: for an unknown name or precision, a model that cannot be had, or a language
            that it does not know.
    """
    if name not in TRANSCRIBERS:
        raise ValueError(f"no recogniser {name!r}: expected one of {', '.join(TRANSCRIBERS)}")
    if precision not in PRECISIONS:
        raise ValueError(f"no precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    return importlib.import_module(TRANSCRIBERS[name]).load(model, precision, language)
