"""The flags of training a vocoder."""

from collections.abc import Callable

from absl import flags

from vggish_inversion.training import PRECISIONS
from vggish_inversion.vocoders import config as vocoder_config


def define_training_flags() -> Callable[[], vocoder_config.VocoderConfig]:
    """Defines --vocoder, --epochs and the like; returns what makes the config of them."""
    default = vocoder_config.VocoderConfig()
    values = {
        "vocoder": flags.DEFINE_enum(
            "vocoder", "melgan", vocoder_config.GENERATORS, "The network."
        ),
        "width": flags.DEFINE_integer(
            "width", None, "Channels; default: the network's own.", lower_bound=8
        ),
        "adversarial": flags.DEFINE_bool(
            "adversarial", False, "Train against MelGAN's discriminators too."
        ),
        "initial_weights": flags.DEFINE_string(
            "initial_weights", None, "A vocoder.keras of the same network to begin with."
        ),
        "num_epochs": flags.DEFINE_integer(
            "epochs", default.num_epochs, "Of --steps_per_epoch steps each.", lower_bound=1
        ),
        "steps_per_epoch": flags.DEFINE_integer(
            "steps_per_epoch", default.steps_per_epoch, "Between checkpoints.", lower_bound=1
        ),
        "batch_size": flags.DEFINE_integer(
            "batch_size", default.batch_size, "Segments per step.", lower_bound=1
        ),
        "segment_frames": flags.DEFINE_integer(
            "segment_frames", default.segment_frames, "Length of a segment.", lower_bound=7
        ),
        "learning_rate": flags.DEFINE_float(
            "learning_rate", default.learning_rate, "Peak of the cosine schedule.", 1e-7
        ),
        "seed": flags.DEFINE_integer("seed", 0, "Of everything random."),
        "precision": flags.DEFINE_enum(
            "precision", "float32", PRECISIONS, "What the layers compute in."
        ),
        "jit_compile": flags.DEFINE_bool("jit_compile", False, "Compile the step with XLA."),
    }

    def config() -> vocoder_config.VocoderConfig:
        return vocoder_config.VocoderConfig(**{name: flag.value for name, flag in values.items()})

    return config
