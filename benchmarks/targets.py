"""How fast each tap is reached, beside the same machine's rate for a bare convolution.

python benchmarks/targets.py --targets=vggish,small_encoder/speech_commands --batch_size=32

The yardstick is a `tf.nn.conv2d` of the shape of VGGish's conv4_2 (12x8 places, 512 to 512
channels), which is among the fastest of its shapes here, at the same batch size: no bias, ReLU,
pool or Keras, constant weights, in a chain about as long as makes up the tap's own floating-point
operations. Target and chain run in turn, and the efficiency is the median over the turns of the
ratio of their rates, so that whatever else the machine does slows both. A multiplication and an
addition count as two operations; pools, biases, ReLUs and reshapes count as none.

What was tried is in docs/benchmarks.md; --jit_compile and TF_ENABLE_ONEDNN_OPTS=0 repeat it.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion.targets import encoder, loading

_BARE_FRAMES, _BARE_BANDS, _BARE_CHANNELS = 12, 8, 512
_BARE_FLOPS = 2 * 9 * _BARE_FRAMES * _BARE_BANDS * _BARE_CHANNELS**2


def num_flops(model: keras.Model) -> int:
    """Floating-point operations of one patch in convolutions and dense layers."""
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    return sum(
        2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1]) for layer in layers
    )


def _bare_convolutions(batch_size: int, length: int):
    """A function that runs a chain of bare convolutions."""
    rng = np.random.default_rng(0)
    shape = (3, 3, _BARE_CHANNELS, _BARE_CHANNELS)
    # As He's, so that no value of a long chain becomes denormal, which would be slow.
    kernel = tf.constant(rng.standard_normal(shape, np.float32) / math.sqrt(9 * _BARE_CHANNELS))
    shape = (batch_size, _BARE_FRAMES, _BARE_BANDS, _BARE_CHANNELS)
    tensor = tf.constant(rng.standard_normal(shape, np.float32))

    @tf.function
    def run(tensor):
        for _ in range(length):
            tensor = tf.nn.conv2d(tensor, kernel, 1, "SAME")
        return tensor

    return lambda: run(tensor)


def _seconds(function) -> float:
    start = time.perf_counter()
    function().numpy()
    return time.perf_counter() - start


def measure_tap(
    target: encoder.TargetEncoder, tap: str, *, batch_size: int, num_turns: int, jit_compile: bool
) -> dict[str, float]:
    """Rates of the target up to a tap and of the bare convolutions, taken in turn."""
    model = target.up_to(tap)
    rng = np.random.default_rng(0)
    patches = tf.constant(rng.normal(-2, 1.5, (batch_size, *model.input.shape[1:])), tf.float32)
    flops = num_flops(model)
    length = max(1, round(flops / _BARE_FLOPS))
    to_tap = tf.function(lambda patches: model(patches, training=False), jit_compile=jit_compile)
    bare = _bare_convolutions(batch_size, length)
    for function in (lambda: to_tap(patches), bare):
        function()  # traces it
    turns = [(_seconds(lambda: to_tap(patches)), _seconds(bare)) for _ in range(num_turns)]
    target_rates = [batch_size * flops / seconds / 1e9 for seconds, _ in turns]
    bare_rates = [batch_size * length * _BARE_FLOPS / seconds / 1e9 for _, seconds in turns]
    return {
        "patches_per_second": batch_size / statistics.median(seconds for seconds, _ in turns),
        "gflop_per_patch": flops / 1e9,
        "gflop_per_second": statistics.median(target_rates),
        "bare_gflop_per_second": statistics.median(bare_rates),
        "efficiency": statistics.median(
            mine / bare for mine, bare in zip(target_rates, bare_rates, strict=True)
        ),
    }


def _machine() -> str:
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    names = [line.split(":")[1].strip() for line in text.splitlines() if "model name" in line]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def main():
    """Prints a row per tap, and last one JSON object."""
    parser = argparse.ArgumentParser(description="Patches per second up to each tap.")
    parser.add_argument("--targets", default="vggish,small_encoder/speech_commands,yamnet")
    parser.add_argument("--taps", default="all", help="all, or names separated by commas")
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--num_turns", type=int, default=7)
    parser.add_argument("--jit_compile", action="store_true", help="compile the target by XLA")
    args = parser.parse_args()
    measured = {name: getattr(args, name) for name in ("batch_size", "num_turns", "jit_compile")}
    tf.get_logger().setLevel("ERROR")  # a function for each tap is no retracing
    machine = _machine()
    print(f"{machine}; TensorFlow {tf.__version__}; batches of {args.batch_size} patches")
    print(f"{'target':31}{'tap':10}patches/s  GFLOP/patch  GFLOP/s  bare GFLOP/s  efficiency")
    result = {"machine": machine, "batch_size": args.batch_size, "targets": {}}
    for name in args.targets.split(","):
        target = loading.load_target(name, weights="untrained")
        taps = [tap.name for tap in target.taps] if args.taps == "all" else args.taps.split(",")
        rows = result["targets"][name] = {}
        for tap in taps:
            row = rows[tap] = measure_tap(target, tap, **measured)
            print(
                f"{name:31}{tap:10}{row['patches_per_second']:9.1f}{row['gflop_per_patch']:13.4f}"
                f"{row['gflop_per_second']:9.1f}{row['bare_gflop_per_second']:14.1f}"
                f"{row['efficiency']:12.0%}",
                flush=True,
            )
    pool4 = result["targets"].get("vggish", {}).get("pool4", {})
    result["vggish_pool4_efficiency"] = pool4.get("efficiency")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
