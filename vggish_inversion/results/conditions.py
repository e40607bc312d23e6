"""What was compared, by which names, and where below a results folder its files lie."""

import dataclasses
import pathlib

# The references: the recording itself, and the vocoder on its own log-mel.
NATURAL = "natural"
TRUE_LOG_MEL = "true_log_mel"
REFERENCES = (NATURAL, TRUE_LOG_MEL)

# The status of a row that holds a measurement; every other status is the reason of a failure.
OK = "ok"

_USUAL_VOCODER = "griffin_lim"


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
        return f"{self.layer}/{self.preset}-{self.loss}" if self.preset else self.layer

    @property
    def log_mel_folder(self) -> str:
        """Where its files lie below `log_mel/`: the same for all vocoders."""
        return self.inverter

    @property
    def audio_folder(self) -> str:
        """Where its files lie below `audio/`: another vocoder than Griffin-Lim is in the name."""
        if self.vocoder in ("", _USUAL_VOCODER):
            return self.log_mel_folder
        return f"{self.log_mel_folder}-{pathlib.Path(self.vocoder).name}"


KEYS = tuple(field.name for field in dataclasses.fields(Condition))
