"""Writes a trained small encoder into its folder: weights, settings, measured model card."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import sklearn.linear_model
import sklearn.metrics
import sklearn.pipeline
import sklearn.preprocessing

from vggish_inversion.files import documents, hub
from vggish_inversion.tasks import classification, labelled_corpora

MODEL_FILE = "encoder.keras"
# What a model's folder is made of.
PARTS = (MODEL_FILE, f"{MODEL_FILE}.sha256", hub.CONFIG_FILE, hub.CARD_FILE)

_CARD = """# small_encoder/{task}

The small encoder of Tagliasacchi et al. (arXiv:1905.11796), trained by this project to be a frozen
target. Its input is VGGish's log-mel, its taps `layer_0` .. `layer_6`.

- Data: {source}.
- Clips: {num_clips}; split {split}.
- Classes ({num_classes}): {labels}
- Command: `{command}`
- Settings: {settings}
- sha256 of `encoder.keras`: `{sha256}`
- Licence of these weights: Apache-2.0

| held-out test split, {num_test} clips | accuracy (95 %) | balanced accuracy |
|---|---|---|
{rows}

The interval is Wilson's; balanced accuracy is the mean over classes of the share that is found. A
clip of several seconds is judged by the mean of its segments' logits.
"""
_ROWS = {
    "encoder": "this encoder",
    "baseline": "logistic regression on mean and deviation of each log-mel band",
    "chance": "chance (always the most frequent class)",
}
_SCORE_NAMES = ("accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy")
_FIELDS = {"task": str, "labels": list, "num_clips": dict, "settings": dict, "sha256": str}
_FIELDS |= {"test": dict, "command": list}
_WILSON_Z = 1.96


def _scores(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Accuracy with Wilson's interval (Wilson 1927), and balanced accuracy."""
    right, n, z = float(np.mean(labels == predicted)), len(labels), _WILSON_Z
    centre = (right + z * z / (2 * n)) / (1 + z * z / n)
    margin = z / (1 + z * z / n) * math.sqrt(right * (1 - right) / n + z * z / (4 * n * n))
    return {
        "accuracy": right,
        "accuracy_low": centre - margin,
        "accuracy_high": centre + margin,
        "balanced_accuracy": float(sklearn.metrics.balanced_accuracy_score(labels, predicted)),
    }


def baseline_predictions(
    train: classification.LabelledPatches,
    test: classification.LabelledPatches,
    *,
    balanced: bool = False,
) -> np.ndarray:
    """What a logistic regression on the mean and deviation of each log-mel band says of clips."""

    def statistics(patches):
        firsts = np.unique(patches.clips, return_index=True)[1][1:]
        clips = [part.reshape(-1, part.shape[-1]) for part in np.split(patches.log_mel, firsts)]
        return np.stack([np.concatenate([clip.mean(0), clip.std(0)]) for clip in clips])

    model = sklearn.pipeline.make_pipeline(
        sklearn.preprocessing.StandardScaler(),
        sklearn.linear_model.LogisticRegression(
            max_iter=2000, class_weight="balanced" if balanced else None
        ),
    )
    model.fit(statistics(train), train.clip_labels)
    return model.predict(statistics(test))


def measure(
    model: keras.Model,
    splits: Mapping[str, classification.LabelledPatches],
    config: classification.ClassifierConfig,
) -> dict[str, dict[str, float]]:
    """Scores of the encoder, the baseline and chance on the clips of the test split."""
    test = splits["test"]
    labels = test.clip_labels
    most_frequent = np.bincount(splits["train"].clip_labels).argmax()
    baseline = baseline_predictions(splits["train"], test, balanced=config.balanced)
    return {
        "encoder": _scores(labels, classification.predict_clips(model, test)),
        "baseline": _scores(labels, baseline),
        "chance": _scores(labels, np.full_like(labels, most_frequent)),
    }


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

    def describe(path: pathlib.Path) -> tuple[Mapping, str]:
        facts = {
            "task": task,
            "labels": list(labels),
            "num_clips": {split: len(patches.clip_labels) for split, patches in splits.items()},
            "settings": dataclasses.asdict(config),
            "sha256": hub.sha256(path),
            "test": measure(model, splits, config),
            **provenance,
        }
        return facts, card_text(facts)

    hub.write_model_folder(folder / MODEL_FILE, save=model.save, describe=describe)
    return folder / hub.CARD_FILE


