"""The settings of one inverter's training, and their choices; needs no Keras."""

import dataclasses
import math
from typing import Any

MODEL_FILE = "inverter.keras"  # of a run's folder
PRESETS = ("paper", "large")  # of `network`
DEFAULT_PRESET = "paper"  # what the recorded commands of all shipped inverters count on
LOSSES = ("l1", "gan")
OPTIMIZERS = ("adam", "muon")  # of `training.optimizers`


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How an inverter is trained.

    Attributes:
        preset: of `network.build_inverter`.
        num_views: patches on which the inverter sees the tap (`features.views`): 1, its own, or an
            odd number that overlap; what the preset takes at that tap if None.
        loss: "l1" is RecCNN, "gan" is RecGAN: 100 * L1 + adversarial.
        num_epochs: an epoch sees as many random patches as fit into the corpus side by side.
        num_patches: in place of `num_epochs`: about so many patches, in whole steps.
        minutes: in place of `num_epochs`: so long, validation included. The cosine runs over time,
            an epoch is a slice of it, and a run that is started again with more minutes goes on.
        batch_size: patches per step.
        learning_rate: peak of the cosine schedule.
        optimizer: "muon", or "adam", the published one, which needs several times as many patches
            (docs/experiments.md). RecGAN's discriminator always has Adam, at the same rate beside
            "adam", as published, and at a twentieth of it beside "muon".
        seed: of weights and patches.
        precision: what the layers compute in, the frozen target's too; weights, outputs and losses
            are float32, and so is the inverter that is written in the end.
        jit_compile: whether XLA compiles the step.
        initial_weights: a `.keras` file of the same inverter to begin with, such as RecCNN's for
            RecGAN.

    Raises:
        ValueError: if a number is too small. Which presets, losses and optimisers there are shows
            when one is trained: in a grid, one that is not there leaves the others as they are.

    >>> TrainConfig(batch_size=0)
    Traceback (most recent call last):
    ValueError: batch_size is 0; expected 1 or more
    """

    preset: str = DEFAULT_PRESET
    num_views: int | None = None
    loss: str = "l1"
    num_epochs: int = 30
    num_patches: int | None = None
    minutes: float | None = None
    batch_size: int = 64
    learning_rate: float = 2e-3
    optimizer: str = "muon"
    seed: int = 0
    precision: str = "float32"
    jit_compile: bool = False
    initial_weights: str | None = None

    def __post_init__(self) -> None:
        """Refuses numbers that no training can run with, before a corpus or network is read."""
        for name in ("num_epochs", "batch_size", "num_views", "num_patches"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} is {value}; expected 1 or more")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate is {self.learning_rate}; expected more than 0")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes is {self.minutes}; expected more than 0")
        if self.num_patches is not None and self.minutes is not None:
            raise ValueError(
                f"num_patches {self.num_patches} and minutes {self.minutes}; expected one of them"
            )

    def describe(self) -> dict[str, Any]:
        """The fields for config.json; the length is said in one way."""
        fields = dataclasses.asdict(self)
        if self.num_patches is not None or self.minutes is not None:
            fields["num_epochs"] = None
        return fields
