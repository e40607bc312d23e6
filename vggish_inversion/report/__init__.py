"""Turns results folders into pages, tables and pictures; needs no TensorFlow."""

from vggish_inversion.report.extra import ExtraTable
from vggish_inversion.report.gallery import write_gallery
from vggish_inversion.report.page import write_page
from vggish_inversion.report.patches import draw_patches
from vggish_inversion.report.tables import patches_table, results_table

__all__ = [
    "ExtraTable",
    "draw_patches",
    "patches_table",
    "results_table",
    "write_gallery",
    "write_page",
]
