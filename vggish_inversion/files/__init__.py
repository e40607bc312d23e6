"""What others wrote: documents, folders with one writer, model files found, fetched and checked."""
