"""Turns a results folder into one self-contained HTML page; needs no TensorFlow."""

from vggish_inversion.report.page import write_page
from vggish_inversion.report.results import ReportError

__all__ = ["ReportError", "write_page"]
