r"""What Whisper invents, and what its gates take away: word error rates with and without them.

python benchmarks/gates.py --data_dirs=common_voice/en --limit=30 --asr_model=FOLDER

Each clip is heard as it was recorded, as the inverters of the store reconstruct it, and as noise of
its length: white and pink at 0.2, 0.02 and 0.002 of full scale in turn, and mains hum. Each is
decoded once, and scored with every text believed and with the gates shut. On noise all words are
invented: "written" counts words that were written per word of the clip's text.
"""

import argparse
import collections
import json
import os
import sys
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from vggish_inversion import audio, metrics
from vggish_inversion.asr import gates, whisper
from vggish_inversion.data import corpora
from vggish_inversion.files import paths
from vggish_inversion.reconstruction import store

_LEVELS = (0.2, 0.02, 0.002)  # root mean square
_HUM_HZ, _HUM_PARTIALS = 50, 7
_GATES = (("open", gates.OPEN), ("gated", gates.Gates()))


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dirs", required=True, help="corpora, with commas")
    parser.add_argument("--split", default="all", choices=[*corpora.SPLITS, "all"])
    parser.add_argument("--limit", type=int, help="at most so many clips, spread evenly")
    parser.add_argument("--asr_model", default=whisper.DEFAULT_MODEL)
    parser.add_argument("--target", default="small_encoder/speech_commands")
    parser.add_argument("--preset", help="of the inverters; default: each layer's best")
    parser.add_argument("--layer", default="all", help="a tap, or all that the store has")
    return parser.parse_args()


def noises(num_samples: int, place: int) -> Iterator[tuple[str, np.ndarray]]:
    """Names and waveforms, of a length; `place` of the clip is their seed, and turns the levels."""
    rng = np.random.default_rng(place)
    white, other = rng.standard_normal((2, num_samples))
    hertz = np.fft.rfftfreq(num_samples, 1 / audio.SAMPLE_RATE_HZ)
    pink = np.fft.irfft(np.fft.rfft(other) / np.sqrt(np.maximum(hertz, hertz[1])), num_samples)
    phases = 2 * np.pi * _HUM_HZ * np.arange(num_samples) / audio.SAMPLE_RATE_HZ
    hum = sum(np.sin(number * phases) / number for number in range(1, _HUM_PARTIALS + 1))
    for name, waveform in (("white noise", white), ("pink noise", pink), ("hum", hum)):
        scaled = waveform * _LEVELS[place % len(_LEVELS)] / np.sqrt(np.mean(np.square(waveform)))
        yield name, np.clip(scaled, -1, 1).astype(np.float32)


def renderings(utterances, reconstructor) -> Iterator[tuple[str, str, np.ndarray]]:
    """Condition, text and waveform, of each utterance in turn."""
    for place, utterance in enumerate(utterances):
        natural = audio.read_audio(utterance.path)
        yield "natural", utterance.text, natural
        for name, made in reconstructor(natural).items():
            yield name, utterance.text, made.waveform
        for name, waveform in noises(len(natural), place):
            yield name, utterance.text, waveform


def score(pairs: list[tuple[str, str]], rules: str) -> dict[str, float]:
    """Rates of texts said and heard; `heard` is words that were written per word that was said."""
    errors = [metrics.word_errors(*pair, rules) for pair in pairs]
    num_words = sum(item.num_words for item in errors)
    written = sum(len(metrics.normalize_text(heard, rules).split()) for _, heard in pairs)
    return {
        "wer": round(metrics.pooled_rate(errors), 4),
        "insertion_rate": round(sum(item.insertions for item in errors) / num_words, 4),
        "heard": round(written / num_words, 4),
        "num_gated": sum(hasattr(heard, "reason") for _, heard in pairs),
    }


def main() -> int:
    """Measures, prints a table and, as the last line, one JSON object."""
    options = parse_arguments()
    utterances = corpora.read_corpora(paths.split_paths(options.data_dirs), split=options.split)
    spoken = [item for item in utterances if metrics.normalize_text(item.text or "")]
    utterances = corpora.thin(spoken, options.limit)
    reconstructor = store.load_reconstructor(
        options.target, layer=options.layer, preset=options.preset
    )
    transcriber = whisper.WhisperTranscriber(options.asr_model, gate=gates.OPEN)
    asked = []

    def waveforms() -> Iterator[np.ndarray]:
        for name, text, waveform in renderings(utterances, reconstructor):
            asked.append((name, text))
            yield waveform

    pairs = {kind: collections.defaultdict(list) for kind, _ in _GATES}
    reasons = collections.defaultdict(collections.Counter)
    for place, heard in enumerate(transcriber.hear_all(waveforms())):
        if isinstance(heard, Exception):
            raise heard
        name, text = asked[place]
        for kind, gate in _GATES:
            transcript = gate.join(heard)
            pairs[kind][name].append((text, transcript))
            if reason := getattr(transcript, "reason", ""):
                reasons[name][reason.partition(":")[0]] += 1
    result: dict = {"num_clips": len(utterances), "conditions": {}}
    print(
        f"{'heard':<16} {'WER %':>6} {'gated':>6} {'inserted':>8} {'gated':>6} "
        f"{'written':>7} {'gated':>6}  gates"
    )
    for name in pairs["open"]:
        row = {kind: score(pairs[kind][name], transcriber.rules) for kind, _ in _GATES}
        result["conditions"][name] = row | {"reasons": dict(reasons[name])}
        before, after = row.values()
        shown = ", ".join(f"{reason} {number}" for reason, number in reasons[name].most_common())
        print(
            f"{name:<16} {100 * before['wer']:6.1f} {100 * after['wer']:6.1f} "
            f"{before['insertion_rate']:8.3f} {after['insertion_rate']:6.3f} "
            f"{before['heard']:7.3f} {after['heard']:6.3f}  {shown}"
        )
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
