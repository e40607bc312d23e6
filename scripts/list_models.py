"""Lists the inverters of the store: views they take, patches they saw, L1 (nats) on others, size.

python scripts/list_models.py
"""

from absl import flags

import command

_MODELS_DIR = flags.DEFINE_string("models_dir", None, "Any folder of runs; default: the store.")


def main():
    """Prints the table."""
    from vggish_inversion.reconstruction import store

    print(store.format_table(_MODELS_DIR.value))


if __name__ == "__main__":
    command.run(main)
