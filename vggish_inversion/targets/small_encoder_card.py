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

The small encoder of Tagliasacchi et al. (arXiv:1905.11796), trained by
`scripts/train_small_encoder.py --task={task}` to be a frozen target.

- Data: {source}. Clips: {num_train} train, {num_validation} validation, {num_test} test; no speaker
  is in two splits.
- Classes ({num_classes}): {labels}
- Settings: {settings}
- Licence of these weights: Apache-2.0
- sha256 of `encoder.keras`: `{sha256}`

| held-out test split | accuracy |
|---|---|
| this encoder | {accuracy:.1%} |
| logistic regression on mean log-mel | {baseline:.1%} |
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
) -> pathlib.Path:
    """Writes `encoder.keras`, `config.json` and the model card; returns the card's path."""
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
    }
    (folder / "config.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    card = _CARD.format(
        task=task,
        source=facts["source"],
        **{f"num_{split}": count for split, count in facts["num_clips"].items()},
        num_classes=len(labels),
        labels=", ".join(labels),
        settings=", ".join(f"{key} {value}" for key, value in facts["settings"].items()),
        sha256=facts["sha256"],
        accuracy=facts["test_accuracy"],
        baseline=facts["baseline_accuracy"],
        chance=facts["chance_accuracy"],
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder / "README.md"
