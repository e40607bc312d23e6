r"""Trains an inverter from one layer of a frozen target back to its log-mel patches.

  python scripts/train_inverter.py --layer=conv4 --data_dir=LJSpeech-1.1 --output_dir=runs/conv4
  python scripts/train_inverter.py --target=small_encoder/speech_commands --layer=layer_1 \
      --data_dir=LJSpeech-1.1,LibriSpeech --output_dir=runs/layer_1 --epochs=30
  python scripts/train_inverter.py --layer=pool1 --data_dir=my_wavs --minutes=20 \
      --output_dir=runs/pool1

  python scripts/train_inverter.py --layer=conv4 --loss=gan --data_dir=LJSpeech-1.1 \
      --initial_weights=runs/conv4/inverter.keras --learning_rate=2e-4 --output_dir=runs/conv4-gan

Killed and started again with the same flags, it goes on from its last epoch; with more --minutes
a run of some minutes goes on, too. Watch it with `tensorboard --logdir=runs`. Listen to it with
scripts/reconstruct.py --inverter=runs/conv4.
--strategy=mirrored uses all GPUs of the machine, --strategy=multi_worker the machines in TF_CONFIG.
"""

import pathlib

from absl import flags

import command
import path_flags
import target_flags
import training_flags
from vggish_inversion.inverters import config
from vggish_inversion.training import RUN_PARTS

_LOAD_TARGET = target_flags.define_target_flags()
_LAYER = flags.DEFINE_string("layer", None, "Tap to invert, such as conv4.", required=True)
_DATA_DIR = path_flags.define_paths_flag(
    "data_dir", None, "Corpus folder(s), or one of prepare_dataset.py.", required=True
)
_SPLIT = command.define_training_split_flag()
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The run's folder.", required=True)
_CACHE_DIR = flags.DEFINE_string(
    "cache_dir", None, "Log-mel, which runs may share; default: OUTPUT_DIR/log_mel_cache."
)
_PRESET = training_flags.define_preset_flag()
_LOSS = flags.DEFINE_enum("loss", "l1", config.LOSSES, "RecCNN (l1) or RecGAN (gan).")
_CONFIG = training_flags.define_training_flags()
_STRATEGY = training_flags.define_strategy_flag()


def main():
    """Reads the corpus, trains and writes the run folder."""
    from vggish_inversion.data import training_data
    from vggish_inversion.files import apart
    from vggish_inversion.inverters import monitoring, training
    from vggish_inversion.training import distribution
    from vggish_inversion.vocoders import load_vocoder

    apart.check_apart(
        read=[*_DATA_DIR.value, *target_flags.target_paths(), *training_flags.initial_weights()],
        written=[pathlib.Path(_OUTPUT_DIR.value, name) for name in RUN_PARTS],
    )
    with distribution.scope(_STRATEGY.value):
        target = _LOAD_TARGET()
        tap = target.tap(_LAYER.value)
        cache_dir = _CACHE_DIR.value or f"{_OUTPUT_DIR.value}/log_mel_cache"
        caches = training_data.read_training_data(
            _DATA_DIR.value, target.source, cache_dir, split=_SPLIT.value, announce=print
        )
        training.train_inverter(
            target,
            tap,
            _CONFIG(preset=_PRESET.value, loss=_LOSS.value),
            **caches,
            run_dir=_OUTPUT_DIR.value,
            settings=command.provenance(data_dir=_DATA_DIR.value),
            callbacks=monitoring.tensorboard_callbacks(
                _OUTPUT_DIR.value,
                caches["validation"],
                vocoder=load_vocoder("griffin_lim", target.log_mel),
            ),
        )


if __name__ == "__main__":
    command.run(main)
