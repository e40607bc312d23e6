"""Waveform -> what a network takes -> patches, and back; imports no TensorFlow."""

from vggish_inversion.features.front_end import (
    KINDS,
    SETTINGS,
    FrontEnd,
    Waveform,
    describe,
    described,
)
from vggish_inversion.features.log_mel import (
    hertz_to_mel,
    mel_matrix,
    periodic_hann,
    scale_log_mel,
    unscale_log_mel,
    waveform_to_log_mel,
)
from vggish_inversion.features.log_mel_params import (
    LogMelParams,
)
from vggish_inversion.features.log_spectrogram import (
    LogSpectrogram,
)
from vggish_inversion.features.mel_spectrogram import (
    LogMel,
)
from vggish_inversion.features.patches import (
    covering_patch_starts,
    cut_windows,
    labelled,
    log_mel_to_patches,
    patch_starts,
    patches_to_log_mel,
    without_context,
)
from vggish_inversion.features.sample_windows import (
    SampleWindows,
    Source,
    describe_source,
    described_source,
)

__all__ = [
    "KINDS",
    "SETTINGS",
    "FrontEnd",
    "LogMel",
    "LogMelParams",
    "LogSpectrogram",
    "SampleWindows",
    "Source",
    "Waveform",
    "covering_patch_starts",
    "cut_windows",
    "describe",
    "describe_source",
    "described",
    "described_source",
    "hertz_to_mel",
    "labelled",
    "log_mel_to_patches",
    "mel_matrix",
    "patch_starts",
    "patches_to_log_mel",
    "periodic_hann",
    "scale_log_mel",
    "unscale_log_mel",
    "waveform_to_log_mel",
    "without_context",
]
