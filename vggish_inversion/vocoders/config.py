"""The settings of one vocoder's training, and their choices; needs no Keras."""

import dataclasses
import math

GENERATORS = ("melgan", "vocos")  # of `training`
# The loss has windows of 1024 samples, which 7 frames of 10 ms hold.
_LEAST = {"width": 8, "num_epochs": 1, "steps_per_epoch": 1, "batch_size": 1, "segment_frames": 7}


@dataclasses.dataclass(frozen=True)
class VocoderConfig:
    """How a vocoder is trained.

    Attributes:
        vocoder: of `GENERATORS`.
        width: channels of the generator; its own default if None.
        adversarial: whether MelGAN's discriminators join in (TensorFlow alone); best begun from
            `initial_weights` that were trained without.
        initial_weights: a `.keras` file of the same generator to begin with.
        num_epochs: of `steps_per_epoch` steps each; at the end of one the state is written.
        steps_per_epoch: steps.
        batch_size: segments per step.
        segment_frames: their length; at least 7, for the longest window of the loss.
        learning_rate: peak of the cosine schedule (Adam).
        seed: of weights and segments.
        precision: what the layers compute in; the waveform and the losses are float32, and so is
            the network that is written.
        jit_compile: whether XLA compiles the step.

    Raises:
        ValueError: if there is no such generator, or a number is too small.

    >>> VocoderConfig(segment_frames=6)
    Traceback (most recent call last):
    ValueError: segment_frames is 6; expected 7 or more
    """

    vocoder: str = "vocos"
    width: int | None = None
    adversarial: bool = False
    initial_weights: str | None = None
    num_epochs: int = 60
    steps_per_epoch: int = 500
    batch_size: int = 16
    segment_frames: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    precision: str = "float32"
    jit_compile: bool = False

    def __post_init__(self) -> None:
        """Refuses what no training can run with, before a corpus is read."""
        if self.vocoder not in GENERATORS:
            raise ValueError(
                f"{self.vocoder!r} is not a vocoder that can be trained; expected one of: "
                f"{' '.join(GENERATORS)}"
            )
        for name, least in _LEAST.items():
            if (value := getattr(self, name)) is not None and value < least:
                raise ValueError(f"{name} is {value}; expected {least} or more")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate is {self.learning_rate}; expected more than 0")
