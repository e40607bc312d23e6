"""The labelled corpora that small encoders are trained on, their training and their cards."""
