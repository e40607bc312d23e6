"""A paper in one command each."""
