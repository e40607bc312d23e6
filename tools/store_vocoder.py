r"""Puts a trained vocoder into the model store, with its card, whether its run is done or not.

python tools/store_vocoder.py --run_dir=build/runs/vocos
python benchmarks/vocoders.py --data_dirs=LJSpeech-1.1 --split=test > build/vocoders.txt
python tools/store_vocoder.py --run_dir=hub_models/vocoder/vocos/1 --results=build/vocoders.txt

The second time, the figures of the benchmark join the card of what is stored.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

import command

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of scripts/train_melgan.py.", required=True)
_MODELS_DIR = flags.DEFINE_string("models_dir", None, "The store; default: the project's.")
_VERSION = flags.DEFINE_integer("version", 1, "Version of the model.", lower_bound=1)
_RESULTS = flags.DEFINE_string("results", None, "Output of benchmarks/vocoders.py, for the card.")


def main():
    """Stores what the run has reached and prints where."""
    from vggish_inversion.files import hub
    from vggish_inversion.vocoders import card

    folder = card.store_vocoder(
        _RUN_DIR.value,
        _MODELS_DIR.value or hub.models_dir(),
        version=_VERSION.value,
        commit=command.commit(),
        results=card.read_results(_RESULTS.value) if _RESULTS.value else None,
    )
    print(folder)


if __name__ == "__main__":
    command.run(main)