def measure_again(
    folder: pathlib.Path,
    task: str,
    labels: Sequence[str],
    splits: Mapping[str, classification.LabelledPatches],
) -> pathlib.Path:
    """Measures an encoder that was trained before; rewrites its card and returns the card's path.

    Raises:
        ValueError: if it was trained on another task, or on other classes.
    """
    facts = read_facts(folder / "config.json")
    if (facts["task"], facts["labels"]) != (task, list(labels)):
        raise ValueError(
            f"{folder} holds an encoder of {facts['task']} ({', '.join(facts['labels'])}), not of "
            f"{task} ({', '.join(labels)}); use another output folder"
        )
    try:
        config = classification.ClassifierConfig(**facts["settings"])
    except TypeError as error:
        raise hub.WeightsError(
            f"{folder / 'config.json'}: expected the settings of training; train the encoder anew"
        ) from error
    model = hub.read_keras_model(folder / MODEL_FILE)
    facts["test"] = measure(model, splits, config)
    hub.write_model_folder(
        folder / MODEL_FILE, save=None, describe=lambda _: (facts, card_text(facts))
    )
    return folder / hub.CARD_FILE


def card_text(facts: Mapping) -> str:
    """The model card of what `config.json` holds."""
    task = labelled_corpora.TASKS[facts["task"]]
    rows = [
        f"| {name} | {_percent(scores)} | {scores['balanced_accuracy']:.1%} |"
        for key, name in _ROWS.items()
        for scores in [facts["test"][key]]
    ]
    return _CARD.format(
        task=task.name,
        source=task.source,
        split=task.split,
        num_clips=", ".join(f"{count} {split}" for split, count in facts["num_clips"].items()),
        num_test=facts["num_clips"]["test"],
        num_classes=len(facts["labels"]),
        labels=", ".join(facts["labels"]),
        command=" ".join(facts["command"]),
        settings=", ".join(f"{key} {value}" for key, value in facts["settings"].items()),
        sha256=facts["sha256"],
        rows="\n".join(rows),
    )


def accuracy_table(models_dir: pathlib.Path) -> str:
    """The held-out accuracy of every small encoder in the store, as a Markdown table."""
    lines = [
        "| encoder | classes | test clips | accuracy (95 %) | balanced "
        "| logistic regression (95 %) | chance |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in sorted((models_dir / "small_encoder").glob("*/*/config.json")):
        facts = read_facts(path)
        encoder, baseline, chance = (facts["test"][key] for key in _ROWS)
        lines.append(
            f"| `small_encoder/{facts['task']}` | {len(facts['labels'])} "
            f"| {facts['num_clips']['test']} | {_percent(encoder)} "
            f"| {encoder['balanced_accuracy']:.1%} | {_percent(baseline)} "
            f"| {chance['accuracy']:.1%} |"
        )
    return "\n".join(lines)


def read_facts(path: pathlib.Path) -> dict:
    """What `config.json` of a small encoder tells.

    Raises:
        hub.WeightsError: if it lacks what a card tells.
    """
    facts = documents.read_json(path, _FIELDS, error=hub.WeightsError)
    if facts["task"] not in labelled_corpora.TASKS:
        raise hub.WeightsError(
            f"{path}: no task {facts['task'][:40]!r}; expected one of "
            f"{', '.join(labelled_corpora.TASKS)}"
        )
    splits, numbers = (
        dict.fromkeys(labelled_corpora.SPLITS, int),
        dict.fromkeys(_SCORE_NAMES, (int, float)),
    )
    documents.check_fields(facts["num_clips"], splits, str(path), error=hub.WeightsError)
    rows = dict.fromkeys(_ROWS, dict)
    documents.check_fields(facts["test"], rows, str(path), error=hub.WeightsError)
    for row in _ROWS:
        documents.check_fields(facts["test"][row], numbers, str(path), error=hub.WeightsError)
    if not all(isinstance(text, str) for text in (*facts["labels"], *facts["command"])):
        raise hub.WeightsError(f"{path}: expected texts in labels and command; write it anew")
    return facts


def _percent(scores: Mapping[str, float]) -> str:
    low, high = scores["accuracy_low"], scores["accuracy_high"]
    return f"{scores['accuracy']:.1%} ({low:.1%} to {high:.1%})"
