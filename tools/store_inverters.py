r"""Puts finished runs into the model store, each with its model card.

python tools/store_inverters.py --runs_dir=build/runs --models_dir=hub_models \
      --results_dirs=build/results/lj050,build/results/dev_clean
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

import command
import path_flags

_RUNS_DIR = flags.DEFINE_string(
    "runs_dir", None, "Folder with finished runs, at any depth.", required=True
)
_MODELS_DIR = flags.DEFINE_string("models_dir", None, "The store; default: the project's.")
_VERSION = flags.DEFINE_integer("version", 1, "Version of the models.", lower_bound=1)
_RESULTS_DIRS = path_flags.define_paths_flag(
    "results_dirs", [], "Results of evaluate.py, for the cards."
)


def main():
    """Stores every run that is finished."""
    from vggish_inversion.files import apart, hub
    from vggish_inversion.inverters import card

    store = pathlib.Path(_MODELS_DIR.value or hub.models_dir())
    if store.resolve() != pathlib.Path(_RUNS_DIR.value).resolve():  # whose cards are written anew
        apart.check_apart(read=[_RUNS_DIR.value], written=[store / "inverter" / "new"])
    runs = sorted(path.parent for path in pathlib.Path(_RUNS_DIR.value).rglob("inverter.keras"))
    if not runs:
        raise ValueError(f"no inverter.keras below {_RUNS_DIR.value}; expected finished runs")
    for run_dir in runs:
        folder = card.store_inverter(
            run_dir,
            store,
            version=_VERSION.value,
            commit=command.commit(),
            results_dirs=_RESULTS_DIRS.value,
        )
        print(folder)
    return command.exit_code(num_done=len(runs), num_failed=0)


if __name__ == "__main__":
    command.run(main)
