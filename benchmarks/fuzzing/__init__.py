"""Mutated files for every reader of the package, read in processes with limits."""
