r"""Keeps a target's weights as one Keras file, which every script then loads without a network.

python scripts/convert_weights.py --target=vggish --target_weights=vggish_model.ckpt \
      --output=vggish.weights.h5
python scripts/train_inverter.py --target_weights=vggish.weights.h5 --layer=conv4 ...

--target_weights takes what it takes elsewhere: nothing (the published weights, from TF-Hub), a URL,
or any file that docs/weights.md lists. The output is a .weights.h5 file
(weights alone) or a .keras file (the network with them), read back before it takes its name. Its
SHA-256 is printed, and written beside it: a later load compares the two.
"""

import os
import pathlib

from absl import flags

import command
import target_flags

_SUFFIXES = (".weights.h5", ".keras")

_OUTPUT = flags.DEFINE_string(
    "output", None, "File to write: NAME.weights.h5 or NAME.keras.", required=True
)
_load_target = target_flags.define_target_flags()


def main():
    """Loads the weights, writes them, checks the file and prints its digest."""
    output = pathlib.Path(_OUTPUT.value).expanduser()
    suffix = next((suffix for suffix in _SUFFIXES if output.name.endswith(suffix)), None)
    if suffix is None:
        raise ValueError(
            f"--output={output}: expected a name that ends in {' or '.join(_SUFFIXES)}"
        )
    from vggish_inversion.files import apart, hub
    from vggish_inversion.targets import loading  # imports TensorFlow, which --help need not

    apart.check_apart(read=target_flags.target_paths(), written=[output, f"{output}.sha256"])
    target = _load_target()
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_name(f".{output.name.removesuffix(suffix)}.{os.getpid()}{suffix}")
    try:
        if suffix == ".keras":
            target.model.save(unfinished)
        else:
            target.model.save_weights(unfinished)
        written = loading.load_target(target.name, weights=str(unfinished))
        if written.fingerprint != target.fingerprint:
            raise ValueError(f"{output}: reading it back gave other weights; is the disk sound?")
        os.replace(unfinished, output)
    finally:
        unfinished.unlink(missing_ok=True)
    print(hub.write_digest(output).read_text(encoding="utf-8").strip())


if __name__ == "__main__":
    command.run(main)
