"""Recognises the layout of a folder."""

import types

from vggish_inversion.data import matching, recordings
from vggish_inversion.data.layouts import (
    any_folder,
    common_voice,
    librispeech,
    libritts,
    metadata,
    reading,
    vctk,
)

# The first that fits is taken.
_LAYOUTS: tuple[types.ModuleType, ...] = (metadata, common_voice, vctk, libritts, librispeech)
LAYOUT_NAMES = ("LJSpeech", "LibriSpeech", "LibriTTS", "VCTK", "Common Voice", "audiofolder")
_MAX_WRAPPERS = 3


def read_tree(tree: recordings.Tree, tally: matching.Tally) -> reading.Reading:
    """Reads a tree by its layout; archives wrap a corpus in a folder, or in two of one name.

    Raises:
        CorpusError: if a table in it cannot be read.
    """
    inner = tree
    for _ in range(_MAX_WRAPPERS):
        for layout in _LAYOUTS:
            if layout.fits(inner):
                return layout.read(inner, tally)
        tops = {path.relative_to(inner.root).parts[0] for path in inner.audio}
        folder = inner.root / next(iter(tops), "")
        if len(tops) != 1 or not folder.is_dir():
            break
        inner = inner.below(folder)
    return any_folder.read(tree, tally)
