"""Turns results folders into pages, tables and pictures; needs no TensorFlow."""

from vggish_inversion.report.extra import ExtraTable
from vggish_inversion.report.gallery import write_gallery
from vggish_inversion.report.page import write_page
from vggish_inversion.report.patches import draw_patches
from vggish_inversion.report.reading import read_results
from vggish_inversion.report.results import ReportError, short_command
from vggish_inversion.report.tables import patches_table, results_table

__all__ = [
    "ExtraTable",
    "ReportError",
    "draw_patches",
    "patches_table",
    "read_results",
    "results_table",
    "short_command",
    "write_gallery",
    "write_page",
]
