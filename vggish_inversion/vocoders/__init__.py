"""Log-mel -> waveform: one vocoder per module, all called alike."""

import importlib
from collections.abc import Callable

from vggish_inversion import features

# Name -> the module and class that build it; imported when asked for, for only some of them need
# TensorFlow.
VOCODERS = {
    "griffin_lim": ("vggish_inversion.vocoders.griffin_lim", "GriffinLim"),
}


def load_vocoder(
    name: str = "griffin_lim", params: features.LogMelParams = features.LogMelParams()
) -> Callable:
    """Loads a vocoder.

    Args:
        name: one of `VOCODERS`.
        params: the front end whose log-mel it shall turn into sound.

    Returns:
        `[batch, frames, bands]` float32 log-mel in nats -> `[batch, frames * hop]` float32 in
        [-1, 1]; sample 0 is sample `(window - hop) / 2` of the waveform that the log-mel describes.

    Raises:
        ValueError: on an unknown name.
    """
    if name not in VOCODERS:
        raise ValueError(f"no vocoder {name!r}; vocoders are: {' '.join(sorted(VOCODERS))}")
    module, class_name = VOCODERS[name]
    return getattr(importlib.import_module(module), class_name)(params)
