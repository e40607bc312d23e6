"""Waveform -> waveform' for some taps of one target: in memory, in files, as a SavedModel."""

from vggish_inversion.reconstruction.files import (
    find_inputs,
    reconstruct_files,
)
from vggish_inversion.reconstruction.reconstructor import (
    Reconstruction,
    Reconstructor,
)

__all__ = [
    "Reconstruction",
    "Reconstructor",
    "find_inputs",
    "reconstruct_files",
]
