"""What is asked: of which network, by which recordings, in how much time."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vggish_inversion.data import random_patches
from vggish_inversion.questions.speech import Speech
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap

_NUM_TAPS = 5


@dataclasses.dataclass(frozen=True)
class Inquiry:
    """What all questions share.

    Attributes:
        target: the frozen network.
        taps: that are asked about, from shallow to deep.
        speech: the recordings.
        output_dir: receives the page and all that it is made of.
        minutes: for all of it.
        recogniser: its name, and its model if it has several.
        settings: for run.json and config.json: versions, command, data_dir.
        announce: is told, a line each, what goes on.
    """

    target: encoder.TargetEncoder
    taps: tuple[Tap, ...]
    speech: Speech
    output_dir: pathlib.Path
    minutes: float = 10.0
    recogniser: tuple[str, str | None] = ("pocketsphinx", None)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    announce: Callable[[str], None] = dataclasses.field(default=print, repr=False)


def choose_taps(
    layers: Sequence[str] = (),
) -> Callable[[encoder.TargetEncoder], tuple[Tap, ...]]:
    """What gives the taps of some names, from shallow to deep; about five over the depth if none.

    It raises ValueError if the network has no such layer; the message lists its layers.
    """

    def choose(target: encoder.TargetEncoder) -> tuple[Tap, ...]:
        if layers:
            named = {target.tap(layer).name for layer in layers}
            return tuple(tap for tap in target.taps if tap.name in named)
        chosen = random_patches.spread(len(target.taps), _NUM_TAPS)
        return tuple(target.taps[place] for place in chosen)

    return choose
