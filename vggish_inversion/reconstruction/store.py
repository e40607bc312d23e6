"""Loads a `Reconstructor` from a name, a folder, an archive or a URL."""

import os
import pathlib
import tempfile
from typing import Any

from vggish_inversion import reconstruction, vocoders
from vggish_inversion.files import download, hub, names
from vggish_inversion.inverters import run, search
from vggish_inversion.reconstruction import model_folders, saved_model
from vggish_inversion.targets import loading

ALL_LAYERS = "all"
_ARCHIVE_SUFFIXES = (".tar.gz", ".tgz")
_COLUMNS = ("target", "layer", "preset", "loss", "views", "patches seen", "held-out L1", "MB")


def load_reconstructor(
    source: str | os.PathLike[str],
    *,
    layer: str = ALL_LAYERS,
    preset: str | None = None,
    vocoder: str = "griffin_lim",
    target_weights: str | None = None,
    patch_hop_frames: int | None = None,
) -> reconstruction.Reconstructor | saved_model.SavedReconstructor:
    """Loads what reconstructs speech from a layer.

    Args:
        source: a target with inverters in the model store ("small_encoder/speech_commands"); the
            folder of a run, or a folder with one such at any depth; or what `export_saved_model`
            wrote. The latter two may also be a `.tar.gz` or the URL of one (http or https, kept in
            TF-Hub's cache).
        layer: a tap, or "all" that the store has. Of a folder with several runs it chooses one; a
            run or a SavedModel has its own.
        preset: of the inverters in the store, each layer's best on held-out patches if None; of a
            folder with several runs it chooses.
        vocoder: one of `vocoders.VOCODERS`; a SavedModel has its own.
        target_weights: as `load_target` takes them; those of the run, or the published ones, if
            None.
        patch_hop_frames: distance between patches; the target's own if None.

    Returns:
        What maps a waveform to its `Reconstruction` by layer.

    Raises:
        ValueError: if there is no such inverter, or it cannot be had; the message says why.
    """
    source = os.fspath(source)
    choice = {"layer": None if layer == ALL_LAYERS else layer, "preset": preset}
    if source.startswith(("http://", "https://")):
        advice = "pass that to load_reconstructor"
        source = download.fetch(source, check=model_folders.models_below, instead=advice)
    elif source.endswith(_ARCHIVE_SUFFIXES):
        with tempfile.TemporaryDirectory() as folder:  # a model that is loaded needs its no more
            model_folders.unpack(source, folder)
            try:
                model = model_folders.find_model(pathlib.Path(folder), **choice)
                return _load_folder(model, layer, vocoder, target_weights, patch_hop_frames)
            except ValueError as error:
                raise ValueError(f"{source}: {error}") from error  # the folder is of no use to read
    path = pathlib.Path(source).expanduser()
    path = path.parent if path.is_file() and path.name in model_folders.MODEL_FILES else path
    if path.is_dir() and not loading.is_family(source):
        model = model_folders.find_model(path, **choice)
        return _load_folder(model, layer, vocoder, target_weights, patch_hop_frames)
    there = sorted({trained.config["target"] for trained in stored_runs()})
    source = loading.canonical_name(source)
    if source not in there:
        advice = names.did_you_mean(source, there)
        raise ValueError(
            f"no inverters for {source!r} in {hub.models_dir()}{advice} there are some for: "
            f"{' '.join(there) or '(nothing)'}; or give a run's folder, a SavedModel or its URL"
        )
    layers = None if layer == ALL_LAYERS else [layer]
    target, runs = search.open_runs(hub.models_dir(), source, weights=target_weights, layers=layers)
    best = search.best_runs(runs, preset=preset)
    return _join(target, list(best.values()), vocoder, patch_hop_frames)


def stored_runs(models_dir: str | pathlib.Path | None = None) -> list[run.InverterRun]:
    """All inverters below a folder, the model store if None, in the order of their paths."""
    return search.read_runs(models_dir or hub.models_dir())


def format_table(models_dir: str | pathlib.Path | None = None) -> str:
    """What the store holds, as a table to read; L1 in nats, on patches of the validation split."""
    rows = [_COLUMNS]
    for trained in stored_runs(models_dir):
        last, config = trained.last_epoch, trained.config
        size = sum(path.stat().st_size for path in trained.folder.rglob("*") if path.is_file())
        rows.append(
            (
                *(config[key] for key in ("target", "layer", "preset", "loss")),
                str(trained.num_views),
                f"{int(last['num_patches']):,}" if last else "",
                f"{trained.held_out_nats:.3f}" if last else "",
                f"{size / 1e6:.2f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index < 4 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _join(target, runs, vocoder: str, patch_hop_frames: int | None) -> reconstruction.Reconstructor:
    return reconstruction.Reconstructor(
        target,
        {trained.layer: (trained.layer, trained.load_model()) for trained in runs},
        vocoders.load_vocoder(vocoder, target.log_mel),
        patch_hop_frames=patch_hop_frames,
    )


def _load_folder(folder: pathlib.Path, layer, vocoder, target_weights, patch_hop_frames):
    """Loads a SavedModel or a run."""
    is_saved_model = (folder / "saved_model.pb").is_file()
    source: Any = saved_model.SavedReconstructor(folder) if is_saved_model else run.read_run(folder)
    own = source.config
    if layer != ALL_LAYERS and not model_folders.is_of_layer(own, layer):
        raise ValueError(
            f"{folder} inverts {own['layer']}, not {layer}; name that layer, or another folder"
        )
    if is_saved_model:
        if patch_hop_frames not in (None, own["patch_hop_frames"]):
            raise ValueError(
                f"{folder} was exported with patches {own['patch_hop_frames']} frames apart, not "
                f"{patch_hop_frames}; export it anew"
            )
        return source
    target = source.load_target(weights=target_weights)
    source.check_target(target)
    return _join(target, [source], vocoder, patch_hop_frames)
