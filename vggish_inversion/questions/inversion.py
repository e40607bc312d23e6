"""What does each layer still know of the speech it heard? Ridge inverters first, then trained ones.

Below the output folder, `training/` has the runs, `inverters/` the better one of each tap, and
`log_mel_cache/` what they learn from; the folder itself is a results folder, with its page.
"""

import dataclasses
import pathlib
import time
from collections.abc import Sequence

import keras

from vggish_inversion import audio, evaluation
from vggish_inversion.data import corpora, log_mel_cache, training_data
from vggish_inversion.evaluation import Grid
from vggish_inversion.files import names
from vggish_inversion.inverters import grid as training_grid
from vggish_inversion.inverters import ridge, ridge_run, training
from vggish_inversion.inverters.config import TrainConfig
from vggish_inversion.questions import kept, references
from vggish_inversion.questions.inquiry import Inquiry, Times
from vggish_inversion.training import run_folder

# One view and few patches: on two processors a deep tap on seventeen views hardly takes a step in
# these minutes, and many small steps learn more in them than few large ones.
_CONFIG = TrainConfig(preset="large", num_views=1, batch_size=8)
_FIRST_SECONDS = 8.0


def first(inquiry: Inquiry) -> None:
    """Fits the ridge inverters, and measures a few clips, unless there are results already."""
    folders_of = {
        tap.name: inquiry.output_dir
        / "training"
        / names.file_name(tap.name)
        / f"{ridge.PRESET}-{ridge.LOSS}"
        for tap in inquiry.taps
    }
    ridge_run.fit_inverters(
        inquiry.target,
        inquiry.taps,
        **_caches(inquiry),
        folders_of=folders_of,
        settings=inquiry.settings,
        seed=_CONFIG.seed,
    )
    for folder in folders_of.values():
        inquiry.announce(kept.keep_better(inquiry, folder))
    if not (inquiry.output_dir / "summary.csv").is_file():
        _measure(inquiry, _first_clips(inquiry))


def further(inquiry: Inquiry, seconds: float) -> None:
    """Trains inverters of all taps for equal times, and measures every clip that is heard.

    Args:
        inquiry: what is asked.
        seconds: that are left for all of it.
    """
    clock_of_all = Times(inquiry.output_dir)
    num_conditions = len(inquiry.taps) + 2
    left = seconds - clock_of_all.to_measure(num_conditions * _seconds(inquiry.speech.heard))
    layers = [tap.name for tap in inquiry.taps]
    spent = sum(_seconds_trained(inquiry, layer) for layer in layers)
    minutes = clock_of_all.minutes_of_tap(inquiry.minutes, layers, left=left, spent=spent)
    if minutes:
        _train(inquiry, minutes)
    else:
        inquiry.announce("no time is left to train inverters: --minutes= gives more")
    _measure(inquiry, inquiry.speech.heard)


def output_parts(output_dir: pathlib.Path) -> list[pathlib.Path]:
    """What is written beside the results: recordings may not lie there."""
    return [output_dir / name for name in ("training", kept.FOLDER, "log_mel_cache")]


def _train(inquiry: Inquiry, minutes: float) -> None:
    inquiry.announce(f"training {len(inquiry.taps)} inverters, {60 * minutes:.0f} s each in all")
    config = dataclasses.replace(_CONFIG, minutes=minutes)
    keras.utils.disable_interactive_logging()  # a line of Keras for each slice of time
    for tap in inquiry.taps:
        run_dir = _trained_folder(inquiry, tap.name)
        training.train_inverter(
            inquiry.target,
            tap,
            config,
            **_caches(inquiry),
            run_dir=run_dir,
            settings=inquiry.settings,
        )
        inquiry.announce(kept.keep_better(inquiry, run_dir))


def _trained_folder(inquiry: Inquiry, layer: str) -> pathlib.Path:
    return training_grid.run_folder(inquiry.output_dir / "training", layer, _CONFIG)


def _seconds_trained(inquiry: Inquiry, layer: str) -> float:
    run_dir = _trained_folder(inquiry, layer)
    if not (run_dir / "history.csv").is_file():
        return 0.0
    return float(run_folder.read_history(run_dir)[-1]["seconds"])


def _caches(inquiry: Inquiry) -> dict[str, training_data.TrainingData]:
    """What inverters learn from, and are validated on."""
    folder, source = inquiry.output_dir / "log_mel_cache", inquiry.target.source
    return {
        "train": log_mel_cache.cache_log_mel(inquiry.speech.train, source, folder),
        "validation": log_mel_cache.cache_log_mel(inquiry.speech.validation, source, folder),
    }


def _seconds(utterances: Sequence[corpora.Utterance]) -> float:
    return sum(len(audio.read_audio(item.path)) for item in utterances) / audio.SAMPLE_RATE_HZ


def _first_clips(inquiry: Inquiry) -> list[corpora.Utterance]:
    """As many of the clips as a recogniser hears through in half a minute, and at least one."""
    chosen: list[corpora.Utterance] = []
    for item in inquiry.speech.heard:
        if chosen and _seconds([*chosen, item]) > _FIRST_SECONDS:
            break
        chosen.append(item)
    return chosen


def _measure(inquiry: Inquiry, utterances: Sequence[corpora.Utterance]) -> None:
    """Measures kept inverters on some clips; what an earlier one was measured to is forgotten."""
    started = time.monotonic()
    runs = kept.kept_runs(inquiry)
    num_there = evaluation.forget_inverters(inquiry.output_dir, but=kept.digests(runs))
    name, model = inquiry.recogniser
    grid = Grid(transcribers=(name,), asr_model=model)
    [transcriber] = grid.load_transcribers().values()
    kept_texts = inquiry.output_dir / "heard_texts.json"
    rows = evaluation.evaluate_runs(
        references.with_references(utterances, transcriber, kept_texts),
        inquiry.target,
        runs,
        grid=grid,
        output_dir=inquiry.output_dir,
        settings={
            **inquiry.settings,
            "reference": references.kind_of(utterances),
            "kept": kept.describe(runs),
        },
    )
    share = (len(rows) - num_there) / (len(utterances) * (len(runs) + 2))  # that is new
    amount = share * _seconds(utterances) * (len(runs) + 2)
    Times(inquiry.output_dir).measured(time.monotonic() - started, amount)
