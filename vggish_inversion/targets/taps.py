"""The places of a network that are read: taps, whose activations are inverted, and heads."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from vggish_inversion import features
from vggish_inversion.features import views as tap_views


@dataclasses.dataclass(frozen=True)
class Tap:
    """A place in a network where activations are read.

    Attributes:
        name: as in the network's own source.
        shape: of one patch's activations, without the batch axis.
        activation: the last operation before the tap, "relu" or "linear" for example.
    """

    name: str
    shape: tuple[int, ...]
    activation: str

    @property
    def num_values(self) -> int:
        """Numbers per patch."""
        size = 1
        for length in self.shape:
            size *= length
        return size


@dataclasses.dataclass(frozen=True)
class ViewedTap:
    """A tap and the context in which it is inverted: what `--layer` and a preset come to.

    Attributes:
        tap: the place.
        views: the patches on which it is seen.
    """

    tap: Tap
    views: tap_views.Views

    @classmethod
    def taken_by(cls, inverter: keras.Model, tap: Tap, params: features.LogMelParams):
        """The tap as an inverter takes it, by the shape of its input.

        Raises:
            ValueError: if it takes another shape.
        """
        return cls(tap, tap_views.Views.taken_by(inverter, tap.shape, params))


@dataclasses.dataclass(frozen=True)
class Head:
    """A place in a network where classes are told apart: logits, before any softmax or sigmoid.

    Attributes:
        name: as in the network's own source; a tap may have the same.
        class_names: in the order of the logits; "0", "1", ... where they are not known.
        activation: what makes scores of the logits: "softmax", "sigmoid", "log_softmax"; "linear"
            if the network has nothing there, "unknown" if its layers cannot be seen.
    """

    name: str
    class_names: tuple[str, ...]
    activation: str

    def __repr__(self) -> str:
        """What it is: YAMNet has 521 names."""
        return f"<Head {self.name}: {self.num_classes} classes, {self.activation}>"

    @property
    def num_classes(self) -> int:
        """Logits per patch."""
        return len(self.class_names)


@dataclasses.dataclass(frozen=True)
class Outputs:
    """All that a target gives for some patches.

    Attributes:
        taps: tap name -> activations `[batch, *shape]`.
        heads: head name -> logits `[batch, classes]`.
    """

    taps: Mapping[str, Any]
    heads: Mapping[str, Any]

    def __repr__(self) -> str:
        """What it is."""
        return f"<Outputs: taps {' '.join(self.taps)}; heads {' '.join(self.heads) or 'none'}>"
