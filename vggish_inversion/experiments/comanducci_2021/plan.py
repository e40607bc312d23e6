"""Plans the experiment: what it will download, write and take, before anything is loaded."""

import math
import pathlib
import shutil
import time

import numpy as np
import soundfile

from vggish_inversion.data import corpora, splits
from vggish_inversion.experiments.comanducci_2021 import experiment as experiments
from vggish_inversion.inverters import assembly, chain, grid
from vggish_inversion.inverters import config as inverter_config
from vggish_inversion.targets import encoder, loading, vggish, yamnet
from vggish_inversion.targets.taps import Tap

# What is fetched where no --target_weights or --asr_model says where it lies, and its bytes.
_TARGET_DOWNLOADS = {"vggish": (vggish.HUB_URL, 289e6), "yamnet": (yamnet.HUB_URL, 15e6)}
_ASR_DOWNLOADS = {"wav2vec2": ("facebook/wav2vec2-base-960h of Hugging Face's hub", 378e6)}

_SAMPLED_FILES = 100  # of whose headers a split's length is told
_TIMED_PATCHES = 16
_BYTES_PER_VALUE = 4  # float32, on disk as in memory
_WAV_BYTES_PER_SAMPLE = 2


def describe_plan(
    experiment: experiments.Experiment,
    target_name: str,
    *,
    weights: str | None = None,
    seed: int = 0,
) -> str:
    """What is left to do, for the terminal.

    Training's time is from a step of each inverter that is left, on this machine, with random
    weights in place of the target's, which may not be here yet: a rough guide.

    Args:
        experiment: what is to be done.
        target_name: of `loading.load_target`.
        weights: of the target, as `loading.load_target` takes them.
        seed: of weights that are not trained.

    Raises:
        ValueError: if the target is unknown, or the corpora cannot be read.
    """
    target = loading.load_target(target_name, weights=encoder.UNTRAINED, seed=seed)
    taps, utterances = experiment.taps(target), experiment.utterances()
    chosen = splits.training_splits(experiment.data_dirs)
    seconds = {name: _speech_seconds(items) for name, items in chosen.items()}
    test_seconds = _speech_seconds(utterances)
    params = target.log_mel
    frames_per_second = params.sample_rate_hz / params.hop_samples
    # half a patch of each utterance is left over, on average
    num_patches = round(
        seconds["train"] * frames_per_second / params.patch_frames - len(chosen["train"]) / 2
    )
    num_epochs = experiment.epochs(num_utterances=len(chosen["train"]), num_patches=num_patches)
    places = [(tap, config) for tap in taps for config in experiment.configs(num_epochs)]
    missing = [
        (tap, config)
        for tap, config in places
        if not (
            grid.run_folder(experiment.runs_dir, tap.name, config) / inverter_config.MODEL_FILE
        ).is_file()
    ]
    num_conditions = (len(places) + 2) * len(experiment.grid.transcribers)
    run_bytes, training_seconds = 0.0, 0.0
    for tap, config in missing:
        num_bytes, seconds_per_patch = _run_costs(target, tap, config)
        run_bytes += num_bytes
        training_seconds += seconds_per_patch * num_epochs * max(num_patches, config.batch_size)
    bytes_per_second = frames_per_second * params.num_bands
    cache_bytes = sum(seconds.values()) * bytes_per_second * 2  # float16
    result_bytes = (len(places) + 2) * test_seconds
    result_bytes *= (
        params.sample_rate_hz * _WAV_BYTES_PER_SAMPLE + bytes_per_second * _BYTES_PER_VALUE
    )
    needed, free = cache_bytes + run_bytes + result_bytes, _free_bytes(experiment.output_dir)
    downloads = _downloads(experiment, target_name, weights)
    return "\n".join(
        [
            f"target      {target_name}, {len(taps)} taps: {' '.join(tap.name for tap in taps)}",
            f"inverters   {len(places)}, of which {len(missing)} are left to train: about "
            f"{num_epochs} epochs of {num_patches} patches each",
            f"evaluation  {len(utterances)} utterances, {test_seconds / 60:.1f} minutes of speech, "
            f"under {num_conditions} conditions",
            *(f"download    {line}" for line in downloads or ["nothing"]),
            f"disk        about {_gigabytes(needed)} in {experiment.output_dir} (log-mel "
            f"{_gigabytes(cache_bytes)}, inverters {_gigabytes(run_bytes)}, results "
            f"{_gigabytes(result_bytes)}); {_gigabytes(free)} are free"
            + (": TOO LITTLE" if free < needed else ""),
            f"time        about {_duration(training_seconds)} of training on this machine; the "
            "evaluation's bar tells its own",
        ]
    )


def _speech_seconds(utterances: list[corpora.Utterance]) -> float:
    """Of all, told from some; what cannot be read is taken to be as long as the others."""
    lengths = []
    for item in corpora.thin(utterances, _SAMPLED_FILES):
        try:
            lengths.append(soundfile.info(str(item.path)).duration)
        except soundfile.SoundFileError:
            continue
    return float(np.mean(lengths)) * len(utterances) if lengths else 0.0


def _run_costs(
    target: encoder.TargetEncoder, tap: Tap, config: inverter_config.TrainConfig
) -> tuple[float, float]:
    """Bytes on disk of a run, and seconds of training per patch: a step of it, as it is trained."""
    params = target.log_mel
    viewed = chain.view_tap(target, tap, config)
    model, _, inverter, kept, _ = assembly.assemble(
        target, viewed, config, num_steps=config.num_epochs
    )
    model.run_eagerly = True  # a graph takes longer to make than the step does
    windows = np.zeros((_TIMED_PATCHES, *model.input_shape[1:]), np.float32)
    patches = np.zeros((_TIMED_PATCHES, params.patch_frames, params.num_bands), np.float32)
    model.fit(windows[:1], patches[:1], verbose=0)  # the first step sets up
    started = time.perf_counter()
    model.fit(windows, patches, batch_size=_TIMED_PATCHES, verbose=0)
    seconds = time.perf_counter() - started
    num_values = sum(math.prod(variable.shape) for variable in (*kept, *inverter.variables))
    return num_values * _BYTES_PER_VALUE, seconds / _TIMED_PATCHES


def _downloads(experiment, target_name: str, weights: str | None) -> list[str]:
    wanted = []
    if target_name in _TARGET_DOWNLOADS and weights is None:
        wanted.append(_TARGET_DOWNLOADS[target_name])
    elif weights and weights.startswith(("http://", "https://")):
        wanted.append((weights, 0.0))
    if experiment.grid.asr_model is None:
        names = set(experiment.grid.transcribers) & _ASR_DOWNLOADS.keys()
        wanted += [_ASR_DOWNLOADS[name] for name in sorted(names)]
    return [
        f"{source}{f', {size / 1e6:.0f} MB' if size else ''}, if it is not in the cache yet"
        for source, size in wanted
    ]


def _free_bytes(folder: pathlib.Path) -> int:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free


def _gigabytes(num_bytes: float) -> str:
    return f"{num_bytes / 1e9:.2f} GB"


def _duration(seconds: float) -> str:
    """A time that a reader can plan with.

    >>> _duration(100), _duration(9000), _duration(900000)
    ('2 minutes', '2.5 hours', '10.4 days')
    """
    if seconds < 3600:
        return f"{max(2, math.ceil(seconds / 60))} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 2 * 86400 else f"{seconds / 86400:.1f} days"
