"""A small results folder as evaluation writes it, with known numbers, for the report's tests."""

import csv
import json
import pathlib
import wave

import numpy as np

from vggish_inversion import metrics

SECONDS = {"tone-low": 1.5, "tone-high": 1.0, "tone-short": 0.5}
NUM_BANDS = 64
MARKUP = "<script>alert('x')</script> & <b>bold</b>"
FAILURE = "0.5 s of audio is shorter than one patch <0.96 s>"

_KEYS = ("target", "layer", "preset", "loss", "vocoder", "asr")
_VARIANTS = (
    ("vggish", "natural", "", "", "", "pocketsphinx"),
    ("vggish", "true_log_mel", "", "", "griffin_lim", "pocketsphinx"),
    ("vggish", "conv4", "large", "l1", "griffin_lim", "pocketsphinx"),
    ("vggish", "fc2", "large", "l1", "griffin_lim", "pocketsphinx"),
)
# num_utterances, wer, wer_low, wer_high, cer, stoi, estoi, log_mel_l1
SUMMARY_SCORES = {
    "natural": ("3", "0.1", "0.0", "0.25", "0.04", "1.0", "1.0", "0.0"),
    "true_log_mel": ("3", "0.125", "0.05", "0.275", "0.0512", "0.9134", "0.8411", "0.3021"),
    "conv4": ("3", "0.5217", "0.4035", "0.6489", "0.3333", "0.7511", "0.6502", "0.6144"),
    "fc2": ("2", "1.333", "1.1", "1.5123", "0.8765", "0.2842", "0.1503", "1.381"),
}
_SCORES = ("wer", "wer_low", "wer_high", "cer", "stoi", "estoi", "log_mel_l1")
_COUNTS = ("num_words", "substitutions", "deletions", "insertions")
SUMMARY_COLUMNS = (*_KEYS, "num_utterances", *_SCORES)
RESULT_COLUMNS = (*SUMMARY_COLUMNS, "utterance", "reference", "transcript", *_COUNTS, "status")
SUMMARY_COLUMNS += ("stoi_low", "stoi_high", *metrics.OPTIONAL_COLUMNS)
STOI_INTERVALS = {"natural": ("1.0", "1.0"), "conv4": ("0.7011", "0.7999")}
SPEAKER_SIMILARITY = {"natural": "1.0", "conv4": "0.8123", "fc2": "0.3"}
SIMILARITY_OF_RECORDINGS = {
    **{"same_speaker": 0.91, "same_speaker_low": 0.88, "same_speaker_high": 0.95},
    **{"num_same_pairs": 7, "other_speaker": 0.42, "num_other_pairs": 14},
}

_SIDE = dict.fromkeys(("layer_a", "preset_a", "loss_a", "layer_b", "preset_b", "loss_b"), "")
COMPARISONS = [
    _SIDE
    | {"comparison": kind, "target": "vggish", "vocoder": "griffin_lim", "asr": "pocketsphinx"}
    | {"layer_a": "conv4", "preset_a": "large", "loss_a": "l1", "wer_a": "0.5217"}
    | dict(zip(("difference", "difference_low", "difference_high"), difference, strict=True))
    | {"num_utterances": n, "p_value": p, "p_adjusted": adjusted, **other}
    for kind, n, difference, p, adjusted, other in (
        ("layer", 2, ("-0.8113", "-1.1", "-0.5"), "0.0004", "0.0008",
         {"layer_b": "fc2", "preset_b": "large", "loss_b": "l1", "wer_b": "1.333"}),
        ("true_log_mel", 3, ("0.3967", "-0.01", "0.8"), "0.2", "0.2",
         {"layer_b": "true_log_mel", "wer_b": "0.125"}),
    )
]  # fmt: skip
COMPARISON_COLUMNS = tuple(COMPARISONS[0])

