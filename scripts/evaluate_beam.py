r"""Measures as evaluate.py does, as an Apache Beam pipeline: pip install 'vggish-inversion[beam]'.

  python scripts/evaluate_beam.py --target=small_encoder/speech_commands --layers=all \\
      --data_dir=LJSpeech-1.1 --split=test --output_dir=results \\
      --runner=FlinkRunner --beam_options=--flink_master=host:8081,--parallelism=16

Corpus, inverters and results must lie where every worker finds them, under the same paths. A
pipeline does not go on where it was killed; evaluate.py does, and takes --shard.
"""

import pathlib

from absl import flags

import command
import evaluation_flags

_RUNNER = flags.DEFINE_string("runner", "DirectRunner", "Beam's runner.")
_BEAM_OPTIONS = flags.DEFINE_list("beam_options", [], "Beam's own flags, with commas.")
_WRITE_AUDIO = flags.DEFINE_bool("write_audio", True, "Workers write audio/ and log_mel/ as well.")


def main():
    """Finds the inverters, runs the pipeline and prints the summary."""
    from vggish_inversion.evaluation import beam

    evaluation_flags.check_output()
    source = evaluation_flags.find_source()
    rows = beam.evaluate_with_beam(
        evaluation_flags.read_utterances(),
        source,
        evaluation_flags.find_runs(source.load()),
        grid=evaluation_flags.grid(),
        output_dir=evaluation_flags.OUTPUT_DIR.value,
        settings=command.provenance(
            split=evaluation_flags.SPLIT.value, data_dir=evaluation_flags.DATA_DIR.value
        ),
        write_audio=_WRITE_AUDIO.value,
        options=[f"--runner={_RUNNER.value}", *_BEAM_OPTIONS.value],
    )
    return evaluation_flags.report(pathlib.Path(evaluation_flags.OUTPUT_DIR.value), rows)


if __name__ == "__main__":
    command.run(main)
