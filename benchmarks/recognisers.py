"""PocketSphinx in several processes beside one, on the same clips: the speedup.

python benchmarks/recognisers.py --num_processes=2 --num_turns=3

Each turn transcribes all clips in one process, then in several, so that whatever else the machine
does slows both; starting the processes counts. Transcripts must be the same.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

from vggish_inversion import audio
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
    parser.add_argument("--num_processes", type=int, default=2)
    parser.add_argument("--num_turns", type=int, default=3)
    return parser.parse_args()


def main() -> int:
    """Measures, prints a table and, as the last line, one JSON object."""
    options = parse_arguments()
    utterances = corpora.read_corpora(paths.split_paths(options.data_dirs), split=options.split)
    waveforms = [audio.read_audio(item.path) for item in corpora.thin(utterances, options.limit)]
    transcriber = pocketsphinx.PocketSphinxTranscriber()
    seconds: dict[int, list[float]] = {1: [], options.num_processes: []}
    transcripts = {}
    for _ in range(options.num_turns):
        for num_processes, measured in seconds.items():
            started = time.perf_counter()
            heard = transcriber.transcribe_all(waveforms, num_processes=num_processes)
            transcripts[num_processes] = list(heard)
            measured.append(time.perf_counter() - started)
    if transcripts[1] != transcripts[options.num_processes]:
        print("error: several processes gave other transcripts than one", file=sys.stderr)
        return 1
    audio_seconds = sum(map(len, waveforms)) / audio.SAMPLE_RATE_HZ
    print(f"{'processes':>9} {'seconds':>8} {'x real time':>11}")
    for num_processes, measured in seconds.items():
        median = statistics.median(measured)
        print(f"{num_processes:9d} {median:8.1f} {audio_seconds / median:11.2f}")
    turns = zip(seconds[1], seconds[options.num_processes], strict=True)
    result = {
        "num_clips": len(waveforms),
        "audio_seconds": round(audio_seconds, 1),
        "num_processes": options.num_processes,
        "speedup": round(statistics.median(one / several for one, several in turns), 2),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
