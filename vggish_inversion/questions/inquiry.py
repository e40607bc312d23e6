"""What is asked: of which network, by which recordings, in how much time; shares it out."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vggish_inversion.data import random_patches
from vggish_inversion.files import documents
from vggish_inversion.questions.speech import Speech
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap

_NUM_TAPS = 5
FILE = "listen.json"  # of the output folder; where it is, the folder is ours
_SLACK = 1.3  # of measuring, beside the last time
_OVERHEAD_SECONDS = 4.0  # per tap, of building and saving a network
_LEAST_SECONDS = 3.0  # of training, less of which is not worth building one


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


class Times:
    """What a folder's commands took, in a file of it."""

    def __init__(self, output_dir: pathlib.Path):
        """Reads the file, or begins one."""
        self._path = output_dir / FILE
        self._told: dict[str, Any] = (
            dict(documents.read_json(self._path)) if self._path.is_file() else {}
        )
        output_dir.mkdir(parents=True, exist_ok=True)
        self._write()

    def __repr__(self) -> str:
        """What it is."""
        return f"<Times {self._path}: {self._told}>"

    def measured(self, seconds: float, amount: float) -> None:
        """Remembers how long it took to measure so many seconds of speech, times conditions."""
        if amount > 0:
            self._write(seconds_of_measuring=seconds / amount)

    def to_measure(self, amount: float) -> float:
        """Seconds that measuring so much will take; 0 if nothing has been measured."""
        return _SLACK * amount * self._told.get("seconds_of_measuring", 0.0)

    def minutes_of_tap(
        self, minutes: float, layers: Sequence[str], *, left: float, spent: float
    ) -> float:
        """How long each tap is trained in all; 0 if there is no time for it.

        A command that was killed, or has ended, comes to what it came to before; only more minutes
        add some.

        Args:
            minutes: of the command.
            layers: the taps.
            left: seconds for training.
            spent: seconds that all taps were trained before.
        """
        layers = list(layers)
        same = self._told.get("layers") == layers
        before = self._told.get("minutes_of_tap", 0.0) if same else 0.0
        if before and self._told.get("minutes", 0.0) >= minutes:
            return before
        share = (left + spent) / len(layers) - _OVERHEAD_SECONDS
        if share < max(_LEAST_SECONDS, 60 * before):
            return before
        self._write(minutes=minutes, layers=layers, minutes_of_tap=round(share / 60, 3))
        return self._told["minutes_of_tap"]

    def _write(self, **told) -> None:
        self._told |= told
        documents.write_json(self._path, self._told)
