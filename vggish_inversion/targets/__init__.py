"""The frozen CNNs: one layer table and one loader each."""
