"""Puts a trained vocoder into the model store, small, with a model card of measured figures."""

import json
import pathlib
from collections.abc import Mapping

from vggish_inversion.files import compact, documents, hub, names
from vggish_inversion.vocoders import neural, training

_CARD = """# vocoder/{name}

Log-mel of VGGish's front end -> waveform at 16 kHz:
{network}, trained by this project
(`vggish_inversion/vocoders/{name}.py`, {num_weights:,} weights).

- Data: {data}. Licences: LJSpeech is in the public domain, LibriSpeech is CC BY 4.0. The clips of
  the figures below were not trained on, nor were any of their speakers but LJSpeech's only one.
- Command: `{command}`
- Commit: {commit}
- {num_steps:,} steps of {batch_size} segments of {segment_frames} frames ({num_epochs} of
  {all_epochs} planned epochs); held-out spectral loss {val_loss}, STOI {val_stoi}{began}
- Weights are rounded to float16, and kept as float32 in a compressed `.keras` file.
- sha256 of `vocoder.keras`: `{sha256}`
- Licence of these weights: Apache-2.0
{results}"""
_BEGAN = "\n- Training began from the weights `{}`"
_CARD_FIELDS = {**dict.fromkeys(("data_dir", "command"), list), "segment_frames": int}
_CARD_FIELDS |= dict.fromkeys(("steps_per_epoch", "batch_size", "num_epochs"), int)
_NETWORKS = {
    "vocos": "ConvNeXt blocks at the rate of frames and an inverse STFT, in the manner of Vocos",
    "melgan": "MelGAN's generator",
}
_RESULTS = """
Measured by `python benchmarks/vocoders.py` on the true log-mel of {num_clips} clips ({data}):

| vocoder | x real time | STOI | wide-band PESQ | log-mel L1 (nats) |
|---|---|---|---|---|
"""


def store_vocoder(
    run_dir: str | pathlib.Path,
    models_dir: str | pathlib.Path,
    *,
    version: int = 1,
    commit: str = "unknown",
    results: Mapping | None = None,
) -> pathlib.Path:
    """Copies what a run has reached into the store and writes its card.

    Args:
        run_dir: a run's folder, finished or not, or a vocoder that is in the store: its card is
            written anew.
        models_dir: the store's root.
        version: of the model.
        commit: of the code that trained it.
        results: the JSON object that benchmarks/vocoders.py prints, for the card.

    Returns:
        The model's folder.

    Raises:
        hub.WeightsError: if the run has not ended its first epoch.
        ValueError: if `results` are of other weights.
    """
    run_dir = pathlib.Path(run_dir)
    config = neural.read_config(run_dir)
    documents.check_fields(config, _CARD_FIELDS, str(run_dir / neural.CONFIG_FILE))
    rows = documents.read_table(run_dir / "history.csv", ("epoch",), error=hub.WeightsError)
    if not rows or not rows[-1]["epoch"].isdecimal():
        raise hub.WeightsError(
            f"{run_dir / 'history.csv'}: expected a row per epoch; store a run that has ended one"
        )
    last, name = rows[-1], config["vocoder"]
    folder = pathlib.Path(models_dir) / "vocoder" / name / str(version)
    is_stored = folder.resolve() == run_dir.resolve()
    model = hub.read_keras_model(run_dir / training.MODEL_FILE)

    def describe(path: pathlib.Path) -> tuple[Mapping, str]:
        digest = hub.sha256(path)
        if results and results["neural_sha256"] != digest:
            raise ValueError(
                f"the results are of weights {results['neural_sha256']}, not of {digest}, which "
                f"would be stored; store {run_dir} without results, run benchmarks/vocoders.py "
                f"--neural={folder}, and store that folder with its output"
            )
        card = _CARD.format(
            name=name,
            network=_NETWORKS[name],
            num_weights=model.count_params(),
            data=names.corpora_names(config["data_dir"]),
            command=" ".join(map(str, config["command"])),
            commit=commit,
            num_steps=int(last["epoch"]) * config["steps_per_epoch"],
            batch_size=config["batch_size"],
            segment_frames=config["segment_frames"],
            num_epochs=last["epoch"],
            all_epochs=config["num_epochs"],
            val_loss=_rounded(last, "val_loss"),
            val_stoi=_rounded(last, "val_stoi"),
            began=_BEGAN.format(config["initial_weights"]) if config["initial_weights"] else "",
            sha256=digest,
            results=_results_table(name, results) if results else "",
        )
        return config, card

    return hub.write_model_folder(
        folder / training.MODEL_FILE,
        save=None if is_stored else lambda path: compact.write_compact(model, path),
        describe=describe,
        beside=() if is_stored else [run_dir / hub.HISTORY_FILE],
    )


def _rounded(row: Mapping[str, str], key: str) -> str:
    return f"{float(row[key]):.3f}" if key in row else "not measured"


def _results_table(name: str, results: Mapping) -> str:
    lines = [_RESULTS.format(num_clips=results["num_clips"], data=results["data"])]
    for key, label in (("neural", name), ("griffin_lim", "griffin_lim")):
        pesq = results.get(f"{key}_pesq")
        lines.append(
            f"| {label} | {results[f'{key}_times_realtime']:.0f} | {results[f'{key}_stoi']:.3f} "
            f"| {'not measured' if pesq is None else f'{pesq:.2f}'} "
            f"| {results[f'{key}_log_mel_l1']:.3f} |\n"
        )
    return "".join(lines)


def read_results(path: str | pathlib.Path) -> dict:
    """The JSON object in the last line of what a benchmark printed."""
    lines = documents.read_text(pathlib.Path(path)).splitlines()
    try:
        results = json.loads(lines[-1])
        if not isinstance(results, dict) or "neural_sha256" not in results:
            raise ValueError("no results of a vocoder")
    except (ValueError, IndexError, RecursionError) as error:
        raise ValueError(
            f"{path}: expected the output of benchmarks/vocoders.py, whose last line is JSON"
        ) from error
    return results
