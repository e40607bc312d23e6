r"""Measures how many words survive at each layer: results.csv, summary.csv and audio to listen to.

  python scripts/evaluate.py --target=small_encoder/speech_commands --layers=all \
      --data_dir=LJSpeech-1.1 --split=test --output_dir=results
  python scripts/make_report.py --results_dir=results

--vocoder, --asr and --metrics take several, with commas. An array job gives each task its --shard,
and joins them: python scripts/merge_results.py --results_dirs=results --output_dir=whole

Two reference rows are always there: "natural", the recordings themselves, and "true_log_mel", the
vocoder on the log-mel that no network has touched. Killed and started again, it goes on.
comparisons.csv says which differences of WER are more than chance.
"""

import pathlib

from absl import flags

import command
import evaluation_flags

_SHARD = flags.DEFINE_string("shard", None, "Measure a part: 3/16 into OUTPUT_DIR/shard-03-of-16.")


def main():
    """Finds the inverters, measures every utterance and prints the summary."""
    import tqdm

    from vggish_inversion import evaluation

    evaluation_flags.check_output()
    target = evaluation_flags.find_source().load()
    shard = evaluation.Shard.parse(_SHARD.value) if _SHARD.value else None
    output_dir = pathlib.Path(evaluation_flags.OUTPUT_DIR.value, shard.folder if shard else "")
    rows = evaluation.evaluate_runs(
        evaluation_flags.read_utterances(),
        target,
        evaluation_flags.find_runs(target),
        grid=evaluation_flags.grid(),
        shard=shard,
        output_dir=output_dir,
        settings=command.provenance(
            split=evaluation_flags.SPLIT.value, data_dir=evaluation_flags.DATA_DIR.value
        ),
        progress=tqdm.tqdm,
    )
    return evaluation_flags.report(output_dir, rows)


if __name__ == "__main__":
    command.run(main)
