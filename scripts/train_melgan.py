r"""Trains a neural vocoder: MelGAN, or Vocos, which is about a hundred times faster to run.

  python scripts/train_melgan.py --vocoder=vocos --data_dir=LJSpeech-1.1,LibriSpeech \
      --output_dir=runs/vocos
  python scripts/train_melgan.py --vocoder=vocos --data_dir=LJSpeech-1.1,LibriSpeech \
      --output_dir=runs/vocos_conv4 --inverter=runs/conv4 --learning_rate=2e-4 --epochs=10 \
      --initial_weights=runs/vocos/vocoder.keras

Killed and started again with the same flags, it goes on from its last epoch. Each epoch ends with
vocoder.keras written, so --vocoder=runs/vocos works elsewhere before training is over. With
--adversarial the discriminators of MelGAN join in. With --inverter the vocoder learns from what
that inverter reconstructs. Watch it with `tensorboard --logdir=runs`.
"""

import pathlib

from absl import flags

import command
import path_flags
import vocoder_flags
from vggish_inversion.training import RUN_PARTS

_DATA_DIR = path_flags.define_paths_flag(
    "data_dir", None, "Corpus folder(s) of speech.", required=True
)
_SPLIT = command.define_training_split_flag()
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The run's folder.", required=True)
_CACHE_DIR = flags.DEFINE_string(
    "cache_dir", None, "Segments, which runs may share; default: OUTPUT_DIR/segment_cache."
)
_INVERTER = flags.DEFINE_string("inverter", None, "Folder of an inverter whose output is vocoded.")
_CONFIG = vocoder_flags.define_training_flags()


def _inverted(run_dir: str):
    """The log-mel front end of an inverter's target, and what reconstructs such log-mel."""
    from vggish_inversion import audio, features, reconstruction
    from vggish_inversion.inverters import run
    from vggish_inversion.vocoders import load_vocoder

    trained = run.read_run(run_dir)
    target = trained.load_target()
    trained.check_target(target)
    inverters = {trained.layer: (trained.layer, trained.load_model())}
    vocoder = load_vocoder("griffin_lim", target.log_mel)  # a part of the road that is not driven
    road = reconstruction.Reconstructor(target, inverters, vocoder)

    def invert(log_mel, waveform):
        if not isinstance(target.source, features.LogMelParams):
            waveform = audio.resample(
                waveform,
                from_hz=target.log_mel.sample_rate_hz,
                to_hz=target.source.sample_rate_hz,
            )
            return road.invert(waveform)[trained.layer]
        return road.invert(log_mel)[trained.layer]

    name = f"{trained.sha256} {trained.layer} {target.fingerprint}"
    return target.log_mel, {"transform": invert, "transform_name": name}


def main():
    """Reads the corpus, trains and writes the run folder."""
    from vggish_inversion import features, metrics
    from vggish_inversion.data import segments
    from vggish_inversion.files import apart
    from vggish_inversion.vocoders import monitoring, training

    models = [flags.FLAGS.initial_weights] if flags.FLAGS.initial_weights else []
    if _INVERTER.value:
        models += [pathlib.Path(_INVERTER.value, name) for name in RUN_PARTS]
    apart.check_apart(
        read=[*_DATA_DIR.value, *models],
        written=[pathlib.Path(_OUTPUT_DIR.value, name) for name in RUN_PARTS],
    )
    params, transform = features.LogMelParams(), {}
    if _INVERTER.value:
        params, transform = _inverted(_INVERTER.value)
    cache_dir = _CACHE_DIR.value or f"{_OUTPUT_DIR.value}/segment_cache"
    caches = segments.cache_corpora(
        _DATA_DIR.value, params, cache_dir, split=_SPLIT.value, announce=print, **transform
    )
    training.train_vocoder(
        _CONFIG(),
        **caches,
        run_dir=_OUTPUT_DIR.value,
        settings=command.provenance(data_dir=_DATA_DIR.value),
        callbacks=monitoring.tensorboard_callbacks(
            _OUTPUT_DIR.value, caches["validation"], measures={"stoi": metrics.stoi}
        ),
    )


if __name__ == "__main__":
    command.run(main)
