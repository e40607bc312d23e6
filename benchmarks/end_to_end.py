"""Waveform to reconstructed waveform, beside the published recipe: speed and log-mel L1.

python benchmarks/end_to_end.py --data_dir=LJSpeech-1.1 --split=test --limit=10

Ours is a call of `Reconstructor`, one utterance at a time. The published recipe (Comanducci et al.,
IEEE SPL 2021, and its code) is librosa's front end, `predict` of the target up to the tap and then
of the inverter, once per file, and librosa's mel_to_audio. Both run the same networks on the same
patches, and as many iterations of Griffin-Lim. What mel_to_audio does is done as in vocoders.py, by
its two steps with VGGish's own filters, and the front end has these filters too: librosa's own only
come near, so the recipe is the better for it.

Each clip is done by both in turn, so that whatever else the machine does slows both; the first two
clips are done before the clock runs, for graphs to be traced. A tap's speedup is the median over
the turns of the ratio of the two rates, which are seconds of speech per second; `speedup` is that
of the worst tap. Log-mel L1 (nats) compares what is heard with the recording, on the frames that
both cover; `l1_ratio` is the geometric mean over the taps of ours by the published. The vocoder's
L1 compares what is heard with what the vocoder was given: where that is far from the recording, a
vocoder that is true to it need not come nearer to the recording. To measure on two cores of a
larger machine, begin the command with `taskset --cpu-list 0,1`.

Taps are those with an inverter of the published decoder ("paper") below --inverters_dir, or in the
model store.
Weights that are "untrained" (of VGGish, say, where the published ones are not at hand) have none:
such taps get an inverter that has not learned anything. It is as fast as one that has, but what it
makes is no speech, so these rows have no log-mel L1 and do not count in `speedup`.
"""

import argparse
import collections
import json
import os
import pathlib
import statistics
import time
from collections.abc import Callable, Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import librosa
import numpy as np
import vocoders as vocoder_benchmark

from vggish_inversion import audio, features, metrics, reconstruction
from vggish_inversion.data import corpora
from vggish_inversion.files import hub
from vggish_inversion.inverters import network, search
from vggish_inversion.targets import encoder, loading
from vggish_inversion.vocoders import griffin_lim

_DEMO_SPEECH = pathlib.Path(__file__).resolve().parents[1] / "scripts" / "demo_speech"
_TARGETS = "small_encoder/speech_commands"
_NUM_WARM_UPS = 2  # of different lengths, for Keras traces a graph anew for a second one


def librosa_log_mel(params: features.LogMelParams) -> Callable:
    """`[samples]` -> `[frames, bands]` nats, by librosa's STFT."""
    filters = features.mel_matrix(params).T
    # librosa puts the window into the middle of the FFT's frame.
    margin = (params.fft_length - params.window_samples) // 2

    def to_log_mel(waveform: np.ndarray) -> np.ndarray:
        spectrum = librosa.stft(
            np.pad(waveform, margin),
            n_fft=params.fft_length,
            hop_length=params.hop_samples,
            win_length=params.window_samples,
            center=False,
        )
        return np.log(filters @ np.abs(spectrum) + params.log_offset).T

    return to_log_mel


