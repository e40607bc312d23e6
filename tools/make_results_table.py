r"""Prints the tables of docs/results.md: one per target and corpus, from results folders.

  python tools/make_results_table.py --results_dirs=results/lj050,results/yamnet
  python tools/make_results_table.py --results_dirs=results/lj050 --measures=stoi,log_mel_l1

A row per tap, a column per recogniser and inverter; each figure with its 95 % interval over the n
utterances. The two reference rows are the recording itself and the vocoder on
the untouched log-mel.

What more training brings, of folders whose inverters saw more or fewer patches, as a table and
as a picture:

  python tools/make_results_table.py --results_dirs=results/short,results/long \
      --patches_of=layer_1,layer_3 --figure=docs/patches.svg
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

import command
import path_flags
from vggish_inversion import results

_RESULTS_DIRS = path_flags.define_paths_flag(
    "results_dirs", None, "Of scripts/evaluate.py.", required=True
)
_MEASURES = flags.DEFINE_list("measures", ["wer"], "Columns of summary.csv.")
_PATCHES_OF = flags.DEFINE_list("patches_of", None, "Taps, by the patches their inverters saw.")
_FIGURE = flags.DEFINE_string("figure", None, "Receives WER against patches, as .svg or .png.")


def main():
    """Prints the tables; draws the figure if one is asked for."""
    from vggish_inversion import report

    folders = [results.read_results(folder) for folder in _RESULTS_DIRS.value]
    if _FIGURE.value and not _PATCHES_OF.value:
        raise ValueError("--figure draws WER against patches; name the taps: --patches_of=layer_1")
    if _PATCHES_OF.value:
        print(report.patches_table(folders, _PATCHES_OF.value))
    else:
        print(report.results_table(folders, _MEASURES.value))
    if _FIGURE.value:
        print(report.draw_patches(folders, _PATCHES_OF.value, _FIGURE.value))


if __name__ == "__main__":
    command.run(main)
