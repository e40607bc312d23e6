"""Damaged inputs for every reader and script: how they are made, and what comes of them."""

from fuzzing import (
    audio_files,
    corpus_folders,
    model_files,
    results_folders,
    run_folders,
    training_caches,
)

READERS = (
    *audio_files.READERS,
    *corpus_folders.READERS,
    *training_caches.READERS,
    *run_folders.READERS,
    *model_files.READERS,
    *results_folders.READERS,
)
