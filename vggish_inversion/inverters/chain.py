"""The frozen target up to a tap and an inverter, in one network that can be trained."""

import keras

from vggish_inversion.features import views as tap_views
from vggish_inversion.inverters import network
from vggish_inversion.inverters.config import TrainConfig
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap, ViewedTap
from vggish_inversion.training import run_folder


def view_tap(target: encoder.TargetEncoder, tap: Tap, config: TrainConfig) -> ViewedTap:
    """A tap on as many views as a config asks for, or its preset takes.

    Raises:
        ValueError: if it cannot be seen so often.
    """
    params = target.log_mel
    asked = config.num_views or network.default_num_views(config.preset, tap.shape, params)
    return ViewedTap(tap, tap_views.Views(asked, params.patch_frames))


def build_inverter(
    target: encoder.TargetEncoder, viewed: ViewedTap, config: TrainConfig, *, precision: str
) -> keras.Model:
    """The inverter of a tap, not trained, as a config asks for it."""
    with run_folder.computing_in(precision):
        return network.build_inverter(
            viewed.tap.shape,
            preset=config.preset,
            params=target.log_mel,
            num_views=viewed.views.num_views,
            seed=config.seed,
        )


def build_training_model(
    target: encoder.TargetEncoder, viewed: ViewedTap, config: TrainConfig
) -> tuple[keras.Model, keras.Model]:
    """Chains the frozen target up to a tap and a new inverter.

    Returns:
        The chain from what the target takes, with the context that the views see, `[batch,
        *target.source.window_shape(context)]` -> patches in network range; and the inverter in it.
    """
    inverter = build_inverter(target, viewed, config, precision=config.precision)
    frozen = _in_precision(target.up_to(viewed.tap), config.precision)
    frozen = tap_views.overlapping(frozen, viewed.views, target.source)
    window = keras.Input(frozen.input_shape[1:], name="window")
    return keras.Model(window, inverter(frozen(window, training=False))), inverter


def _in_precision(frozen: keras.Model, precision: str) -> keras.Model:
    """A copy that computes in another precision; a network with parts of its own stays as it is."""
    plain = all(
        type(layer).__module__.startswith("keras.") and not isinstance(layer, keras.Model)
        for layer in frozen.layers
    )
    if precision == "float32" or not plain:
        return frozen
    copy = keras.models.clone_model(
        frozen,
        clone_function=lambda layer: type(layer).from_config(
            {**layer.get_config(), "dtype": precision}
        ),
    )
    copy.set_weights(frozen.get_weights())
    copy.trainable = False
    return copy
