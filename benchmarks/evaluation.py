"""What an evaluation costs beside its vocoder and its recogniser: its overhead.

python benchmarks/evaluation.py --data_dirs=LJSpeech-1.1 --split=test

Each turn evaluates the taps that have an inverter, from the loading of the models to the
summary, as scripts/evaluate.py does; then vocoder and recogniser alone, loaded anew, go over the
log-mel and the recordings of that evaluation. The overhead is the part of an evaluation's
wall-clock time that it takes longer than the two alone: reading, inverting, scoring, writing and
comparing, as far as they do not run beside the recogniser.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from vggish_inversion import asr, audio, evaluation, vocoders
from vggish_inversion.data import corpora
from vggish_inversion.files import hub, paths
from vggish_inversion.inverters import search

_DEMO_SPEECH = pathlib.Path(__file__).resolve().parents[1] / "scripts" / "demo_speech"


def vocode_and_recognise(utterances, target, folder: pathlib.Path) -> list[str | Exception]:
    """What a vocoder and a recogniser alone make of an evaluation's log-mel."""
    params = target.log_mel
    vocoder = vocoders.load_vocoder("griffin_lim", params)
    before = (params.window_samples - params.hop_samples) // 2

    def waveforms() -> Iterator[np.ndarray]:
        for utterance in utterances:
            natural = audio.read_audio(utterance.path)
            yield natural
            paths = sorted((folder / "log_mel").rglob(f"{utterance.id}.npy"))
            made = vocoder(np.stack([np.load(path) for path in paths]).astype(np.float32))
            after = len(natural) - before - made.shape[1]
            yield from np.pad(made, [(0, 0), (before, after)])

    return list(asr.load_transcriber("pocketsphinx").transcribe_all(waveforms()))


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", default="small_encoder/speech_commands")
    parser.add_argument("--layers", help="taps, with commas; all if not given")
    parser.add_argument("--inverters_dir", help="a folder of runs; default: the model store")
    parser.add_argument("--data_dirs", default=str(_DEMO_SPEECH), help="corpora, with commas")
    parser.add_argument("--split", default="all", choices=[*corpora.SPLITS, "all"])
    parser.add_argument("--limit", type=int, help="at most so many clips, spread evenly")
    parser.add_argument("--num_turns", type=int, default=3)
    return parser.parse_args()


def main() -> int:
    """Measures, prints a line for each turn and, as the last one, one JSON object."""
    options = parse_arguments()
    utterances = corpora.read_corpora(paths.split_paths(options.data_dirs), split=options.split)
    utterances = corpora.thin(utterances, options.limit)
    layers = options.layers.split(",") if options.layers else None
    target, runs = search.open_runs(
        options.inverters_dir or hub.models_dir(), options.target, layers=layers
    )
    seconds: dict[str, list[float]] = {"evaluation": [], "alone": []}
    for _ in range(options.num_turns):
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary, "results")
            started = time.perf_counter()
            rows = evaluation.evaluate_runs(
                utterances, target, runs, output_dir=folder, settings={}
            )
            seconds["evaluation"].append(time.perf_counter() - started)
            started = time.perf_counter()
            heard = vocode_and_recognise(utterances, target, folder)
            seconds["alone"].append(time.perf_counter() - started)
        if len(heard) != len(rows):
            print(f"error: {len(heard)} were recognised of {len(rows)}", file=sys.stderr)
            return 1
        print(" ".join(f"{name} {taken[-1]:.1f} s" for name, taken in seconds.items()), flush=True)
    turns = zip(*seconds.values(), strict=True)
    result = {
        "num_clips": len(utterances),
        "num_renderings": len(rows),
        "evaluation_seconds": round(statistics.median(seconds["evaluation"]), 1),
        "alone_seconds": round(statistics.median(seconds["alone"]), 1),
        "overhead": round(statistics.median(1 - alone / whole for whole, alone in turns), 3),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
