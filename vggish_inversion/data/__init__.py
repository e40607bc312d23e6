"""Recordings -> utterances with their split -> batches of patches."""