REFERENCE = "The cat sat on the mat."
_TRANSCRIPTS = {
    "natural": "the cat sat on the mat",
    "true_log_mel": "the cat sat on a mat",
    "conv4": "the bat sat the mat now",  # cat -> bat, "on" missing, "now" inserted
    "fc2": "",
}
_ERRORS = {"natural": (0, 0, 0), "true_log_mel": (1, 0, 0), "conv4": (1, 1, 1), "fc2": (0, 6, 0)}


def write_results_folder(folder: pathlib.Path) -> pathlib.Path:
    """Writes three utterances through four variants; the last utterance fails at fc2."""
    rows = []
    for index, (utterance, seconds) in enumerate(SECONDS.items()):
        for variant in _VARIANTS:
            layer = variant[1]
            row = dict(zip(_KEYS, variant, strict=True)) | {
                "utterance": utterance,
                "reference": MARKUP if utterance == "tone-high" else REFERENCE,
            }
            if (utterance, layer) == ("tone-short", "fc2"):
                rows.append(row | {"num_utterances": 0, "status": FAILURE})
                continue
            transcript = MARKUP if utterance == "tone-high" else _TRANSCRIPTS[layer]
            rows.append(row | _measured(layer, transcript))
            place = place_of(layer)
            _write_tone(folder / "audio" / place / f"{utterance}.wav", 200 * 2**index, seconds)
            if layer != "natural":
                _write_log_mel(folder / "log_mel" / place / f"{utterance}.npy", seconds, index)
    write_table(folder / "results.csv", RESULT_COLUMNS, rows)
    write_table(folder / "summary.csv", SUMMARY_COLUMNS, [_summary(row) for row in _VARIANTS])
    write_table(folder / "comparisons.csv", COMPARISON_COLUMNS, COMPARISONS)
    run = {
        "command": ["python", "scripts/evaluate.py", "--data_dir=my speech"],
        "seed": 7,
        "data": {"split": "test", "layers": ["conv4", "fc2"]},
        "versions": {"keras": "3.15.1"},
        "speaker_similarity": SIMILARITY_OF_RECORDINGS,
    }
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder


def place_of(layer: str) -> str:
    """Where a layer's clips lie below audio/ and log_mel/."""
    return layer if layer in ("natural", "true_log_mel") else f"{layer}/large-l1"


def write_table(path: pathlib.Path, columns, rows) -> None:
    """Writes a table; what a row does not say is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: pathlib.Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def log_mel_of(seconds: float, index: int) -> np.ndarray:
    """`[frames, bands]` float16: quiet but for one loud band that tells the utterances apart."""
    log_mel = np.full((round(seconds * 100) - 2, NUM_BANDS), -4.0, np.float16)
    log_mel[:, 10 * (index + 1)] = 2.0
    return log_mel


def _measured(layer: str, transcript: str) -> dict:
    errors = _ERRORS[layer]
    return {
        "num_utterances": 1,
        **dict(zip(_SCORES, (sum(errors) / 6, "", "", 0.1, 0.8, 0.7, 0.5), strict=True)),
        "transcript": transcript,
        **dict(zip(_COUNTS, (6, *errors), strict=True)),
        "status": "ok",
    }


def _summary(variant) -> dict:
    scores, layer = ("num_utterances", *_SCORES), variant[1]
    return {
        **dict(zip(_KEYS, variant, strict=True)),
        **dict(zip(scores, SUMMARY_SCORES[layer], strict=True)),
        **dict(zip(("stoi_low", "stoi_high"), STOI_INTERVALS.get(layer, ("", "")), strict=True)),
        "speaker_similarity": SPEAKER_SIMILARITY.get(layer, ""),
    }


def _write_tone(path: pathlib.Path, pitch_hz: float, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(round(16000 * seconds)) / 16000
    samples = np.round(8000 * np.sin(2 * np.pi * pitch_hz * times)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())


def _write_log_mel(path: pathlib.Path, seconds: float, index: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, log_mel_of(seconds, index))
