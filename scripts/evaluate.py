r"""Measures how many words survive at each layer: results.csv, summary.csv and audio to listen to.

  python scripts/evaluate.py --target=small_encoder/speech_commands --layers=all \
      --data_dir=LJSpeech-1.1 --split=test --output_dir=results
  python scripts/make_report.py --results_dir=results

Two reference rows are always there: "natural", the recordings themselves, and "true_log_mel", the
vocoder on the log-mel that no network has touched. Killed and started again, it goes on.
"""

import tqdm
from absl import flags

import command
from vggish_inversion import asr, corpora, evaluation, vocoders
from vggish_inversion.inverters import run
from vggish_inversion.targets import hub

_LOAD_TARGET = command.define_target_flags()
_LAYERS = flags.DEFINE_list("layers", ["all"], "Taps to invert, such as conv3,conv4, or all.")
_INVERTERS_DIR = flags.DEFINE_string(
    "inverters_dir", None, "Folder with trained inverters, at any depth; default: the shipped ones."
)
_DATA_DIR = flags.DEFINE_list("data_dir", None, "Corpus folder(s), or any of audio.", required=True)
_SPLIT = flags.DEFINE_enum("split", "test", [*corpora.SPLITS, "all"], "Part of the corpus.")
_LIMIT = flags.DEFINE_integer("limit", None, "At most so many, spread evenly.", lower_bound=1)
_VOCODER = flags.DEFINE_string(
    "vocoder", "griffin_lim", f"{', '.join(sorted(vocoders.VOCODERS))}, or a vocoder's run folder."
)
_ASR = flags.DEFINE_enum("asr", "pocketsphinx", asr.TRANSCRIBERS, "Recogniser.")
_PATCH_HOP_FRAMES = command.define_patch_hop_flag()
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The results folder.", required=True)


def main():
    """Finds the inverters, measures every utterance and prints the summary."""
    target = _LOAD_TARGET()
    layers = None if _LAYERS.value == ["all"] else _LAYERS.value
    runs = run.find_runs(_INVERTERS_DIR.value or hub.models_dir(), target, layers=layers)
    utterances = corpora.read_corpora(_DATA_DIR.value, split=_SPLIT.value)
    utterances = corpora.thin(utterances, _LIMIT.value)
    rows = evaluation.evaluate_runs(
        utterances,
        target,
        runs,
        vocoder=_VOCODER.value,
        transcriber=_ASR.value,
        patch_hop_frames=_PATCH_HOP_FRAMES.value,
        output_dir=_OUTPUT_DIR.value,
        settings=command.provenance(split=_SPLIT.value, data_dir=_DATA_DIR.value),
        progress=tqdm.tqdm,
    )
    print(evaluation.summary_text(_OUTPUT_DIR.value))
    num_done = len({row["utterance"] for row in rows if row["status"] == evaluation.OK})
    num_failed = len({row["utterance"] for row in rows if row["status"] != evaluation.OK})
    if num_failed:
        print(f"{num_failed} of {len(utterances)} utterances failed: see status in results.csv")
    return command.exit_code(num_done=num_done, num_failed=num_failed)


if __name__ == "__main__":
    command.run(main)
