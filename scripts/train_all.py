r"""Trains a grid of inverters, layers x presets x losses of one target, one run after the other.

  python scripts/train_all.py --target=small_encoder/speech_commands --layers=all \
      --presets=large,paper --losses=l1 --data_dir=LJSpeech-1.1,LibriSpeech --output_dir=runs

Killed and started again, it goes on, and skips what is done. A run that fails does not stop the
rest. Measure them with scripts/evaluate.py --inverters_dir=runs.
"""

import pathlib

from absl import flags

import command
import training_flags
from vggish_inversion import records
from vggish_inversion.inverters import grid, training

_LOAD_TARGET = command.define_target_flags()
_LAYERS = flags.DEFINE_list("layers", ["all"], "Taps, from first to last, or all.")
_PRESETS = flags.DEFINE_list("presets", ["large"], f"Of {', '.join(training.network.PRESETS)}.")
_LOSSES = flags.DEFINE_list("losses", ["l1"], f"Of {', '.join(training.LOSSES)}.")
_DATA_DIR = flags.DEFINE_list(
    "data_dir", None, "Corpus folder(s), or one of prepare_dataset.py.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Receives LAYER/PRESET-LOSS.", required=True)
_CONFIG = training_flags.define_training_flags()


def main():
    """Reads the corpus once, and trains what is not there yet."""
    target = _LOAD_TARGET()
    layers = [tap.name for tap in target.taps] if _LAYERS.value == ["all"] else _LAYERS.value
    taps = [target.tap(layer) for layer in layers]
    configs = [
        _CONFIG(preset=preset, loss=loss) for preset in _PRESETS.value for loss in _LOSSES.value
    ]
    folder = pathlib.Path(_OUTPUT_DIR.value)
    runs = grid.train_grid(
        target,
        taps,
        configs,
        data=records.read_training_data(_DATA_DIR.value, target.log_mel, folder / "log_mel_cache"),
        folder=folder,
        settings=command.provenance(data_dir=_DATA_DIR.value),
        announce=lambda line: print(line, flush=True),
    )
    failures = sum(bool(run.error) for run in runs)
    return command.exit_code(num_done=len(runs) - failures, num_failed=failures)


if __name__ == "__main__":
    command.run(main)
