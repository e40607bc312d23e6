"""How well a speaker encoder verifies natural recordings: the floor of what survives of a speaker.

python benchmarks/speaker_verification.py --data_dirs=LibriSpeech --split=all \
    --speaker_encoder=ge2e=pretrained.pt

Every recording is compared with every speaker, enrolled by all other recordings, as
evaluate.py --metrics=speaker_verification does with reconstructions. The second row is a planted
control: a recording of the next speaker in place of each. It tells nothing of its speaker, or less.
"""

import argparse
import collections
import dataclasses
import json
import sys
import time

import numpy as np

from vggish_inversion import audio, metrics
from vggish_inversion.data import corpora
from vggish_inversion.files import paths
from vggish_inversion.metrics import speakers


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dirs", required=True, help="corpora with speakers, with commas")
    parser.add_argument("--split", default="all", choices=[*corpora.SPLITS, "all"])
    parser.add_argument("--limit", type=int, help="at most so many recordings, spread evenly")
    parser.add_argument("--speaker_encoder", help="ge2e=PATH, or a Keras model; default: our own")
    return parser.parse_args()


def plant(embeddings: dict[str, np.ndarray], speaker_of: dict[str, str]) -> dict[str, np.ndarray]:
    """Each recording's embedding replaced by one of the next speaker, in order of names.

    >>> plant({"a1": np.zeros(1), "b1": np.ones(1)}, {"a1": "a", "b1": "b"})
    {'a1': array([1.]), 'b1': array([0.])}
    """
    by_speaker = collections.defaultdict(list)
    for utterance in embeddings:
        by_speaker[speaker_of[utterance]].append(utterance)
    names = sorted(by_speaker)
    planted = {}
    for name, following in zip(names, [*names[1:], *names[:1]], strict=True):
        for place, utterance in enumerate(by_speaker[name]):
            others = by_speaker[following]
            planted[utterance] = embeddings[others[place % len(others)]]
    return {utterance: planted[utterance] for utterance in embeddings}


def main() -> int:
    """Measures, prints a table and, as the last line, one JSON object."""
    options = parse_arguments()
    found = corpora.read_corpora(paths.split_paths(options.data_dirs), split=options.split)
    utterances = [item for item in corpora.thin(found, options.limit) if item.speaker is not None]
    speaker_of = {item.id: item.speaker or "" for item in utterances}
    embed = speakers.load_speaker_encoder(options.speaker_encoder)
    started, num_samples, embeddings = time.perf_counter(), 0, {}
    for item in utterances:
        waveform = audio.read_audio(item.path)
        embeddings[item.id] = embed(waveform)
        num_samples += len(waveform)
    seconds = time.perf_counter() - started
    trials = {"natural": embeddings, "planted": plant(embeddings, speaker_of)}
    verified = {
        name: metrics.verify_speakers(item, embeddings, speaker_of) for name, item in trials.items()
    }
    print(f"{'trials':<8} speakers  target    other  EER %         (95 %) D_sys")
    for name, item in verified.items():
        interval = f"{100 * item.eer_low:.1f} to {100 * item.eer_high:.1f}"
        counts = f"{item.num_speakers:8d} {item.num_target_trials:7d} {item.num_other_trials:8d}"
        figures = f"{100 * item.eer:6.2f} {interval:>14} {item.linkability:.3f}"
        print(f"{name:<8} {counts} {figures}")
    result = {
        "encoder": embed.fingerprint,
        "num_recordings": len(embeddings),
        "times_real_time": round(num_samples / audio.SAMPLE_RATE_HZ / seconds, 1),
        **{
            f"{name}_{field}": round(value, 4)
            for name, item in verified.items()
            for field, value in dataclasses.asdict(item).items()
            if np.isfinite(value)
        },
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
