"""Sets Keras' defaults for this package's networks: channels last, and float32.

Keras reads `keras.json` of the user's (`~/.keras`, or `$KERAS_HOME`) when it is imported; layers
that do not say otherwise take their layout and type from it. Modules that build networks call
`use_ours` when they are imported.
"""

import keras
from absl import logging

_IMAGE_DATA_FORMAT, _FLOATX = "channels_last", "float32"


def use_ours() -> None:
    """Sets Keras' defaults to this package's; a warning says so if they were others."""
    found = {
        "image_data_format": (keras.config.image_data_format(), _IMAGE_DATA_FORMAT),
        "floatx": (keras.config.floatx(), _FLOATX),
    }
    different = {name: pair for name, pair in found.items() if pair[0] != pair[1]}
    if not different:
        return
    keras.config.set_image_data_format(_IMAGE_DATA_FORMAT)
    keras.config.set_floatx(_FLOATX)
    changes = ", ".join(f"{name} {was} -> {ours}" for name, (was, ours) in different.items())
    logging.warning("Keras' defaults (keras.json) are set to what this package needs: %s", changes)
