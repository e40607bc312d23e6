"""The layouts of folders of speech, each recognised by what is in it."""

from vggish_inversion.data.layouts.reading import Reading
from vggish_inversion.data.layouts.recognition import LAYOUT_NAMES, read_tree

__all__ = ["LAYOUT_NAMES", "Reading", "read_tree"]
