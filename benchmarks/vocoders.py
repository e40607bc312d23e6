"""Vocoders side by side on the true log-mel of the same clips: speed, STOI, PESQ and log-mel L1.

python benchmarks/vocoders.py --data_dirs=LJSpeech-1.1 --split=test --num_iterations=32

Griffin-Lim stands beside librosa's. librosa.feature.inverse.mel_to_audio is two steps, non-negative
least squares from mel to linear magnitude and fast Griffin-Lim; both are called as it calls them,
in float32, but with VGGish's own filters, which librosa's (straight on the axis of Hz) only come
near: its result is the better for it. Both get the same iterations and momentum. "neural" is the
shipped neural vocoder, or the one that --neural names. One clip at a time, in turn, so that
whatever else the machine does slows all. Each output is compared with the part of the recording
that it covers. Wide-band PESQ (ITU-T P.862.2) is measured where the package `pesq` is installed.

--wer_of=true_log_mel,layer_3 has PocketSphinx count the words that each vocoder leaves, of the true
log-mel and of what the published decoder ("paper") reconstructs from taps of --target.
"""

import argparse
import importlib.util
import json
import math
import os
import pathlib
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import librosa
import numpy as np

from vggish_inversion import asr, audio, features, metrics
from vggish_inversion.data import corpora
from vggish_inversion.files import hub, paths
from vggish_inversion.reconstruction import store
from vggish_inversion.vocoders import griffin_lim, load_vocoder
from vggish_inversion.vocoders import neural as neural_vocoder

_DEMO_SPEECH = pathlib.Path(__file__).resolve().parents[1] / "scripts" / "demo_speech"
_MOMENTUM = 0.99
_HAS_PESQ = importlib.util.find_spec("pesq") is not None


def librosa_vocoder(params: features.LogMelParams, num_iterations: int) -> Callable:
    """`[frames, bands]` nats -> `[(frames - 1) * hop]`, beginning at the middle of a window."""
    filters = features.mel_matrix(params).T

    def vocode(log_mel: np.ndarray) -> np.ndarray:
        mel = (np.exp(log_mel.T) - params.log_offset).clip(0).astype(np.float32)
        return librosa.griffinlim(
            librosa.util.nnls(filters, mel),
            n_iter=num_iterations,
            hop_length=params.hop_samples,
            win_length=params.window_samples,
            n_fft=params.fft_length,
            momentum=_MOMENTUM,
            random_state=0,
        )

    return vocode


def wide_band_pesq(natural: np.ndarray, waveform: np.ndarray) -> float:
    """Wide-band PESQ at 16 kHz: about 1 to 4.64; NaN where no speech is found, or no package."""
    return metrics.pesq(natural, waveform) if _HAS_PESQ else float("nan")


def measure(vocode: Callable, first_sample: int, natural: np.ndarray, log_mel: np.ndarray) -> dict:
    """Seconds, STOI, PESQ and log-mel L1 (nats, on the frames that were given) of one clip."""
    started = time.perf_counter()
    waveform = np.asarray(vocode(log_mel))
    seconds = time.perf_counter() - started
    params = features.LogMelParams()
    to_next_frame = -first_sample % params.hop_samples
    waveform, first_sample = waveform[to_next_frame:], first_sample + to_next_frame
    covered = natural[first_sample : first_sample + len(waveform)]
    return {
        "seconds": seconds,
        "stoi": metrics.stoi(covered, waveform),
        "pesq": wide_band_pesq(covered, waveform),
        "log_mel_l1": metrics.log_mel_l1(
            *(
                np.asarray(features.waveform_to_log_mel(item, params))
                for item in (covered, waveform)
            )
        ),
    }


