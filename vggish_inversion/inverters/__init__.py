"""The networks that map activations back to log-mel, and their training."""
