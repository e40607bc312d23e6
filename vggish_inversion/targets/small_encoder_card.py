"""Writes a trained small encoder into its folder: weights, settings, measured model card."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import sklearn.linear_model
import sklearn.pipeline
import sklearn.preprocessing

from vggish_inversion.targets import classification, hub, tasks

_CARD = """# small_encoder/{task}

The small encoder of Tagliasacchi et al. (arXiv:1905.11796), trained by this project to be a frozen
target. Its input is VGGish's log-mel, its taps `layer_0` .. `layer_6`.

- Data: {source}.
- Clips: {num_clips}: the splits of the corpus' own lists where they are there, else by
  speaker (80, 10 and 10 %), and by clip only where a clip names no speaker.
- Classes ({num_classes}): {labels}
- Command: `{command}`
- Settings: {settings}
- sha256 of `encoder.keras`: `{sha256}`
- Licence of these weights: Apache-2.0

| held-out test split | accuracy |
|---|---|
| this encoder | {accuracy:.1%} |
| logistic regression on mean and deviation of each log-mel band | {baseline:.1%} |
| chance (always the most frequent class) | {chance:.1%} |
"""


def baseline_accuracy(
    train: classification.LabelledPatches, test: classification.LabelledPatches
) -> float:
    """Accuracy of a logistic regression on the mean and deviation of each log-mel band."""

    def statistics(patches):
        return np.concatenate([patches.log_mel.mean(axis=1), patches.log_mel.std(axis=1)], axis=1)

    model = sklearn.pipeline.make_pipeline(
        sklearn.preprocessing.StandardScaler(),
        sklearn.linear_model.LogisticRegression(max_iter=2000),
    )
    model.fit(statistics(train), train.labels)
    return float(model.score(statistics(test), test.labels))


def write_model(
    folder: pathlib.Path,
    model: keras.Model,
    task: str,
    labels: Sequence[str],
    splits: Mapping[str, classification.LabelledPatches],
    config: classification.ClassifierConfig,
    *,
    provenance: Mapping,
) -> pathlib.Path:
    """Writes `encoder.keras`, `config.json` and the model card; returns the card's path.

    Args:
        folder: of the model in the store.
        model: of `classification.train_classifier`.
        task: its name.
        labels: of the classes, in the order of the logits.
        splits: the patches of each split; accuracy is measured on "test".
        config: how it was trained.
        provenance: command and versions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "encoder.keras"
    model.save(path)
    test = splits["test"]
    facts = {
        "task": task,
        "source": tasks.TASKS[task].source,
        "labels": list(labels),
        "num_clips": {split: len(patches.labels) for split, patches in splits.items()},
        "settings": dataclasses.asdict(config),
        "sha256": hub.sha256(path),
        "test_accuracy": classification.accuracy(model, test),
        "baseline_accuracy": baseline_accuracy(splits["train"], test),
        "chance_accuracy": float(np.bincount(test.labels).max() / len(test.labels)),
        **provenance,
    }
    (folder / "config.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card_text(facts), encoding="utf-8")
    return folder / "README.md"


def card_text(facts: Mapping) -> str:
    """The model card of what `config.json` holds."""
    return _CARD.format(
        task=facts["task"],
        source=facts["source"],
        num_clips=", ".join(f"{count} {split}" for split, count in facts["num_clips"].items()),
        num_classes=len(facts["labels"]),
        labels=", ".join(facts["labels"]),
        command=" ".join(facts["command"]),
        settings=", ".join(f"{key} {value}" for key, value in facts["settings"].items()),
        sha256=facts["sha256"],
        accuracy=facts["test_accuracy"],
        baseline=facts["baseline_accuracy"],
        chance=facts["chance_accuracy"],
    )
