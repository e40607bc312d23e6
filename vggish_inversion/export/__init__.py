"""One inverter's whole road as one SavedModel, which runs where this package is not installed."""

from vggish_inversion.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]
