r"""Writes an inverter as TFLite files, alone and behind its target, and measures them.

  python scripts/export_tflite.py --output_dir=build/tflite --precisions=float32,float16,int8 \
      --inverter=hub_models/inverter/small_encoder/speech_commands/layer_1/paper-l1/1

inverter.PRECISION.tflite maps activations of one patch to log-mel (nats), patch.PRECISION.tflite
does so from the log-mel patch itself. Printed is how far each is from Keras, on speech by which
the ranges of int8 were not set.
"""

import pathlib
import sys

from absl import flags

import command

_INVERTER = flags.DEFINE_string(
    "inverter", None, "Folder of a run or of a shipped inverter.", required=True
)
_TARGET_WEIGHTS = flags.DEFINE_string(
    "target_weights", None, "Where the target's weights are now; default: where they were."
)
_PRECISION_NAMES = ("float32", "float16", "int8")  # of reconstruction.tflite
_PRECISIONS = command.define_choices_flag(
    "precisions", _PRECISION_NAMES, _PRECISION_NAMES, "What the files hold."
)
_PARTS = command.define_choices_flag(
    "parts", ("inverter", "patch"), ("inverter", "patch"), "The inverter alone; with its target."
)
_MUCH_MEMORY = 3e9
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    str(pathlib.Path(__file__).parent / "demo_speech"),
    "Speech, for int8 and measuring.",
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Is made.", required=True)


def main():
    """Converts, writes and measures."""
    import numpy as np

    from vggish_inversion.files import folders
    from vggish_inversion.inverters import run
    from vggish_inversion.reconstruction import tflite

    parts, precisions = _PARTS.value, _PRECISIONS.value
    trained = run.read_run(_INVERTER.value)
    target = trained.load_target(weights=_TARGET_WEIGHTS.value)
    trained.check_target(target)
    with folders.write_whole(pathlib.Path(_OUTPUT_DIR.value)) as folder:
        inverter, params = trained.load_model(), target.log_mel
        tap = target.tap(trained.layer)
        to_tap, context = tflite.target_part(target, tap, inverter)
        patches = tflite.speech_patches(_DATA_DIR.value, target.source, context_frames=context)
        inputs = {"inverter": [np.asarray(to_tap(part, training=False)) for part in patches]}
        inputs["patch"] = list(patches)
        print(f"{'file':26} {'kB':>8} {'largest':>9} {'mean |difference| (nats)':>24}")
        functions = tflite.patch_functions(inverter, to_tap, params)
        needed = max(tflite.memory_bytes(functions[part], len(precisions)) for part in parts)
        if needed > _MUCH_MEMORY:
            print(
                f"converting takes up to {needed / 1e9:.1f} GB of memory; fewer --precisions at a "
                "time take less, and --parts=inverter leaves the target out",
                file=sys.stderr,
            )
        for name in parts:
            function = functions[name]
            for precision in precisions:
                examples, others = inputs[name]
                flatbuffer = tflite.convert(function, precision, examples)
                path = folder / f"{name}.{precision}.tflite"
                path.write_bytes(flatbuffer)
                largest, mean = tflite.distance(flatbuffer, function, others)
                print(f"{path.name:26} {len(flatbuffer) / 1e3:8.1f} {largest:9.6f} {mean:24.6f}")


if __name__ == "__main__":
    command.run(main)
