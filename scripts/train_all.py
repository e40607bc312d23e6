r"""Trains a grid of inverters, one run after the other: layers x presets x losses, or a table.

  python scripts/train_all.py --target=small_encoder/speech_commands --layers=all \
      --presets=large,paper --losses=l1 --data_dir=LJSpeech-1.1,LibriSpeech --output_dir=runs
  python scripts/train_all.py --table=scripts/full_grid.csv --row=3 \
      --data_dir=LJSpeech-1.1,LibriSpeech --output_dir=runs

A table is a CSV file with a row for each inverter: the columns target and layer, and, where wanted,
target_weights and any setting of training (preset, loss, num_epochs, ...), which the flags give
otherwise. With it, runs land in TARGET/LAYER/PRESET-LOSS.

Killed and started again, it goes on, and skips what is done. A run that fails does not stop the
rest; --minutes= gives each as long. Watch them with `tensorboard --logdir=runs`, and measure them
with scripts/evaluate.py --inverters_dir=runs. With KERAS_BACKEND=jax it needs no TensorFlow where
the log-mel is cached already: copy a log_mel_cache into the output folder.
"""

import functools
import pathlib
from typing import TYPE_CHECKING

from absl import flags, logging

import command
import path_flags
import target_flags
import training_flags
from vggish_inversion.inverters import config

if TYPE_CHECKING:
    from vggish_inversion.inverters import grid

_LOAD_TARGET = target_flags.define_target_flags()
_LAYERS = flags.DEFINE_list("layers", ["all"], "Taps, from first to last, or all.")
_PRESETS = flags.DEFINE_list("presets", [config.DEFAULT_PRESET], f"Of {', '.join(config.PRESETS)}.")
_LOSSES = flags.DEFINE_list("losses", ["l1"], f"Of {', '.join(config.LOSSES)}.")
_TABLE = flags.DEFINE_string("table", None, "CSV file; takes the place of the flags above.")
_ROW = flags.DEFINE_integer("row", None, "That row of the table alone, from 1.", lower_bound=1)
_DATA_DIR = path_flags.define_paths_flag(
    "data_dir", None, "Corpus folder(s), or one of prepare_dataset.py.", required=True
)
_SPLIT = command.define_training_split_flag()
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Receives the runs' folders.", required=True)
_CONFIG = training_flags.define_training_flags()
_ANNOUNCE = functools.partial(print, flush=True)


def _watch(target, validation):
    """What gives a run its TensorBoard; nothing on a backend that trains without TensorFlow."""
    import keras

    from vggish_inversion.inverters import monitoring

    if keras.backend.backend() != "tensorflow":
        return lambda folder: ()
    from vggish_inversion.vocoders import load_vocoder

    vocoder = load_vocoder("griffin_lim", target.log_mel)
    return lambda folder: monitoring.tensorboard_callbacks(folder, validation, vocoder=vocoder)


def _train(target, places, folder: pathlib.Path) -> "list[grid.GridRun]":
    from vggish_inversion.data import training_data
    from vggish_inversion.inverters import grid

    cache_dir = pathlib.Path(_OUTPUT_DIR.value) / "log_mel_cache"
    data = training_data.read_training_data(
        _DATA_DIR.value, target.source, cache_dir, split=_SPLIT.value, announce=_ANNOUNCE
    )
    return grid.train_grid(
        target,
        places,
        data=data,
        folder=folder,
        callbacks=_watch(target, data["validation"]),
        settings=command.provenance(data_dir=_DATA_DIR.value),
        announce=_ANNOUNCE,
    )


def _from_flags(folder: pathlib.Path) -> "list[grid.GridRun]":
    target = _LOAD_TARGET()
    # Resolved here, so that a slip of the pen ends it before anything is trained.
    every = _LAYERS.value == ["all"]
    taps = target.taps if every else [target.tap(layer) for layer in _LAYERS.value]
    places = [
        (tap, _CONFIG(preset=preset, loss=loss))
        for tap in taps
        for preset in _PRESETS.value
        for loss in _LOSSES.value
    ]
    return _train(target, places, folder)


def _from_table(folder: pathlib.Path) -> "list[grid.GridRun]":
    from vggish_inversion.files import failures
    from vggish_inversion.inverters import grid, table
    from vggish_inversion.targets import loading

    done = []
    for rows in table.read_table(_TABLE.value, _CONFIG, row=_ROW.value):
        try:
            target = loading.load_target(rows.target, weights=rows.weights, seed=flags.FLAGS.seed)
            name = rows.target if loading.is_family(rows.target) else pathlib.Path(rows.target).stem
            done += _train(target, rows.places, folder / name)
        except BrokenPipeError:  # the reader of what is announced has gone
            raise
        except Exception as error:  # noqa: BLE001  (of one target; the others go on)
            reason = failures.in_one_line(error)
            logging.error("%s", reason)
            done += [grid.GridRun(folder, reason) for _ in rows.places]
    return done


def main():
    """Reads the corpus once, and trains what is not there yet."""
    from vggish_inversion.files import apart

    tables = [_TABLE.value] if _TABLE.value else []
    apart.check_apart(
        read=[*_DATA_DIR.value, *tables, *target_flags.target_paths()],
        written=[pathlib.Path(_OUTPUT_DIR.value, "log_mel_cache")],
    )
    runs = (_from_table if _TABLE.value else _from_flags)(pathlib.Path(_OUTPUT_DIR.value))
    num_failed = sum(bool(run.error) for run in runs)
    return command.exit_code(num_done=len(runs) - num_failed, num_failed=num_failed)


if __name__ == "__main__":
    command.run(main)
