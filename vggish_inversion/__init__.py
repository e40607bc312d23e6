"""What does a layer of an audio CNN still know about the speech it heard?

The names below are resolved when they are first used, so that importing the package, or the modules
that define networks, imports neither TensorFlow nor anything else that is heavy.
"""

import importlib

__version__ = "0.1.0"

# Public name -> the module that defines it.
_PUBLIC = {
    "LogMelParams": "features",
    "Reconstruction": "reconstruction",
    "Reconstructor": "reconstruction",
    "Tap": "targets.encoder",
    "TargetEncoder": "targets.encoder",
    "TrainConfig": "inverters.config",
    "Utterance": "corpora",
    "build_inverter": "inverters.network",
    "bundled_speech": "corpora",
    "evaluate_runs": "evaluation",
    "load_reconstructor": "store",
    "load_target": "targets.encoder",
    "load_transcriber": "asr",
    "load_vocoder": "vocoders",
    "log_mel_to_patches": "features",
    "patches_to_log_mel": "features",
    "read_audio": "audio",
    "read_corpus": "corpora",
    "train_inverter": "inverters.training",
    "waveform_to_log_mel": "features",
    "word_error_rates": "evaluation",
    "word_errors": "metrics",
    "write_page": "report",
    "write_wav": "audio",
}

__all__ = sorted(_PUBLIC)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str):
    """Imports the module that defines a public name."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__():
    """The public names."""
    return __all__
