"""The flags of training, shared by the scripts that train inverters."""

from collections.abc import Callable

from absl import flags

from vggish_inversion.inverters import config as inverter_config
from vggish_inversion.training import PRECISIONS, STRATEGIES


def define_training_flags() -> Callable[..., inverter_config.TrainConfig]:
    """Defines --epochs, --batch_size and the like; returns what makes a config.

    Fields given to it, such as preset and loss, come before the flags.
    """
    epochs = flags.DEFINE_integer("epochs", None, "Passes over the corpus; 30.", lower_bound=1)
    patches = flags.DEFINE_integer(
        "patches", None, "In place of --epochs: see about so many patches.", lower_bound=1
    )
    minutes = flags.DEFINE_float(
        "minutes",
        None,
        "In place of --epochs: train each inverter so long; started again with more, it goes on.",
        lower_bound=1e-3,
    )
    flags.register_multi_flags_validator(
        ["epochs", "patches", "minutes"],
        lambda given: sum(value is not None for value in given.values()) <= 1,
        message="give one of --epochs, --patches and --minutes",
    )
    batch_size = flags.DEFINE_integer("batch_size", 64, "Patches per step.", lower_bound=1)
    rate = flags.DEFINE_float("learning_rate", 2e-3, "Peak of the cosine schedule.", 1e-7)
    optimizer = flags.DEFINE_enum(
        "optimizer", "muon", inverter_config.OPTIMIZERS, "adam is the published one, and slower."
    )
    precision = flags.DEFINE_enum(
        "precision", "float32", PRECISIONS, "What the inverter's layers compute in."
    )
    num_views = flags.DEFINE_integer(
        "num_views",
        None,
        "Patches on which the inverter sees the tap: 1, or an odd number, from half a patch before "
        "to half a patch after its own. Default: 1 for the preset paper, and for large at shallow "
        "taps; 17 (at VGGish's patch, 6 frames apart) for large at deep ones.",
        lower_bound=1,
    )
    initial = flags.DEFINE_string(
        "initial_weights", None, "An inverter.keras of the same network to begin with."
    )
    jit_compile = flags.DEFINE_bool("jit_compile", False, "Compile the step with XLA.")

    def config(**fields) -> inverter_config.TrainConfig:
        default = inverter_config.TrainConfig()
        from_flags = {
            "num_views": num_views.value,
            "num_epochs": epochs.value or default.num_epochs,
            "num_patches": patches.value,
            "minutes": minutes.value,
            "batch_size": batch_size.value,
            "learning_rate": rate.value,
            "optimizer": optimizer.value,
            "seed": flags.FLAGS.seed,
            "precision": precision.value,
            "jit_compile": jit_compile.value,
            "initial_weights": initial.value,
        }
        if fields.keys() & {"num_epochs", "num_patches", "minutes"}:  # the length of a table's row
            from_flags |= {"num_patches": None, "minutes": None}
        return inverter_config.TrainConfig(**{**from_flags, **fields})

    return config


def define_preset_flag() -> flags.FlagHolder:
    """Defines --preset of one inverter; returns its holder."""
    return flags.DEFINE_enum(
        "preset", inverter_config.DEFAULT_PRESET, inverter_config.PRESETS, "Network."
    )


def initial_weights() -> list[str]:
    """The path that --initial_weights names, if any: what a run must not write over."""
    return [flags.FLAGS.initial_weights] if flags.FLAGS.initial_weights else []


def define_strategy_flag():
    """Defines --strategy; returns its holder."""
    return flags.DEFINE_enum(
        "strategy",
        "none",
        STRATEGIES,
        "mirrored: all GPUs of this machine; multi_worker: the machines in TF_CONFIG.",
    )
