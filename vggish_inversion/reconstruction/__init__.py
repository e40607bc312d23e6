"""Waveform -> waveform' for some taps of one target: in memory, in files, as a SavedModel."""

from vggish_inversion.reconstruction.files import (
    find_inputs,
    reconstruct_files,
)
from vggish_inversion.reconstruction.reconstructor import (
    OK,
    TRUE_LOG_MEL,
    Reconstruction,
    Reconstructor,
)

__all__ = [
    "OK",
    "Reconstruction",
    "Reconstructor",
    "TRUE_LOG_MEL",
    "find_inputs",
    "reconstruct_files",
]