def word_error_rates(inputs, vocoders, clips, target: str) -> dict[str, dict[str, dict]]:
    """WER with its 95 % interval, by vocoder and input.

    Args:
        inputs: "true_log_mel", or taps of `target` that have shipped inverters.
        vocoders: by name, with the sample that each begins at.
        clips: pairs of utterance and log-mel.
        target: the network.
    """
    transcriber = asr.load_transcriber("pocketsphinx")
    spoken = [(item, log_mel) for item, log_mel in clips if item.text]
    rates = {name: {} for name in vocoders}
    for source in inputs:
        heard_of = [log_mel for _, log_mel in spoken]
        if source != "true_log_mel":
            reconstructor = store.load_reconstructor(target, layer=source, preset="paper")
            heard_of = [reconstructor.invert(log_mel)[source] for log_mel in heard_of]
        for name, (vocode, start) in vocoders.items():
            # In step with the recording, as an evaluation has them.
            waveforms = (
                np.pad(np.asarray(vocode(log_mel), np.float32), (start, 0)) for log_mel in heard_of
            )
            errors = [
                metrics.word_errors(item.text, transcript)
                for (item, _), transcript in zip(
                    spoken, transcriber.transcribe_all(waveforms), strict=True
                )
            ]
            low, high = metrics.bootstrap_interval(errors)
            rates[name][source] = {
                "wer": round(metrics.pooled_rate(errors), 4),
                "wer_low": round(low, 4),
                "wer_high": round(high, 4),
                "num_clips": len(errors),
            }
    return rates


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dirs", default=str(_DEMO_SPEECH), help="corpora, with commas")
    parser.add_argument("--split", default="all", choices=[*corpora.SPLITS, "all"])
    parser.add_argument("--limit", type=int, help="at most so many clips, spread evenly")
    parser.add_argument("--num_iterations", type=int, default=32)
    parser.add_argument("--neural", default="vocos", help="its name, or the folder of a run")
    parser.add_argument("--wer_of", help="true_log_mel and taps of --target, with commas")
    parser.add_argument("--target", default="small_encoder/speech_commands")
    return parser.parse_args()


def main():
    """Measures, prints a table and, as the last line, one JSON object."""
    options = parse_arguments()
    params = features.LogMelParams()
    ours = griffin_lim.GriffinLim(params, num_iterations=options.num_iterations, momentum=_MOMENTUM)
    folder = neural_vocoder.find_folder(options.neural)
    neural = load_vocoder(str(folder), params)
    first_sample = (params.window_samples - params.hop_samples) // 2
    vocoders = {
        "neural": (lambda log_mel: neural(log_mel[np.newaxis])[0], first_sample),
        "griffin_lim": (lambda log_mel: ours(log_mel[np.newaxis])[0], first_sample),
        "librosa": (
            librosa_vocoder(params, options.num_iterations),
            params.window_samples // 2,
        ),
    }
    utterances = corpora.read_corpora(paths.split_paths(options.data_dirs), split=options.split)
    rows = {name: [] for name in vocoders}
    speech_seconds, clips = [], []
    for number, utterance in enumerate(corpora.thin(utterances, options.limit)):
        natural = audio.read_audio(utterance.path)
        log_mel = np.asarray(features.waveform_to_log_mel(natural, params))
        speech_seconds.append(len(natural) / params.sample_rate_hz)
        clips.append((utterance, log_mel))
        for name, (vocode, start) in vocoders.items():
            if not number:
                vocode(log_mel)  # compiles
            rows[name].append(measure(vocode, start, natural, log_mel))
    folders = " and ".join(pathlib.Path(item).name for item in paths.split_paths(options.data_dirs))
    result = {
        "num_clips": len(speech_seconds),
        "data": f"{folders}, {options.split}",
        "num_iterations": options.num_iterations,
        "neural_sha256": hub.sha256(folder / neural_vocoder.MODEL_FILE),
    }
    print(f"{'vocoder':12} {'x real time':>11} {'STOI':>6} {'PESQ':>6} {'log-mel L1':>10}")
    for name, measured in rows.items():
        speed = statistics.median(
            length / row["seconds"] for length, row in zip(speech_seconds, measured, strict=True)
        )
        stoi, l1 = (
            statistics.fmean(row[key] for row in measured) for key in ("stoi", "log_mel_l1")
        )
        scores = [row["pesq"] for row in measured if np.isfinite(row["pesq"])]
        pesq = statistics.fmean(scores) if scores else None
        print(f"{name:12} {speed:11.1f} {stoi:6.3f} {pesq or math.nan:6.2f} {l1:10.3f}")
        result |= {
            f"{name}_times_realtime": round(speed, 2),
            f"{name}_stoi": round(stoi, 4),
            f"{name}_pesq": pesq and round(pesq, 4),
            f"{name}_log_mel_l1": round(l1, 4),
        }
    result["griffin_lim_speedup"] = round(
        statistics.median(
            theirs["seconds"] / own["seconds"]
            for theirs, own in zip(rows["librosa"], rows["griffin_lim"], strict=True)
        ),
        2,
    )
    if options.wer_of:
        rates = word_error_rates(paths.split_paths(options.wer_of), vocoders, clips, options.target)
        for name, by_input in rates.items():
            for source, row in by_input.items():
                wer, low, high = (100 * row[key] for key in ("wer", "wer_low", "wer_high"))
                counts = f"({low:.1f} to {high:.1f}, n = {row['num_clips']})"
                print(f"{name:12} WER of {source}: {wer:.1f} % {counts}")
            result[f"{name}_wer"] = by_input
    print(json.dumps(result))


if __name__ == "__main__":
    main()
