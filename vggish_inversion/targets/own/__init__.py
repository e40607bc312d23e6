"""Networks that this project did not make."""
