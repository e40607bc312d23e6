"""Chooses the sounds and log-mels of a results folder that one page has room for."""

import dataclasses
import io
import math
import pathlib
import struct
import wave
from collections.abc import Mapping

import numpy as np

from vggish_inversion.files import documents
from vggish_inversion.results import NATURAL, TRUE_LOG_MEL, Condition, Reconstruction, Results

_BASE64_GROWTH = 4 / 3


@dataclasses.dataclass(frozen=True)
class Clip:
    """What there is to hear and see of one reconstruction.

    Attributes:
        wav: a wav file's bytes; None if there is none, and then `wav_problem` says why.
        seconds: its length; 0 without one.
        log_mel: `[frames, bands]` float32, natural log; None if there is none (`log_mel_problem`).
        wav_problem: one line for the reader, empty if all is well.
        log_mel_problem: the same for the log-mel.
    """

    wav: bytes | None
    seconds: float
    log_mel: np.ndarray | None
    wav_problem: str
    log_mel_problem: str

    def __repr__(self) -> str:
        """What it is."""
        return f"<Clip: {self.seconds:.2f} s{self.wav_problem and f', {self.wav_problem}'}>"

    @property
    def num_page_bytes(self) -> int:
        """About how much the page grows by it; the picture is taken at its largest."""
        num_bytes = len(self.wav or b"") + (0 if self.log_mel is None else self.log_mel.size)
        return math.ceil(num_bytes * _BASE64_GROWTH)


def fitting_clips(results: Results, *, max_bytes: int) -> dict[str, Mapping[Condition, Clip]]:
    """Loads utterance after utterance while they fit on a page; the first one always does.

    Args:
        results: the folder.
        max_bytes: how much sound and pictures may add to the page.

    Returns:
        The clips by utterance, then by condition, in the folder's order.
    """
    clips: dict[str, Mapping[Condition, Clip]] = {}
    num_bytes = 0
    for utterance in results.reconstructions:
        loaded = load_clips(results, utterance)
        num_bytes += sum(clip.num_page_bytes for clip in loaded.values())
        if clips and num_bytes > max_bytes:
            break
        clips[utterance] = loaded
    return clips


def load_clips(results: Results, utterance: str) -> dict[Condition, Clip]:
    """All clips of one utterance, by condition."""
    rows = results.reconstructions[utterance]
    return {condition: _load_clip(results, rows, condition) for condition in rows}


def color_range(clips: Mapping[str, Mapping[Condition, Clip]]) -> tuple[float, float]:
    """The log-mel values, in half nats, between which one colour scale serves every picture.

    The recordings' own log-mels decide, so that no bad reconstruction shifts the scale.
    """
    loaded = [pair for conditions in clips.values() for pair in conditions.items()]
    pictured = [(condition, clip.log_mel) for condition, clip in loaded if clip.log_mel is not None]
    own = [log_mel for condition, log_mel in pictured if condition.is_reference]
    log_mels = own or [log_mel for _, log_mel in pictured]
    if not log_mels:
        return 0.0, 1.0
    values = np.concatenate([log_mel.ravel() for log_mel in log_mels])
    low, high = np.percentile(values, [1.0, 99.9])
    low = math.floor(low * 2) / 2
    return low, max(math.ceil(high * 2) / 2, low + 0.5)


def _load_clip(
    results: Results, reconstructions: Mapping[Condition, Reconstruction], condition: Condition
) -> Clip:
    reconstruction = pictured = reconstructions[condition]
    if condition.layer == NATURAL:  # what a recording looks like is its own log-mel
        for other, row in reconstructions.items():
            if other.layer == TRUE_LOG_MEL:
                pictured = row
    wav, seconds, wav_problem = _read_wav(results.find_clip("audio", reconstruction))
    log_mel, log_mel_problem = _read_log_mel(results.find_clip("log_mel", pictured))
    return Clip(wav, seconds, log_mel, wav_problem, log_mel_problem)


def _read_wav(path: pathlib.Path | None) -> tuple[bytes | None, float, str]:
    if path is None:
        return None, 0.0, "No audio in the results folder."
    try:
        contents = path.read_bytes()
        with wave.open(io.BytesIO(contents)) as file:
            num_samples, rate_hz = file.getnframes(), file.getframerate()
    # A chunk that would end beyond the file is a bare RuntimeError.
    except (OSError, wave.Error, EOFError, struct.error, ValueError, RuntimeError) as error:
        return None, 0.0, f"Audio unreadable: {error or 'not a whole wav file'}."
    if num_samples == 0 or rate_hz == 0:
        return None, 0.0, "The audio has no samples."
    return contents, num_samples / rate_hz, ""


def _read_log_mel(path: pathlib.Path | None) -> tuple[np.ndarray | None, str]:
    if path is None:
        return None, "No log-mel in the results folder."
    try:
        log_mel = documents.read_array(path, kinds="fiub")
    except documents.DocumentError as error:
        return None, f"Log-mel unreadable: {error}."
    if log_mel.ndim != 2 or log_mel.size == 0 or log_mel.dtype.kind != "f":
        return None, f"Log-mel of shape {log_mel.shape}, {log_mel.dtype}: not frames by bands."
    return np.nan_to_num(log_mel.astype(np.float32)), ""
