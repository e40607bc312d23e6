"""Prints the held-out accuracy of every small encoder in the model store, as a Markdown table.

python scripts/list_small_encoders.py

Each row was measured by scripts/train_small_encoder.py; run on an encoder that is there already,
that script measures it again.
"""

import pathlib

from absl import flags

import command

_MODELS_DIR = flags.DEFINE_string("models_dir", None, "The store; default: the project's.")


def main():
    """Prints the table."""
    from vggish_inversion.files import hub
    from vggish_inversion.tasks import card

    models_dir = pathlib.Path(_MODELS_DIR.value or hub.models_dir())
    print(card.accuracy_table(models_dir))


if __name__ == "__main__":
    command.run(main)
