r"""Reconstructs recordings from one layer: files or a folder in, wavs out.

  python scripts/reconstruct.py --inverter=runs/conv4 --input=speech --output_dir=reconstructed
  python scripts/reconstruct.py --input=a.wav,b.mp3 --output_dir=reconstructed \
      --inverter=hub_models/inverter/small_encoder/speech_commands/layer_1/paper-l1/1

Writes STEM.wav (16 kHz) for each input, keeping subfolders, and reconstruct.csv, with a row for
each: "ok", or the reason why there is none.
"""

from absl import flags

import command
import path_flags
from vggish_inversion import vocoders

_INVERTER = flags.DEFINE_string(
    "inverter", None, "Folder of a run or of a shipped inverter.", required=True
)
_TARGET_WEIGHTS = flags.DEFINE_string(
    "target_weights", None, "Where the target's weights are now; default: where they were."
)
_INPUT = path_flags.define_paths_flag("input", None, "Audio files or folders.", required=True)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Receives the wavs.", required=True)
_VOCODER = flags.DEFINE_string(
    "vocoder", "griffin_lim", f"{', '.join(sorted(vocoders.VOCODERS))}, or a vocoder's run folder."
)
_PATCH_HOP_FRAMES = command.define_patch_hop_flag()


def main():
    """Loads the inverter and its target, and reconstructs every input."""
    import tqdm

    from vggish_inversion import reconstruction, results
    from vggish_inversion.inverters import run

    inputs = reconstruction.find_inputs(_INPUT.value, output_dir=_OUTPUT_DIR.value)
    trained = run.read_run(_INVERTER.value)
    target = trained.load_target(weights=_TARGET_WEIGHTS.value)
    trained.check_target(target)
    reconstructor = reconstruction.Reconstructor(
        target,
        {trained.layer: (trained.layer, trained.load_model())},
        vocoders.load_vocoder(_VOCODER.value, target.log_mel),
        patch_hop_frames=_PATCH_HOP_FRAMES.value,
    )
    statuses = reconstruction.reconstruct_files(
        inputs, reconstructor, trained.layer, _OUTPUT_DIR.value, progress=tqdm.tqdm
    )
    num_done = sum(status == results.OK for status in statuses)
    print(f"{num_done} of {len(statuses)} reconstructed from {trained.layer} of {target.name}")
    return command.exit_code(num_done=num_done, num_failed=len(statuses) - num_done)


if __name__ == "__main__":
    command.run(main)
