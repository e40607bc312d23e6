r"""Writes one SavedModel of the whole way: waveform -> a layer -> log-mel -> waveform.

  python scripts/export_saved_model.py --target=small_encoder/speech_commands --layer=layer_1 \
      --output_dir=build/saved_model
  python scripts/export_saved_model.py --inverter=runs/conv4 --output_dir=build/conv4

It runs wherever TensorFlow does, without this package; its README.md lists the signatures.
"""

from absl import flags

import command
import target_flags
from vggish_inversion import vocoders

target_flags.define_target_flags()
_LAYER = flags.DEFINE_string("layer", None, "Tap; needed unless --inverter is given.")
_PRESET = flags.DEFINE_string("preset", None, "Of the shipped inverters; default: the best.")
_INVERTER = flags.DEFINE_string(
    "inverter", None, "Folder of a run, whose target and layer are taken; default: a shipped one."
)
_VOCODER = flags.DEFINE_string(
    "vocoder", "griffin_lim", f"{', '.join(sorted(vocoders.VOCODERS))}, or a vocoder's run folder."
)
_PATCH_HOP_FRAMES = command.define_patch_hop_flag()
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Is made.", required=True)
_OF_THE_STORE = ("target", "layer", "preset")


def main():
    """Finds the inverter and exports it."""
    from vggish_inversion.files import hub
    from vggish_inversion.inverters import run, search
    from vggish_inversion.reconstruction import saved_model

    if _INVERTER.value:
        chosen = [name for name in _OF_THE_STORE if flags.FLAGS[name].present]
        if chosen:
            raise ValueError(f"--inverter has a target, layer and preset: leave out --{chosen[0]}")
        trained = run.read_run(_INVERTER.value)
        target = trained.load_target(weights=flags.FLAGS.target_weights)
    elif _LAYER.value:
        target, runs = search.open_runs(
            hub.models_dir(),
            flags.FLAGS.target,
            weights=flags.FLAGS.target_weights,
            seed=flags.FLAGS.seed if flags.FLAGS["seed"].present else None,
            layers=[_LAYER.value],
        )
        [trained] = search.best_runs(runs, preset=_PRESET.value).values()
    else:
        raise ValueError("expected --layer=TAP or --inverter=RUN_FOLDER, got neither")
    folder = saved_model.export_saved_model(
        trained,
        _OUTPUT_DIR.value,
        target=target,
        vocoder=vocoders.load_vocoder(_VOCODER.value, target.log_mel),
        vocoder_name=_VOCODER.value,
        patch_hop_frames=_PATCH_HOP_FRAMES.value,
    )
    print(folder)


if __name__ == "__main__":
    command.run(main)
