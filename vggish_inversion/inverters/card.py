"""Puts a trained inverter into the model store, with a model card of measured figures."""

import pathlib
import re
from collections.abc import Iterable, Mapping

from vggish_inversion import features
from vggish_inversion.features import views as tap_views
from vggish_inversion.files import compact, documents, folders, hub, names
from vggish_inversion.inverters import origin, run
from vggish_inversion.inverters.config import MODEL_FILE
from vggish_inversion.targets import loading

_CARD = """# {name}

Inverts `{layer}` ({shape}{views}) of `{target}` back to its log-mel patches: a
{kind} with the "{preset}" preset, trained by this project.

- Data: {data}. Licences: LJSpeech is in the public domain, LibriSpeech is CC BY 4.0. The clips of
  the figures below were not trained on, nor were any of their speakers but LJSpeech's only one.
- Command: `{command}`
- Commit: {commit}
- Patches seen: {num_patches:,} in {num_epochs} epochs; held-out L1 {validation_nats:.3f} nats
  (patches of the validation split, before any vocoder){began}
- Target weights: `{fingerprint}`
- Kernels rounded to {bits} significant bits, and compressed
- sha256 of `inverter.keras`: `{sha256}`
- Licence of these weights: Apache-2.0

{results}"""
_VIEWS = ", on {} patches that overlap, {} frames apart"
_BEGAN = "\n- Training began from the weights `{}`, whose own patches are not counted"
# Kernels are rounded to what training saw of them, or to 11 bits, which moves what an inverter
# gives by less than 0.001 nats on average.
_KERNELS = {"mixed_bfloat16": "bfloat16"}
_KINDS = {"l1": "RecCNN", "gan": "RecGAN"}
_CARD_FIELDS = dict.fromkeys(("tap_shape", "data_dir", "command"), list)
_HISTORY_COLUMNS = ("epoch", "num_patches", "val_loss")
_SUMMARY_COLUMNS = (
    "target",
    "layer",
    "preset",
    "loss",
    "wer",
    "wer_low",
    "wer_high",
    "cer",
    "stoi",
)
_SUMMARY_COLUMNS += ("log_mel_l1", "num_utterances", "vocoder", "asr")
_TABLE_HEAD = """Measured by `scripts/evaluate.py`:

| clips | n | rendered from | vocoder | recogniser | WER % (95 %) | CER % | STOI | L1 (nats) |
|---|---|---|---|---|---|---|---|---|
"""
_COMMIT = re.compile(r"^- Commit: (\S+)$", re.MULTILINE)


def store_inverter(
    run_dir: str | pathlib.Path,
    models_dir: str | pathlib.Path,
    *,
    version: int = 1,
    commit: str = "unknown",
    results_dirs: Iterable[str | pathlib.Path] = (),
) -> pathlib.Path:
    """Copies a finished run into the store and writes its card.

    Args:
        run_dir: a run's folder, or a model that is in the store: its card is written anew.
        models_dir: the store's root.
        version: of the model.
        commit: of the code that trained it; a model that is in the store keeps the one of its card.
        results_dirs: results of `scripts/evaluate.py` for the card.

    Returns:
        The model's folder.

    Raises:
        hub.WeightsError: if the run is not finished.
        ValueError: if its target is a file of the user's own.
    """
    trained = run.read_run(run_dir)
    config = trained.config
    if not loading.is_family(config["target"]):
        raise ValueError(
            f"{run_dir} inverts the network at {config['target']}; expected a target that has a "
            "name of its own: keep the run's folder instead, every script takes it"
        )
    documents.check_fields(config, _CARD_FIELDS, str(trained.folder / "config.json"))
    initial = config.get("initial_weights")  # runs from before there was such a setting have none
    inverter, params = trained.load_model(), features.LogMelParams(**config["log_mel"])
    views = tap_views.Views.taken_by(inverter, config["tap_shape"], params)
    last = trained.last_epoch
    documents.check_fields(
        last, dict.fromkeys(_HISTORY_COLUMNS, float), str(trained.folder / "history.csv")
    )
    if trained.loss not in _KINDS:
        raise ValueError(
            f"{run_dir} was trained with the loss {trained.loss!r}; expected one of "
            f"{', '.join(_KINDS)}"
        )
    name = f"inverter/{config['target']}/{trained.layer}/{trained.preset}-{trained.loss}"
    folder = folders.inside(pathlib.Path(models_dir), f"{name}/{version}")
    is_stored = folder.resolve() == trained.folder.resolve()
    if is_stored:
        commit = _commit_of(folder / hub.CARD_FILE) or commit
    precision = _KERNELS.get(config.get("precision"), "float16")
    # Where things lay on the machine that trained it is of no use to others.
    kept = {name: value for name, value in config.items() if name != origin.PATHS}

    def describe(path: pathlib.Path) -> tuple[Mapping, str]:
        card = _CARD.format(
            name=name,
            layer=trained.layer,
            shape="x".join(map(str, config["tap_shape"])),
            views=_VIEWS.format(views.num_views, views.hop_frames) if views.num_views > 1 else "",
            target=config["target"],
            kind=_KINDS[trained.loss],
            preset=trained.preset,
            data=names.corpora_names(config["data_dir"]),
            command=" ".join(map(str, config["command"])),
            commit=commit,
            num_patches=int(last["num_patches"]),
            num_epochs=int(last["epoch"]),
            validation_nats=10 * float(last["val_loss"]),
            began=_BEGAN.format(initial) if initial else "",
            fingerprint=config["target_fingerprint"],
            bits=compact.significant_bits(hub.read_keras_model(path)),
            sha256=hub.sha256(path),
            results=_results_table(trained, results_dirs),
        )
        return kept, card

    return hub.write_model_folder(
        folder / MODEL_FILE,
        save=None
        if is_stored
        else lambda path: compact.write_compact(inverter, path, precision=precision),
        describe=describe,
        beside=() if is_stored else [trained.folder / hub.HISTORY_FILE],
    )


def _results_table(trained: run.InverterRun, results_dirs) -> str:
    """The rows of summary.csv that tell of this inverter, beside the two references."""
    lines = []
    for results_dir in map(pathlib.Path, results_dirs):
        fields = {"data_dir": list, "split": str}
        settings = documents.read_json(results_dir / "run.json", fields)
        clips = names.corpora_names(settings["data_dir"])
        for row in documents.read_table(results_dir / "summary.csv", _SUMMARY_COLUMNS):
            own = (row["layer"], row["preset"], row["loss"])
            is_own = own == (trained.layer, trained.preset, trained.loss) or not row["preset"]
            if row["target"] != trained.config["target"] or not is_own:
                continue
            wer, low, high, cer = (
                f"{100 * float(row[key]):.1f}" for key in ("wer", "wer_low", "wer_high", "cer")
            )
            lines.append(
                f"| {clips}, {settings['split']} | {row['num_utterances']} | {row['layer']} "
                f"| {row['vocoder'] or '–'} | {row['asr']} | {wer} ({low} to {high}) | {cer} "
                f"| {float(row['stoi']):.3f} | {float(row['log_mel_l1']):.3f} |"
            )
    return _TABLE_HEAD + "\n".join(lines) + "\n" if lines else ""


def _commit_of(card: pathlib.Path) -> str | None:
    """The commit that a card names; None where there is no card, or none in it."""
    found = _COMMIT.search(card.read_text(encoding="utf-8")) if card.is_file() else None
    return found and found.group(1)
