"""Taps x utterances -> a results folder: a row for each, resumable, with no utterance missing.

`results.csv` gets a row as soon as it is measured; a run that is killed and started again with the
same settings goes on with what is missing. `summary.csv` pools the rows; see
`docs/architecture.md` for the folder's layout.
"""

import collections
import csv
import dataclasses
import io
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from vggish_inversion import (
    asr,
    audio,
    corpora,
    features,
    metrics,
    reconstruction,
    vocoders,
)
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.targets import encoder

NATURAL, TRUE_LOG_MEL = "natural", "true_log_mel"

KEYS = ("target", "layer", "preset", "loss", "vocoder", "asr")
SCORES = ("num_utterances", "wer", "wer_low", "wer_high", "cer", "stoi", "estoi", "log_mel_l1")
SUMMARY_COLUMNS = (*KEYS, *SCORES)
RESULT_COLUMNS = (
    *SUMMARY_COLUMNS,
    *("utterance", "reference", "transcript"),
    *("num_words", "substitutions", "deletions", "insertions", "status"),
)
OK = "ok"


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
    def folder(self) -> str:
        """Where its files lie below `audio/` and `log_mel/`."""
        return f"{self.layer}/{self.preset}-{self.loss}" if self.preset else self.layer


@dataclasses.dataclass(frozen=True)
class _Rendering:
    """One utterance under one condition, on its way to the recogniser."""

    utterance: corpora.Utterance
    condition: Condition
    waveform: np.ndarray
    stoi: float
    estoi: float
    log_mel_l1: float


class ResultsTable:
    """`results.csv`, append-only; what failed, or was cut short by a kill, is measured again."""

    def __init__(self, path: pathlib.Path):
        """Opens the table, keeping the complete rows that are there."""
        self.rows = _read_complete_rows(path)
        self._done = {_row_key(row) for row in self.rows}
        unfinished = path.with_suffix(".tmp")
        with open(unfinished, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, RESULT_COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(unfinished, path)
        self._file = open(path, "a", encoding="utf-8", newline="")  # noqa: SIM115
        self._writer = csv.DictWriter(self._file, RESULT_COLUMNS, lineterminator="\n")

    def __enter__(self):
        """Nothing more to open."""
        return self

    def __exit__(self, *_):
        """Closes the file."""
        self._file.close()

    def has(self, condition: Condition, utterance: corpora.Utterance) -> bool:
        """Whether this was measured before."""
        return (*dataclasses.astuple(condition), utterance.id) in self._done

    def append(self, row: Mapping) -> None:
        """Adds a row, at once on disk."""
        # csv gives back text: keep what a later run would read
        row = {name: str(row[name]) for name in RESULT_COLUMNS}
        self._writer.writerow(row)
        self._file.flush()
        self.rows.append(row)
        self._done.add(_row_key(row))


def _row_key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in (*KEYS, "utterance"))


