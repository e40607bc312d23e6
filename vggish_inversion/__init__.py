"""What does a layer of an audio CNN still know about the speech it heard?

The names below are resolved when they are first used, so that importing the package, or the modules
that define networks, imports neither TensorFlow nor anything else that is heavy.
"""

import importlib

__version__ = "0.1.0"

# Public name -> the module that defines it.
_PUBLIC = {
    "Head": "targets.taps",
    "LogMelParams": "features.log_mel_params",
    "LogMel": "features.mel_spectrogram",
    "LogSpectrogram": "features.log_spectrogram",
    "Waveform": "features.front_end",
    "Corpus": "data.corpus",
    "Outputs": "targets.taps",
    "Reconstruction": "reconstruction.reconstructor",
    "Reconstructor": "reconstruction.reconstructor",
    "Tap": "targets.taps",
    "TargetEncoder": "targets.encoder",
    "TrainConfig": "inverters.config",
    "Utterance": "data.utterances",
    "FrontEndCheck": "targets.front_end_check",
    "check_front_end": "targets.front_end_check",
    "build_inverter": "inverters.network",
    "bundled_speech": "data.corpora",
    "evaluate_runs": "evaluation",
    "load_corpus": "data.corpus",
    "load_reconstructor": "reconstruction.store",
    "load_target": "targets.loading",
    "load_transcriber": "asr",
    "load_vocoder": "vocoders",
    "log_mel_to_patches": "features.patches",
    "patches_to_log_mel": "features.patches",
    "read_audio": "audio.decoding",
    "read_corpus": "data.corpora",
    "train_inverter": "inverters.training",
    "waveform_to_log_mel": "features.log_mel",
    "word_error_rates": "evaluation",
    "word_errors": "metrics",
    "write_page": "report",
    "write_wav": "audio.decoding",
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
