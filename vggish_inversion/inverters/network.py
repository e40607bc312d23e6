"""The inverter networks: activations of a tap -> log-mel patch in network range.

A preset is a decoder, in a module of its own: `decoder(embedding, params, rng, views)` takes a
Keras tensor `[batch, *tap_shape]`, or `[batch, views, *tap_shape]` where there are several, to
logits of a patch `[batch, patch_frames, bands, 1]`.
"""

from collections.abc import Sequence

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.features import views as tap_views
from vggish_inversion.inverters import large_decoder, paper_decoder

_DECODERS = {"paper": paper_decoder.decode, "large": large_decoder.decode}
PRESETS = tuple(_DECODERS)

_MANY_VIEWS = 17  # 6 frames apart, at VGGish's patch
_DENSE_STEP = 4


def default_num_views(preset: str, tap_shape: Sequence[int], params: features.LogMelParams) -> int:
    """Views of a tap that a preset takes unless told otherwise.

    "paper" takes 1, as published; so does "large" where the rows of one view are 4 frames apart or
    less: words are not short of rows there. A patch too short for 17 has a view at each frame.

    >>> params = features.LogMelParams()
    >>> [default_num_views("large", shape, params) for shape in ((24, 16, 16), (6, 4, 64), (128,))]
    [1, 17, 17]
    """
    num_rows = tap_shape[0] if len(tap_shape) > 1 else 1
    many = preset == "large" and params.patch_frames > _DENSE_STEP * num_rows
    return min(_MANY_VIEWS, tap_views.Views.most(params.patch_frames)) if many else 1


def build_inverter(
    tap_shape: Sequence[int],
    *,
    params: features.LogMelParams,
    preset: str = "paper",
    num_views: int = 1,
    seed: int = 0,
) -> keras.Model:
    """Builds the inverter of a tap from the tap's shape alone.

    Args:
        tap_shape: without the batch axis: `(frames, bands, channels)`, `(frames, channels)` or
            `(values,)`. A grid that no halving of a patch gives is resized to the next larger one.
        params: the target's front end; its patch is the output's shape.
        preset: "paper" or "large".
        num_views: patches on which the tap is seen (`features.views`); "paper" takes 1.
        seed: of the initial weights.

    Returns:
        A model `[batch, *tap_shape]`, or `[batch, num_views, *tap_shape]` where there are several,
        -> `[batch, patch_frames, bands]` float32 in (-1, 1), log-mel as `features.scale_log_mel`
        gives it.

    Raises:
        ValueError: on an unknown preset, a shape of more than three axes, or a number of views
            that the preset does not take.

    >>> build_inverter((24, 16, 16), params=features.LogMelParams()).output_shape
    (None, 96, 64)
    """
    if preset not in _DECODERS:
        raise ValueError(f"no preset {preset!r}; presets are: {' '.join(PRESETS)}")
    tap_shape = tuple(tap_shape)
    if not 1 <= len(tap_shape) <= 3 or None in tap_shape:
        raise ValueError(
            f"a tap of shape {tap_shape} cannot be inverted; expected (frames, bands, channels), "
            "(frames, channels) or (values,), all known"
        )
    views = tap_views.Views(num_views, params.patch_frames)
    embedding = keras.Input(
        tap_shape if num_views == 1 else (num_views, *tap_shape), name="embedding"
    )
    x = _DECODERS[preset](embedding, params, np.random.default_rng(seed), views)
    # The output stays exact under mixed precision: what follows the decoder is float32.
    x = keras.layers.Activation("tanh", dtype="float32", name="output")(x)
    shape = (params.patch_frames, params.num_bands)
    patches = keras.layers.Reshape(shape, dtype="float32", name="patches")(x)
    return keras.Model(embedding, patches, name=f"{preset}_inverter")
