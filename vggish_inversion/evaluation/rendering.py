"""Renders an utterance in every way, and measures what needs no recogniser."""

import collections
import dataclasses
import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np
from absl import logging

from vggish_inversion import audio, metrics, reconstruction, vocoders
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import grid as grids
from vggish_inversion.evaluation import stopwatch, verification
from vggish_inversion.files import failures, folders
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.metrics import speakers
from vggish_inversion.results import NATURAL, TRUE_LOG_MEL, Condition
from vggish_inversion.targets import encoder


@dataclasses.dataclass(frozen=True)
class Rendering:
    """One utterance, rendered in one way, on its way to the recognisers."""

    utterance: corpora.Utterance
    rendition: grids.Rendition
    waveform: np.ndarray
    scores: Mapping[str, float]

    def __repr__(self) -> str:
        """What it is."""
        return f"<Rendering of {self.utterance.id}: {self.rendition}, [{len(self.waveform)}]>"


@dataclasses.dataclass(frozen=True)
class Failure:
    """One utterance that could not be rendered in one way, and the reason in one line."""

    utterance: corpora.Utterance
    rendition: grids.Rendition
    reason: str


class Renderer:
    """Target, inverters, vocoders and metrics, loaded once for many utterances."""

    def __init__(
        self,
        target: encoder.TargetEncoder,
        runs: Sequence[inverter_run.InverterRun],
        grid: grids.Grid,
        *,
        folder: pathlib.Path | None,
        watch: stopwatch.Stopwatch,
    ):
        """Loads the parts.

        Args:
            target: the frozen network.
            runs: trained inverters of it.
            grid: names the vocoders and metrics.
            folder: receives audio/, log_mel/ and, if speakers are verified, their embeddings; None
                receives nothing.
            watch: is told how long each stage takes.
        """
        self.vocoders = {
            name: vocoders.load_vocoder(name, target.log_mel) for name in grid.vocoders
        }
        self._reconstructor = reconstruction.Reconstructor(
            target,
            {name: (run.layer, run.load_model()) for name, run in grids.name_runs(runs).items()},
            next(iter(self.vocoders.values())),
            patch_hop_frames=grid.patch_hop_frames,
        )
        self.speaker_encoder = None
        if set(grid.metrics) & set(metrics.OF_SPEAKERS):
            self.speaker_encoder = speakers.load_speaker_encoder(grid.speaker_encoder)
        self._score_against = metrics.load_metrics(grid.metrics, embed=self.speaker_encoder)
        self._is_verified = metrics.SPEAKER_VERIFICATION in grid.metrics
        self._folder = folder
        self._watch = watch

    def __repr__(self) -> str:
        """What it is."""
        return f"<Renderer of {self._reconstructor!r}, vocoders {', '.join(self.vocoders)}>"

    def __call__(
        self,
        utterance: corpora.Utterance,
        wanted: Mapping[grids.Rendition, Condition],
    ) -> Iterator[Rendering | Failure]:
        """Renders one utterance; each rendering is yielded as soon as it is measured.

        Args:
            utterance: the recording.
            wanted: renditions, each with one of its conditions, which names its files.

        Yields:
            A rendering, or a failure of that rendition alone, such as a file that cannot be
            written.

        Raises:
            ValueError: if the recording cannot be read, or is too short.
        """
        rate_hz = self._reconstructor.sample_rate_hz
        with self._watch("reading"):
            natural = heard = audio.read_audio(utterance.path)
            if rate_hz != audio.SAMPLE_RATE_HZ:
                heard = audio.read_audio(utterance.path, sample_rate_hz=rate_hz)
        with self._watch("inverting"):
            of_target = self._reconstructor.hear(heard)
            true_log_mel = of_target.log_mel
            log_mels = {TRUE_LOG_MEL: true_log_mel}
            if inverted := {item.name for item in wanted} - {NATURAL, TRUE_LOG_MEL}:
                made = _attempt(self._reconstructor.invert, of_target.given)
                log_mels |= dict.fromkeys(inverted, made) if isinstance(made, Exception) else made
        source = self._reconstructor.target.source
        vocoded_hz = source.log_mel.sample_rate_hz
        waveforms = {grids.Rendition(NATURAL): heard}
        waveforms |= self._vocode(log_mels, wanted, source.to_log_mel_rate(len(heard)))
        with self._watch("scoring"):
            intelligibility = metrics.load_stoi(natural)
            score = self._score_against(natural)
        for rendition, condition in wanted.items():
            made, made_hz, waveform = waveforms[rendition], rate_hz, natural
            if isinstance(made, Exception):
                yield Failure(utterance, rendition, _reason(utterance, made))
                continue
            if rendition.name != NATURAL:
                made_hz = vocoded_hz
                waveform = _at_16_khz(made, made_hz, num_samples=len(natural))
            try:
                with self._watch("writing"):
                    self._write(utterance, condition, waveform, log_mels.get(rendition.name))
                with self._watch("scoring"):
                    log_mel = self._reconstructor.log_mel_of(made, rate_hz=made_hz)
                    scores = {
                        **intelligibility(waveform),
                        "log_mel_l1": metrics.log_mel_l1(true_log_mel, log_mel),
                        **score(waveform),
                    }
                    self._embed(utterance, condition, waveform)
            except Exception as error:  # noqa: BLE001  (it is the reason in this rendition's row)
                yield Failure(utterance, rendition, _reason(utterance, error))
            else:
                yield Rendering(utterance, rendition, waveform, scores)

    def _vocode(self, log_mels, wanted: Collection[grids.Rendition], num_samples: int) -> dict:
        """Waveforms, or what was raised, of the renditions that a vocoder makes."""
        names = collections.defaultdict(list)
        waveforms = {}
        for rendition in wanted:
            if isinstance(log_mels.get(rendition.name), Exception):
                waveforms[rendition] = log_mels[rendition.name]
            elif rendition.vocoder:
                names[rendition.vocoder].append(rendition.name)
        for vocoder, chosen in names.items():

            def vocode(*some: str, vocoder: Callable = self.vocoders[vocoder]) -> dict:
                given = {name: log_mels[name] for name in some}
                return self._reconstructor.vocode(given, num_samples, vocoder=vocoder)

            with self._watch("vocoding"):
                made = _attempt(vocode, *chosen)  # all of one vocoder at once
                if isinstance(made, Exception):  # of one log-mel, perhaps
                    each = {name: _attempt(vocode, name) for name in chosen}
                    made = {
                        name: one if isinstance(one, Exception) else one[name]
                        for name, one in each.items()
                    }
            waveforms |= {grids.Rendition(name, vocoder): made[name] for name in chosen}
        return waveforms

    def _embed(self, utterance, condition: Condition, waveform) -> None:
        if self._is_verified and self.speaker_encoder and self._folder:
            embedding = self.speaker_encoder(waveform)
            verification.write_embedding(self._folder, condition, utterance.id, embedding)

    def _write(self, utterance, condition: Condition, waveform, log_mel) -> None:
        if self._folder is None:
            return
        path = self._folder / condition.clip("audio", utterance.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        audio.write_wav(path, waveform)
        if log_mel is None:
            return
        path = self._folder / condition.clip("log_mel", utterance.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with folders.write_file(path) as unfinished:
            np.save(unfinished, log_mel.astype(np.float16))


def _attempt(function: Callable, *given):
    """What a function gives, or the exception that it raises."""
    try:
        return function(*given)
    except Exception as error:  # noqa: BLE001  (it is the reason in the rows that lack it)
        return error


def _at_16_khz(waveform: np.ndarray, rate_hz: int, *, num_samples: int) -> np.ndarray:
    """`[num_samples]` of a rendering at the target's rate; rounding may cost or add a sample."""
    made = audio.resample(waveform, from_hz=rate_hz, to_hz=audio.SAMPLE_RATE_HZ)[:num_samples]
    return np.pad(made, (0, num_samples - len(made)))


def each_once(
    renderer: Renderer,
    utterance: corpora.Utterance,
    wanted: Mapping[grids.Rendition, Condition],
) -> Iterator[Rendering | Failure]:
    """What a renderer makes of an utterance: each rendition once, whatever fails, and when.

    What ends the renderer, such as a recording that cannot be read, is the failure of all
    renditions that it had not yielded.
    """
    left = dict.fromkeys(wanted)
    try:
        for made in renderer(utterance, wanted):
            del left[made.rendition]
            yield made
    except Exception as error:  # noqa: BLE001  (it is the reason in every row that is left)
        reason = _reason(utterance, error)
        yield from (Failure(utterance, rendition, reason) for rendition in left)


def _reason(utterance: corpora.Utterance, error: Exception) -> str:
    logging.debug("%s", utterance.path, exc_info=error)  # where it came from: --verbosity=1
    return failures.in_one_line(error)
