"""The model of a training: the chain, its losses and its optimisers, compiled."""

import keras

from vggish_inversion.inverters import adversarial, chain
from vggish_inversion.inverters.config import TrainConfig
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import ViewedTap
from vggish_inversion.training import distribution, optimizers, run_folder

# The part of the inverter's rate that RecGAN's discriminator, by Adam, has: as published beside
# Adam; beside Muon so that its default, 0.002, gives the published 0.0001.
_DISCRIMINATOR_RATES = {"adam": 1.0, "muon": 0.05}


def assemble(
    target: encoder.TargetEncoder, viewed: ViewedTap, config: TrainConfig, num_steps: int | None
) -> tuple[keras.Model, keras.Model, keras.Model, list[keras.Variable], list[tuple]]:
    """Builds what is fitted, and tells its parts.

    Args:
        target: the frozen network.
        viewed: the tap, and the patches on which it is seen.
        config: how to train.
        num_steps: at which the cosine of the rates ends; None for constant rates.

    Returns:
        The compiled model, the chain and the inverter in it, the variables that a checkpoint has to
        keep, and the optimisers with the peaks of their rates.

    Raises:
        ValueError: on an unknown preset or precision.
    """
    model, inverter = chain.build_training_model(target, viewed, config)
    whole = model
    variables, rates = [*inverter.variables], []
    if config.loss == "gan":
        with run_folder.computing_in(config.precision):
            discriminator = adversarial.build_discriminator(target.log_mel, seed=config.seed)
        if distribution.is_distributed():
            distribution.synchronize_batch_norm(discriminator)
        rate = config.learning_rate * _DISCRIMINATOR_RATES[config.optimizer]
        judge = _optimizer("adam", rate, num_steps, config)
        rates.append((judge, rate))
        model = adversarial.RecGan(model, inverter, discriminator, judge)
        variables += model.discriminator_variables
    if distribution.is_distributed():
        distribution.synchronize_batch_norm(inverter)
    optimizer = _optimizer(config.optimizer, config.learning_rate, num_steps, config)
    optimizer.build(inverter.trainable_variables)
    model.compile(
        optimizer,
        keras.losses.MeanAbsoluteError(),
        jit_compile=config.jit_compile,
        auto_scale_loss=False,
    )
    rates.append((optimizer, config.learning_rate))
    return model, whole, inverter, [*variables, *optimizer.variables], rates


def _optimizer(name: str, peak_rate: float, num_steps: int | None, config: TrainConfig):
    schedule = peak_rate  # which a clock lowers
    if num_steps is not None:
        schedule = keras.optimizers.schedules.CosineDecay(peak_rate, num_steps, alpha=0.01)
    optimizer = optimizers.OPTIMIZERS[name](schedule)
    if config.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
