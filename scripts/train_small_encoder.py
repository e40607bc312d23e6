r"""Trains a small encoder on a classification task and writes it with its model card.

python scripts/train_small_encoder.py --task=speech_commands \
      --data_dir=speech_commands_v0.02 --output_dir=hub_models/small_encoder/speech_commands/1

A folder that holds an encoder already is not trained again: it is measured, and its card rewritten.
"""

import pathlib

from absl import flags

import command
import path_flags
from vggish_inversion.tasks import labelled_corpora

_TASK = flags.DEFINE_enum(
    "task", "speech_commands", sorted(labelled_corpora.TASKS), "What to classify."
)
_DATA_DIR = path_flags.define_paths_flag(
    "data_dir", None, "Folder(s) of the task's corpus.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Receives encoder.keras, config.json and README.md.", required=True
)
_EPOCHS = flags.DEFINE_integer("epochs", 60, "Passes over the training clips.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Clips per step.", lower_bound=1)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 3e-3, "Peak of the cosine schedule.")
_MIX = flags.DEFINE_float("mix", 0.0, "Share of another clip mixed in, at most.", 0.0, 1.0)
_BALANCED = flags.DEFINE_bool("balanced", False, "Draw every class equally often.")
_SEED = flags.DEFINE_integer("seed", 0, "Of weights, order and augmentation.")


def main():
    """Reads the clips, trains, measures on the test split and writes the folder."""
    from vggish_inversion.files import apart
    from vggish_inversion.tasks import card as small_encoder_card
    from vggish_inversion.tasks import classification

    config = classification.ClassifierConfig(
        num_epochs=_EPOCHS.value,
        batch_size=_BATCH_SIZE.value,
        learning_rate=_LEARNING_RATE.value,
        max_mix=_MIX.value,
        balanced=_BALANCED.value,
        seed=_SEED.value,
    )
    folder = pathlib.Path(_OUTPUT_DIR.value)
    parts = [folder / name for name in small_encoder_card.PARTS]
    apart.check_apart(read=_DATA_DIR.value, written=parts)
    apart.check_vacant(folder, small_encoder_card.PARTS, mark=small_encoder_card.MODEL_FILE)
    clips = labelled_corpora.read_task(_TASK.value, _DATA_DIR.value, announce=print)
    labels = sorted({clip.label for clip in clips})
    splits = {
        split: classification.read_patches(clips, labels, split)
        for split in labelled_corpora.SPLITS
    }
    if (folder / small_encoder_card.MODEL_FILE).is_file():
        card = small_encoder_card.measure_again(folder, _TASK.value, labels, splits)
    else:
        model = classification.train_classifier(
            splits["train"], splits["validation"], len(labels), config
        )
        card = small_encoder_card.write_model(
            folder, model, _TASK.value, labels, splits, config, provenance=command.provenance()
        )
    print(card.read_text(encoding="utf-8"))


if __name__ == "__main__":
    command.run(main)
