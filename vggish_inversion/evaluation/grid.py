"""The grid of an evaluation: inverters x vocoders x recognisers, and the metrics."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vggish_inversion import asr, metrics
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.results import NATURAL, TRUE_LOG_MEL, Condition, inverter_name


@dataclasses.dataclass(frozen=True)
class Grid:
    """The settings of an evaluation, without target, inverters and utterances.

    Attributes:
        vocoders: names of vocoders.
        transcribers: names of recognisers.
        asr_model: of a recogniser that has several, or of each (see `model_of`, and
            `asr.load_transcriber`).
        asr_precision: of a recogniser that is a network.
        asr_language: that is spoken, of a recogniser that knows several; English if None.
        metrics: names of optional metrics; see `metrics.OPTIONAL_METRICS` and `CORPUS_METRICS`.
        speaker_encoder: of the metrics of speakers; see `speakers.load_speaker_encoder`.
        patch_hop_frames: distance between patches; the target's own if None.
    """

    vocoders: tuple[str, ...] = ("griffin_lim",)
    transcribers: tuple[str, ...] = ("pocketsphinx",)
    asr_model: str | None = None
    asr_precision: str = "float32"
    asr_language: str | None = None
    metrics: tuple[str, ...] = metrics.CHEAP_METRICS
    speaker_encoder: str | None = None
    patch_hop_frames: int | None = None

    def model_of(self, transcriber: str) -> str | None:
        """What `asr_model` says of a recogniser: its own part of "whisper=A,wav2vec2=B", or all.

        >>> Grid(asr_model="whisper=tiny,wav2vec2=folder").model_of("wav2vec2")
        'folder'
        >>> Grid(asr_model="tiny").model_of("whisper")
        'tiny'
        """
        parts = [part.partition("=") for part in (self.asr_model or "").split(",")]
        named = {
            name: model for name, equals, model in parts if equals and name in asr.TRANSCRIBERS
        }
        return named.get(transcriber) if named else self.asr_model

    def load_transcribers(self) -> dict[str, asr.Transcriber]:
        """The recognisers, by the names that results are filed under."""
        loaded = [
            asr.load_transcriber(
                name,
                model=self.model_of(name),
                precision=self.asr_precision,
                language=self.asr_language,
            )
            for name in self.transcribers
        ]
        return {transcriber.name: transcriber for transcriber in loaded}


@dataclasses.dataclass(frozen=True)
class Rendition:
    """A way to make a waveform: a condition without the recogniser.

    Attributes:
        name: "natural", "true_log_mel", or LAYER/PRESET-LOSS of an inverter.
        vocoder: its name; empty for "natural".
    """

    name: str
    vocoder: str = ""


def name_runs(runs: Iterable[inverter_run.InverterRun]) -> dict[str, inverter_run.InverterRun]:
    """Inverters by the name of their renditions.

    Raises:
        ValueError: if two would have the same.
    """
    named = {}
    for run in runs:
        name = inverter_name(run.layer, run.preset, run.loss)
        if name in named:
            raise ValueError(f"two inverters of {name}; keep one of them below the folder")
        named[name] = run
    return named


def conditions(
    target: str,
    runs: Iterable[inverter_run.InverterRun],
    vocoders: Sequence[str],
    transcribers: Sequence[str],
) -> dict[Rendition, dict[str, Condition]]:
    """Every rendition, references first, and its condition by recogniser."""
    kinds = [(Rendition(NATURAL), (NATURAL, "", ""))]
    kinds += [(Rendition(TRUE_LOG_MEL, vocoder), (TRUE_LOG_MEL, "", "")) for vocoder in vocoders]
    kinds += [
        (Rendition(name, vocoder), (run.layer, run.preset, run.loss))
        for name, run in name_runs(runs).items()
        for vocoder in vocoders
    ]
    return {
        rendition: {name: Condition(target, *key, rendition.vocoder, name) for name in transcribers}
        for rendition, key in kinds
    }


def flatten(conditions: Mapping[Rendition, Mapping[str, Condition]]) -> Iterator[Condition]:
    """All conditions, in order."""
    for by_transcriber in conditions.values():
        yield from by_transcriber.values()
