"""Log-mel -> waveform: one vocoder per module, all called alike."""

import importlib
import os
import pathlib
from collections.abc import Callable

from vggish_inversion import features

# Name -> the module whose `load(name, params)` gives it; imported when asked for, for vocoders
# need TensorFlow.
VOCODERS = {
    "griffin_lim": "vggish_inversion.vocoders.griffin_lim",
    "melgan": "vggish_inversion.vocoders.neural",
    "vocos": "vggish_inversion.vocoders.neural",
}
_TRAINED = "vggish_inversion.vocoders.neural"


def load_vocoder(name: str | os.PathLike[str], params: features.LogMelParams) -> Callable:
    """Loads a vocoder.

    Args:
        name: one of `VOCODERS`, or the folder of a vocoder that was trained.
        params: the front end whose log-mel it shall turn into sound: `target.log_mel`.

    Returns:
        `[batch, frames, bands]` log-mel in nats -> `[batch, frames * hop]` float32 in [-1, 1];
        sample 0 is sample `(window - hop) / 2` of the waveform that the log-mel describes.

    Raises:
        ValueError: on an unknown name, or where the vocoder has no weights for this log-mel.
    """
    name = os.fspath(name)
    if name not in VOCODERS and not pathlib.Path(name).expanduser().is_dir():
        raise ValueError(
            f"no vocoder {name!r}; vocoders are: {' '.join(sorted(VOCODERS))}, or the folder of "
            "one that was trained"
        )
    return importlib.import_module(VOCODERS.get(name, _TRAINED)).load(name, params)
