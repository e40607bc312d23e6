r"""Joins the results of evaluate.py --shard=1/16 .. 16/16, as if they had been measured in one go.

  python scripts/merge_results.py --results_dirs=results --output_dir=whole

Shards of different settings are refused, as are missing, repeated and unfinished ones.
"""

from absl import flags

import command
import path_flags

_RESULTS_DIRS = path_flags.define_paths_flag(
    "results_dirs", None, "Folders of shards, or folders that hold such.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The joint results folder.", required=True)


def main():
    """Merges and prints the summary; exit codes are as for evaluate.py."""
    from vggish_inversion import evaluation, results

    rows = evaluation.merge_results(_RESULTS_DIRS.value, _OUTPUT_DIR.value)
    print(evaluation.summary_text(_OUTPUT_DIR.value))
    return command.exit_code(**results.count_utterances(rows))


if __name__ == "__main__":
    command.run(main)
