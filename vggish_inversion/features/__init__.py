"""Waveform -> what a network takes -> patches, and back; imports no TensorFlow."""

from vggish_inversion.features.front_end import (
    LogMelParams,
)
from vggish_inversion.features.log_mel import (
    hertz_to_mel,
    mel_matrix,
    periodic_hann,
    scale_log_mel,
    unscale_log_mel,
    waveform_to_log_mel,
)
from vggish_inversion.features.patches import (
    covering_patch_starts,
    log_mel_to_patches,
    patch_starts,
    patches_to_log_mel,
    without_context,
)

__all__ = [
    "LogMelParams",
    "covering_patch_starts",
    "hertz_to_mel",
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
