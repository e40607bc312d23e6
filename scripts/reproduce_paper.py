r"""The paper's whole experiment: every tap inverted by RecCNN and RecGAN, recognised, compared.

  python scripts/reproduce_paper.py --data_dir=LJSpeech-1.1 --output_dir=paper

Prints first what it will download, write and take (--plan_only ends there). Then it trains the
published decoder for every tap of the target, with and without a discriminator, has the test split
reconstructed with Griffin-Lim and recognised, and writes results/index.html and, with the published
scores beside the new ones, beside_published.csv. Killed and started again, it goes on. A trial, in
minutes:

  python scripts/reproduce_paper.py --target=small_encoder/speech_commands \
      --layers=layer_0,layer_1 --data_dir=scripts/demo_speech --split=all --limit=2 --epochs=1 \
      --output_dir=build/paper
"""

import pathlib

from absl import flags

import command
import path_flags
import target_flags
from vggish_inversion import asr
from vggish_inversion.data import corpora

_LOAD_TARGET = target_flags.define_target_flags()
_LAYERS = flags.DEFINE_list("layers", ["all"], "Taps, from first to last, or all.")
_DATA_DIR = path_flags.define_paths_flag(
    "data_dir", None, "LJSpeech, or other corpus folders.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Receives all of it.", required=True)
_RECIPE = flags.DEFINE_enum(
    "recipe", "published", ["published", "ours"], "ours: Muon in batches of 64, sooner there."
)
_EPOCHS = flags.DEFINE_integer(
    "epochs", None, "Passes over the corpus; default: as much as the paper's 300.", lower_bound=1
)
_SPLIT = flags.DEFINE_enum("split", "test", [*corpora.SPLITS, "all"], "What is measured on.")
_LIMIT = flags.DEFINE_integer("limit", None, "At most so many of it, spread evenly.", lower_bound=1)
_ASR = command.define_choices_flag("asr", ["pocketsphinx"], [*asr.TRANSCRIBERS], "Recogniser(s).")
_PLAN_ONLY = flags.DEFINE_bool("plan_only", False, "Print what it would take, and do no more.")


def main():
    """Plans, trains, measures, compares."""
    import tqdm

    from vggish_inversion import evaluation
    from vggish_inversion.experiments import comanducci_2021
    from vggish_inversion.files import apart

    experiment = comanducci_2021.Experiment(
        data_dirs=_DATA_DIR.value,
        output_dir=pathlib.Path(_OUTPUT_DIR.value),
        layers=None if _LAYERS.value == ["all"] else _LAYERS.value,
        recipe=comanducci_2021.RECIPES[_RECIPE.value],
        seed=flags.FLAGS.seed,
        num_epochs=_EPOCHS.value,
        split=_SPLIT.value,
        limit=_LIMIT.value,
        grid=evaluation.Grid(transcribers=tuple(_ASR.value)),
    )
    apart.check_apart(
        read=[*experiment.data_dirs, *target_flags.target_paths()],
        written=[experiment.output_dir / name for name in ("log_mel_cache", "runs", "results")],
    )
    name, weights = flags.FLAGS.target, flags.FLAGS.target_weights
    print(comanducci_2021.describe_plan(experiment, name, weights=weights), flush=True)
    if _PLAN_ONLY.value:
        return command.ALL_DONE
    outcome = comanducci_2021.reproduce(
        experiment,
        _LOAD_TARGET(),
        settings=command.provenance(),
        announce=lambda line: print(line, flush=True),
        progress=tqdm.tqdm,
    )
    print(comanducci_2021.comparison_text(outcome.comparison))
    print(f"\nlisten and look: {outcome.page}\nthe numbers: {experiment.comparison_path}")
    return command.exit_code(num_done=outcome.num_done, num_failed=outcome.num_failed)


if __name__ == "__main__":
    command.run(main)