def _read_complete_rows(path: pathlib.Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
    if tuple(reader.fieldnames or RESULT_COLUMNS) != RESULT_COLUMNS:
        raise ValueError(f"{path} is not this program's results.csv; use another output folder")
    return [row for row in reader if row["status"] == OK]  # what failed is tried again


def evaluate(
    utterances: Sequence[corpora.Utterance],
    reconstructor: reconstruction.Reconstructor,
    conditions: Mapping[str, Condition],
    transcriber: asr.PocketSphinxTranscriber,
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
    layers = [NATURAL, TRUE_LOG_MEL, *(tap.name for tap in reconstructor.target.taps)]
    write_summary(summarize(table.rows, layers=layers), folder / "summary.csv")
    return table.rows


def open_results(folder: pathlib.Path, settings: Mapping) -> None:
    """Writes run.json; results of other weights or data are never mixed with these.

    Raises:
        ValueError: if the folder holds such; the message says which.
    """
    path = folder / "run.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    inverters = kept.get("inverters", {})
    conflicts = [
        name
        for name in ("target", "target_fingerprint", "data_dir", "split")
        if kept and kept.get(name) != settings.get(name)
    ]
    conflicts += [
        f"inverter {name}"
        for name, sha256 in settings["inverters"].items()
        if inverters.get(name, sha256) != sha256
    ]
    if conflicts:
        raise ValueError(
            f"{folder} holds results of another evaluation (different: {', '.join(conflicts)}); "
            "use another output folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    merged = {**settings, "inverters": inverters | settings["inverters"]}
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(merged, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def evaluate_runs(
    utterances: Sequence[corpora.Utterance],
    target: encoder.TargetEncoder,
    runs: Sequence[inverter_run.InverterRun],
    *,
    vocoder: str = "griffin_lim",
    transcriber: str = "pocketsphinx",
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
        rendered = reconstructor(natural)
    except ValueError as error:
        for condition in wanted.values():
            table.append(_failed_row(utterance, condition, str(error)))
        return
    params = reconstructor.target.log_mel
    true_log_mel = rendered[TRUE_LOG_MEL].log_mel
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


def summarize(
    rows: Iterable[Mapping[str, str]], *, layers: Sequence[str]
) -> list[dict[str, str | int | float]]:
    """Pools the rows of each condition: errors over words for WER and CER, means for the rest.

    Args:
        rows: of results.csv.
        layers: in the order wanted; a condition that only failed has a row without scores.
    """
    by_condition = collections.defaultdict(list)
    for row in rows:
        kept = by_condition[Condition(*(row[name] for name in KEYS))]
        if row["status"] == OK:
            kept.append(row)
    summary = []
    for condition in sorted(
        by_condition, key=lambda item: (layers.index(item.layer), *dataclasses.astuple(item))
    ):
        chosen = by_condition[condition]
        entry = dataclasses.asdict(condition) | dict.fromkeys(SCORES, "")
        entry["num_utterances"] = len(chosen)
        spoken = [row for row in chosen if row["num_words"]]
        if spoken:
            words = [metrics.word_errors(row["reference"], row["transcript"]) for row in spoken]
            chars = [metrics.char_errors(row["reference"], row["transcript"]) for row in spoken]
            low, high = metrics.bootstrap_interval(words)
            rates = (metrics.pooled_rate(words), low, high, metrics.pooled_rate(chars))
            names = ("wer", "wer_low", "wer_high", "cer")
            entry |= {name: round(rate, 4) for name, rate in zip(names, rates, strict=True)}
        for name in ("stoi", "estoi", "log_mel_l1"):
            values = np.array([float(row[name]) for row in chosen])
            if np.isfinite(values).any():
                entry[name] = round(float(np.nanmean(values)), 4)
        summary.append(entry)
    return summary


def summary_text(results_dir: str | pathlib.Path) -> str:
    """The summary as a table for the terminal: rates in percent, distances in nats."""
    with open(pathlib.Path(results_dir) / "summary.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def percent(text: str) -> str:
        return f"{100 * float(text):.1f}" if text else "-"

    lines = [
        f"{'layer':<14} {'preset':<6} {'n':>4} {'WER %':>6} {'(95 %)':>13} {'CER %':>6} "
        f"{'STOI':>6} {'log-mel L1':>10}"
    ]
    for row in rows:
        interval = f"{percent(row['wer_low'])} to {percent(row['wer_high'])}"
        lines.append(
            f"{row['layer']:<14} {row['preset']:<6} {row['num_utterances']:>4} "
            f"{percent(row['wer']):>6} {interval:>13} {percent(row['cer']):>6} "
            f"{row['stoi'] or '-':>6} {row['log_mel_l1'] or '-':>10}"
        )
    return "\n".join(lines)


def write_summary(summary: Iterable[Mapping], path: pathlib.Path) -> None:
    """Writes summary.csv: a row per condition."""
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, SUMMARY_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(summary)
    os.replace(unfinished, path)
