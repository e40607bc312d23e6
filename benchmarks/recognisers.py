r"""Recognisers beside each other on the same clips: speed, word error rate, and what they invent.

python benchmarks/recognisers.py --data_dirs=LJSpeech-1.1 --split=test \
    --asr=pocketsphinx,whisper --asr_model=whisper=FOLDER

Each turn gives all clips to every recogniser in turn, so that whatever else the machine does slows
all of them. They are loaded, and their processes started, before the first. Transcripts must be the
same in every turn. pocketsphinx:1 keeps PocketSphinx to one process.
"""

import argparse
import functools
import json
import pathlib
import statistics
import sys
import time

from vggish_inversion import audio, evaluation, metrics
from vggish_inversion.asr import pocketsphinx
from vggish_inversion.data import corpora
from vggish_inversion.files import paths

_DEMO_SPEECH = pathlib.Path(__file__).resolve().parents[1] / "scripts" / "demo_speech"


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dirs", default=str(_DEMO_SPEECH), help="corpora, with commas")
    parser.add_argument("--split", default="all", choices=[*corpora.SPLITS, "all"])
    parser.add_argument("--limit", type=int, help="at most so many clips, spread evenly")
    parser.add_argument("--asr", default="pocketsphinx:1,pocketsphinx", help="with commas")
    parser.add_argument("--asr_model", help="as evaluate.py takes it")
    parser.add_argument("--num_turns", type=int, default=3)
    return parser.parse_args()


def load_recognisers(names: list[str], model: str | None) -> dict:
    """What transcribes an iterable of waveforms, and the rules of its texts, by name."""
    loaded = {}
    for name in names:
        base, _, number = name.partition(":")
        grid = evaluation.Grid(transcribers=(base,), asr_model=model)
        (transcriber,) = grid.load_transcribers().values()
        options = {}
        if number:
            if not isinstance(transcriber, pocketsphinx.PocketSphinxTranscriber):
                raise ValueError(f"{name}: PocketSphinx alone takes a number of processes")
            options = {"num_processes": int(number)}
        loaded[name] = (transcriber, options)
    return loaded


def cpu_seconds() -> float | None:
    """Of this process and of its children; None where the system has no /proc."""
    total, clock = time.process_time(), 100.0  # USER_HZ, which /proc counts in
    children = list(pathlib.Path("/proc/self/task").glob("*/children"))
    for listed in children:
        for child in listed.read_text().split():
            fields = pathlib.Path("/proc", child, "stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / clock
    return total if children else None


def measure(transcribe, waveforms: list) -> tuple[float, float | None, list]:
    """Seconds, CPU seconds, and transcripts."""
    before, started = cpu_seconds(), time.perf_counter()
    heard = list(transcribe(waveforms))
    seconds, after = time.perf_counter() - started, cpu_seconds()
    failures = [item for item in heard if isinstance(item, Exception)]
    if failures:
        raise failures[0]
    return seconds, None if before is None or after is None else after - before, heard


def score(texts: list[str], heard: list[str], rules: str) -> dict:
    """What was heard against what was said."""
    errors = [metrics.word_errors(*pair, rules) for pair in zip(texts, heard, strict=True)]
    low, high = metrics.bootstrap_interval(errors)
    num_words = sum(item.num_words for item in errors)
    return {
        "wer": round(metrics.pooled_rate(errors), 4),
        "wer_low": round(low, 4),
        "wer_high": round(high, 4),
        "insertion_rate": round(sum(item.insertions for item in errors) / num_words, 4),
        "num_gated": sum(hasattr(item, "reason") for item in heard),
    }


def main() -> int:
    """Measures, prints a table and, as the last line, one JSON object."""
    options = parse_arguments()
    utterances = corpora.read_corpora(paths.split_paths(options.data_dirs), split=options.split)
    utterances = [
        item
        for item in corpora.thin(utterances, options.limit)
        if metrics.normalize_text(item.text or "")
    ]
    waveforms = [audio.read_audio(item.path) for item in utterances]
    audio_seconds = sum(map(len, waveforms)) / audio.SAMPLE_RATE_HZ
    loaded = load_recognisers(options.asr.split(","), options.asr_model)
    turns: dict[str, list[tuple]] = {name: [] for name in loaded}
    for turn in range(options.num_turns + 1):  # the first one warms up
        for name, (transcriber, settings) in loaded.items():
            some = waveforms if turn else waveforms[:4]
            made = measure(functools.partial(transcriber.transcribe_all, **settings), some)
            if turn:
                turns[name].append(made)
    first = next(iter(loaded))
    result: dict = {
        "num_clips": len(waveforms),
        "audio_seconds": round(audio_seconds, 1),
        "recognisers": {},
    }
    print(
        f"{'recogniser':<16} {'x real time':>11} {'CPU s/s':>8} {'beside first':>12} "
        f"{'WER %':>6} {'(95 %)':>14} {'invented %':>10} {'gated':>5}"
    )
    for name, (transcriber, _) in loaded.items():
        seconds, cpu, transcripts = zip(*turns[name], strict=True)
        if any(heard != transcripts[0] for heard in transcripts):
            print(f"error: {name} gave other transcripts in another turn", file=sys.stderr)
            return 1
        beside = [a[0] / b for a, b in zip(turns[first], seconds, strict=True)]
        row = {
            "times_realtime": round(audio_seconds / statistics.median(seconds), 2),
            "cpu_seconds_per_second": cpu[0] and round(statistics.median(cpu) / audio_seconds, 4),
            "speedup": round(statistics.median(beside), 2),
            **score([item.text or "" for item in utterances], transcripts[0], transcriber.rules),
        }
        result["recognisers"][name] = row
        interval = f"{100 * row['wer_low']:.1f} to {100 * row['wer_high']:.1f}"
        print(
            f"{name:<16} {row['times_realtime']:11.2f} {row['cpu_seconds_per_second'] or '-':>8} "
            f"{row['speedup']:12.2f} {100 * row['wer']:6.1f} {interval:>14} "
            f"{100 * row['insertion_rate']:10.1f} {row['num_gated']:5d}"
        )
    result["speedup"] = result["recognisers"][name]["speedup"]  # the last beside the first
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
