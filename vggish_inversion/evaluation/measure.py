"""Renders every utterance under every condition, has it recognised, and scores it."""

import collections
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from vggish_inversion import asr, audio, corpora, features, metrics, reconstruction, vocoders
from vggish_inversion.evaluation import summary
from vggish_inversion.evaluation.results import (
    NATURAL,
    OK,
    REFERENCES,
    RESULT_COLUMNS,
    TRUE_LOG_MEL,
    Condition,
    ResultsTable,
    open_results,
)
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.targets import encoder


@dataclasses.dataclass(frozen=True)
class _Rendering:
    """One utterance under one condition, on its way to the recogniser."""

    utterance: corpora.Utterance
    condition: Condition
    waveform: np.ndarray
    stoi: float
    estoi: float
    log_mel_l1: float


def evaluate(
    utterances: Sequence[corpora.Utterance],
    reconstructor: reconstruction.Reconstructor,
    conditions: Mapping[str, Condition],
    transcriber: asr.Transcriber,
    output_dir: str | pathlib.Path,
    *,
    progress: Callable[[Iterable], Iterable] = iter,
) -> list[dict[str, str]]:
    """Measures every utterance under every condition.

    Args:
        utterances: recordings; one without a text has no WER.
        reconstructor: its names are those of `conditions`, but for the references.
        conditions: name -> condition, with "natural" and "true_log_mel".
        transcriber: the recogniser.
        output_dir: the results folder; rows that are there are kept.
        progress: wraps the iteration over utterances, `tqdm.tqdm` for example.

    Returns:
        All rows of results.csv.
    """
    folder = pathlib.Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with ResultsTable(folder / "results.csv") as table:
        pending: collections.deque[_Rendering] = collections.deque()

        def waveforms() -> Iterator[np.ndarray]:
            for utterance in progress(utterances):
                wanted = {
                    name: condition
                    for name, condition in conditions.items()
                    if not table.has(condition, utterance)
                }
                for rendering in _render(utterance, wanted, reconstructor, folder, table):
                    pending.append(rendering)
                    yield rendering.waveform

        for transcript in transcriber.transcribe_all(waveforms()):
            table.append(_scored_row(pending.popleft(), transcript))
    layers = [*REFERENCES, *(tap.name for tap in reconstructor.target.taps)]
    summary.write_summary(summary.summarize(table.rows, layers=layers), folder / "summary.csv")
    return table.rows


def evaluate_runs(
    utterances: Sequence[corpora.Utterance],
    target: encoder.TargetEncoder,
    runs: Sequence[inverter_run.InverterRun],
    *,
    vocoder: str = "griffin_lim",
    transcriber: str = "pocketsphinx",
    patch_hop_frames: int | None = None,
    output_dir: str | pathlib.Path,
    settings: Mapping,
    progress: Callable[[Iterable], Iterable] = iter,
) -> list[dict[str, str]]:
    """Measures trained inverters, beside the two references; see `evaluate`."""
    names = [f"{run.layer}/{run.preset}-{run.loss}" for run in runs]
    open_results(
        pathlib.Path(output_dir),
        {
            **settings,
            "target": target.name,
            "target_fingerprint": target.fingerprint,
            "patch_hop_frames": patch_hop_frames or target.log_mel.patch_hop_frames,
            "inverters": {name: run.sha256 for name, run in zip(names, runs, strict=True)},
        },
    )
    conditions = {
        NATURAL: Condition(target.name, NATURAL, "", "", "", transcriber),
        TRUE_LOG_MEL: Condition(target.name, TRUE_LOG_MEL, "", "", vocoder, transcriber),
    }
    for name, run in zip(names, runs, strict=True):
        if name in conditions:
            raise ValueError(f"two inverters of {name}; keep one of them below the folder")
        conditions[name] = Condition(
            target.name, run.layer, run.preset, run.loss, vocoder, transcriber
        )
    reconstructor = reconstruction.Reconstructor(
        target,
        {name: (run.layer, run.load_model()) for name, run in zip(names, runs, strict=True)},
        vocoders.load_vocoder(vocoder, target.log_mel),
        patch_hop_frames=patch_hop_frames,
    )
    recogniser = asr.load_transcriber(transcriber)
    return evaluate(
        utterances, reconstructor, conditions, recogniser, output_dir, progress=progress
    )


def _render(utterance, wanted, reconstructor, folder, table) -> Iterator[_Rendering]:
    """Renders one utterance under the conditions that are missing; a failure is rows of its own."""
    if not wanted:
        return
    try:
        natural = audio.read_audio(utterance.path)
        true_log_mel = reconstructor.log_mel(natural)
        rendered = reconstructor(natural, names=wanted)
    except ValueError as error:
        for condition in wanted.values():
            table.append(_failed_row(utterance, condition, str(error)))
        return
    params = reconstructor.target.log_mel
    for name, condition in wanted.items():
        waveform = natural if name == NATURAL else rendered[name].waveform
        audio.write_wav(_clip_path(folder, "audio", condition, utterance, ".wav"), waveform)
        if name != NATURAL:
            path = _clip_path(folder, "log_mel", condition, utterance, ".npy")
            np.save(path, rendered[name].log_mel.astype(np.float16))
        yield _Rendering(
            utterance,
            condition,
            waveform,
            stoi=metrics.stoi(natural, waveform),
            estoi=metrics.stoi(natural, waveform, extended=True),
            log_mel_l1=metrics.log_mel_l1(
                true_log_mel, np.asarray(features.waveform_to_log_mel(waveform, params))
            ),
        )


def _clip_path(folder, kind: str, condition, utterance, suffix: str) -> pathlib.Path:
    path = folder / kind / condition.folder / f"{utterance.id}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _failed_row(utterance, condition, reason: str) -> dict:
    return {
        **dict.fromkeys(RESULT_COLUMNS, ""),
        **dataclasses.asdict(condition),
        "num_utterances": 0,
        "utterance": utterance.id,
        "reference": utterance.text or "",
        "status": " ".join(reason.split()),
    }


def _scored_row(rendering: _Rendering, transcript: str | Exception) -> dict:
    if isinstance(transcript, Exception):
        reason = f"{rendering.condition.asr} failed: {transcript}"
        return _failed_row(rendering.utterance, rendering.condition, reason)
    row = {
        **_failed_row(rendering.utterance, rendering.condition, OK),
        "num_utterances": 1,
        "transcript": transcript,
        "stoi": round(rendering.stoi, 6),
        "estoi": round(rendering.estoi, 6),
        "log_mel_l1": round(rendering.log_mel_l1, 6),
    }
    reference = rendering.utterance.text
    if reference and metrics.normalize_text(reference):
        words = metrics.word_errors(reference, transcript)
        row |= {
            "wer": round(words.rate, 6),
            "cer": round(metrics.char_errors(reference, transcript).rate, 6),
            "num_words": words.num_words,
            "substitutions": words.substitutions,
            "deletions": words.deletions,
            "insertions": words.insertions,
        }
    return row