def published_recipe(target, layer: str, inverter, *, num_iterations: int) -> Callable:
    """`[samples]` -> waveform' `[samples]` and log-mel', as the published code does it."""
    params, to_tap = target.log_mel, target.up_to(layer)
    to_log_mel = librosa_log_mel(params)
    vocode = vocoder_benchmark.librosa_vocoder(params, num_iterations)

    def reconstruct(waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_mel = to_log_mel(waveform)
        starts = np.asarray(
            features.covering_patch_starts(len(log_mel), params, hop_frames=params.patch_frames)
        )
        patches = np.stack([log_mel[start : start + params.patch_frames] for start in starts])
        inverted = inverter.predict(to_tap.predict(patches, verbose=0), verbose=0)
        inverted = features.unscale_log_mel(inverted)
        # The last patch overlaps the one before; what is new of it is appended.
        new = len(log_mel) - params.patch_frames * (len(starts) - 1)
        joined = np.concatenate([*inverted[:-1], inverted[-1, -new:]])
        made = vocode(joined)
        before = params.window_samples // 2
        return np.pad(made, (before, len(waveform) - before - len(made))), joined

    return reconstruct


def our_road(target, layer: str, inverter, *, num_iterations: int) -> Callable:
    """`[samples]` -> waveform' `[samples]` and log-mel', as the package does it."""
    vocoder = griffin_lim.GriffinLim(target.log_mel, num_iterations=num_iterations)
    reconstructor = reconstruction.Reconstructor(target, {layer: (layer, inverter)}, vocoder)

    def reconstruct(waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        made = reconstructor(waveform, names=[layer])[layer]
        return made.waveform, made.log_mel

    return reconstruct


_ROADS = {"ours": our_road, "published": published_recipe}


def load_inverters(target, folder: str | None, layers: list[str] | None) -> dict:
    """Tap -> (published decoder, whether it was trained); of untrained weights, on any tap."""
    if target.weights == encoder.UNTRAINED:
        taps = [target.tap(layer) for layer in layers] if layers else target.taps
        build = network.build_inverter
        return {tap.name: (build(tap.shape, params=target.log_mel), False) for tap in taps}
    runs = search.find_runs(folder or hub.models_dir(), target, layers=layers)
    # What sees a tap on several patches has no place in the published recipe.
    runs = search.best_runs(runs, preset="paper")
    return {layer: (trained.load_model(), True) for layer, trained in runs.items()}


def measure_l1(log_mel: np.ndarray, waveform: np.ndarray, params: features.LogMelParams) -> float:
    """Log-mel L1 (nats) without the two frames at either end, which librosa covers in part."""
    heard = np.asarray(features.waveform_to_log_mel(waveform, params))
    return metrics.log_mel_l1(log_mel[2:-2], heard[2:-2])


def measure(roads: dict[str, Callable], clips, params, *, num_turns: int) -> dict:
    """Rates (seconds of speech per second) and log-mel L1 of several roads, in turn."""
    for clip in clips[:_NUM_WARM_UPS]:
        for reconstruct in roads.values():
            reconstruct(clip)
    seconds = {name: [0.0] * num_turns for name in roads}
    distances = collections.defaultdict(list)
    for turn in range(num_turns):
        for clip in clips:
            natural = np.asarray(features.waveform_to_log_mel(clip, params))
            for name, reconstruct in roads.items():
                started = time.perf_counter()
                waveform, given = reconstruct(clip)
                seconds[name][turn] += time.perf_counter() - started
                if not turn:
                    distances[f"{name}_log_mel_l1"].append(measure_l1(natural, waveform, params))
                    distances[f"{name}_vocoder_l1"].append(measure_l1(given, waveform, params))
    speech = sum(map(len, clips)) / params.sample_rate_hz
    rates = {f"{name}_times_realtime": speech / statistics.median(seconds[name]) for name in roads}
    ratios = [theirs / own for own, theirs in zip(*seconds.values(), strict=True)]
    means = {name: statistics.fmean(values) for name, values in distances.items()}
    return {**rates, **means, "speedup": statistics.median(ratios)}


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--targets", default=_TARGETS, help="with commas; default: %(default)s")
    parser.add_argument(
        "--target_weights", help="of the targets, with commas: a path or 'untrained', '' is default"
    )
    parser.add_argument(
        "--layers", help="taps, with commas; all that have an inverter if not given"
    )
    parser.add_argument("--inverters_dir", help="a folder of runs; default: the model store")
    parser.add_argument("--data_dir", default=str(_DEMO_SPEECH), help="a corpus; default: bundled")
    parser.add_argument("--split", default="all", choices=[*corpora.SPLITS, "all"])
    parser.add_argument("--limit", type=int, help="at most so many clips, spread evenly")
    parser.add_argument("--num_iterations", type=int, default=60, help="of Griffin-Lim, of both")
    parser.add_argument("--num_turns", type=int, default=3)
    return parser.parse_args()


def main():
    """Measures, prints a table and, as the last line, one JSON object."""
    options = parse_arguments()
    utterances = corpora.read_corpora([options.data_dir], split=options.split)
    clips = [audio.read_audio(item.path) for item in corpora.thin(utterances, options.limit)]
    names = options.targets.split(",")
    weights = (options.target_weights or "," * (len(names) - 1)).split(",")
    layers = options.layers.split(",") if options.layers else None
    rows = []
    print(f"{'':46} {'x real time':^15} {'log-mel L1':^15} {'L1 of vocoder':^15}")
    print(f"{'target':30} {'tap':15} " + f"{'ours':>7} {'publ.':>7} " * 3 + f"{'speedup':>7}")
    for name, source in zip(names, weights, strict=True):
        target = loading.load_target(name, weights=source or None)
        inverters = load_inverters(target, options.inverters_dir, layers)
        for layer, (inverter, is_trained) in inverters.items():
            roads = {
                road: make(target, layer, inverter, num_iterations=options.num_iterations)
                for road, make in _ROADS.items()
            }
            row = measure(roads, clips, target.log_mel, num_turns=options.num_turns)
            row = {key: round(value, 4) for key, value in row.items()}
            if not is_trained:
                row |= dict.fromkeys(key for key in row if key.endswith("_l1"))
            rows.append({"target": name, "tap": layer, **row})
            print(format_row(rows[-1]), flush=True)
    trained = [row for row in rows if row["ours_log_mel_l1"] is not None]
    result = {
        "num_clips": len(clips),
        "num_cores": len(os.sched_getaffinity(0)),
        "num_iterations": options.num_iterations,
        "taps": rows,
        "speedup": min((row["speedup"] for row in trained), default=None),
        "speedup_geometric_mean": geometric_mean(row["speedup"] for row in trained),
        "l1_ratio": geometric_mean(
            row["ours_log_mel_l1"] / row["published_log_mel_l1"] for row in trained
        ),
    }
    print(json.dumps(result))


def geometric_mean(values: Iterable[float]) -> float | None:
    """To four places; None of nothing."""
    values = list(values)
    return round(statistics.geometric_mean(values), 4) if values else None


def format_row(row: dict) -> str:
    """A line of the table."""
    rates = " ".join(f"{row[f'{road}_times_realtime']:7.1f}" for road in _ROADS)
    distances = " ".join(
        f"{'' if (value := row[f'{road}_{kind}_l1']) is None else format(value, '.3f'):>7}"
        for kind in ("log_mel", "vocoder")
        for road in _ROADS
    )
    return f"{row['target']:30} {row['tap']:15} {rates} {distances} {row['speedup']:7.2f}"


if __name__ == "__main__":
    main()
