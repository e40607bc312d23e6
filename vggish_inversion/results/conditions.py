"""Conditions: what was compared, under which names, and where below a results folder files lie."""

import dataclasses
import pathlib

from vggish_inversion.files import names

# The references: the recording itself, and the vocoder on its own log-mel.
NATURAL = "natural"
TRUE_LOG_MEL = "true_log_mel"
REFERENCES = (NATURAL, TRUE_LOG_MEL)

# The status of a row that holds a measurement; every other status is the reason of a failure.
OK = "ok"

_USUAL_VOCODER = "griffin_lim"
# What is kept of every rendition, by kind: each has a folder of that name.
SUFFIXES = {"audio": ".wav", "log_mel": ".npy", "speaker_embedding": ".npy"}


def inverter_name(layer: str, preset: str, loss: str) -> str:
    """What run.json calls an inverter."""
    return f"{layer}/{preset}-{loss}"


@dataclasses.dataclass(frozen=True)
class Condition:
    """A way to render every utterance: a row of the summary.

    Attributes:
        target: name of the frozen network.
        layer: a tap, or one of the references "natural" and "true_log_mel".
        preset: of the inverter; empty for the references.
        loss: of the inverter; empty for the references.
        vocoder: its name; empty for "natural".
        asr: the recogniser's name.
    """

    target: str
    layer: str
    preset: str
    loss: str
    vocoder: str
    asr: str

    @property
    def is_reference(self) -> bool:
        """True for the two that no inverter takes part in."""
        return self.layer in REFERENCES

    @property
    def inverter(self) -> str:
        """What run.json calls its inverter; a reference has its layer's name."""
        if not (self.preset or self.loss):
            return self.layer
        return inverter_name(self.layer, self.preset, self.loss)

    def folder(self, kind: str) -> str:
        """Where its files lie in a results folder: of all conditions that sound, or look, alike.

        Audio lies in `audio/LAYER[/PRESET-LOSS][-VOCODER]`, without a vocoder for Griffin-Lim's; so
        do embeddings of speakers, in `speaker_embedding/`; a log-mel, which all vocoders share, in
        `log_mel/LAYER[/PRESET-LOSS]`. Each of the words is
        made by `names.folder_name`, so that no two conditions meet in a folder.

        Args:
            kind: of `SUFFIXES`.
        """
        folder = f"{kind}/{names.folder_name(self.layer)}"
        if self.preset or self.loss:
            folder += f"/{names.folder_name(self.preset)}-{names.folder_name(self.loss)}"
        usual = "" if self.layer == NATURAL else _USUAL_VOCODER
        if kind == "log_mel" or self.vocoder == usual:
            return folder
        return f"{folder}-{names.folder_name(self.vocoder)}"

    def clip(self, kind: str, utterance: str) -> str:
        """Where an utterance's file lies in a results folder; an id may name subfolders.

        >>> Condition("vggish", "pool4", "large", "l1", "runs/a/vocos", "").clip("audio", "b/1")
        'audio/pool4/large-l1-a_vocos~88c9099de84e/b/1.wav'
        """
        parts = "/".join(map(names.file_name, utterance.split("/")))
        return f"{self.folder(kind)}/{parts}{SUFFIXES[kind]}"

    def former_clip(self, kind: str, utterance: str) -> str:
        """Where the file lay once: conditions of vocoders of one name in two folders met there."""
        vocoder = "" if self.vocoder in ("", _USUAL_VOCODER) else pathlib.Path(self.vocoder).name
        suffix = f"-{vocoder}" if kind != "log_mel" and vocoder else ""
        return f"{kind}/{self.inverter}{suffix}/{utterance}{SUFFIXES[kind]}"


KEYS = tuple(field.name for field in dataclasses.fields(Condition))
