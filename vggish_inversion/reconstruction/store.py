"""From a name to a `Reconstructor`: the model store, one's own folders, published SavedModels."""

import difflib
import os
import pathlib
import tarfile
import tempfile
import zlib
from collections.abc import Collection
from typing import Any

import tensorflow as tf

from vggish_inversion import audio, features, reconstruction, vocoders
from vggish_inversion.files import documents, download, formats, hub
from vggish_inversion.inverters import run
from vggish_inversion.reconstruction import reconstructor
from vggish_inversion.targets import loading

ALL_LAYERS = "all"
_EXPORT_FIELDS = {"layer": str, "log_mel": dict, "patch_hop_frames": int}
_ARCHIVE_ERRORS = (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, RecursionError)
_MAX_INFLATION = 200  # zeros deflate a thousand times, and no model is zeros
_ARCHIVE_SUFFIXES = (".tar.gz", ".tgz")
_MODEL_FILES = ("saved_model.pb", "inverter.keras")
_NAMED = 8  # in a message
_COLUMNS = ("target", "layer", "preset", "loss", "views", "patches seen", "held-out L1", "MB")


class SavedReconstructor:
    """A SavedModel of `export/`, called as a `Reconstructor` is.

    Attributes:
        model: what `tf.saved_model.load` gave, with all its signatures.
        config: what it was made of.
    """

    def __init__(self, folder: pathlib.Path):
        """Loads it. A SavedModel is a program: load only what you trust.

        Raises:
            hub.WeightsError: if the folder holds none that this package wrote.
        """
        try:
            self.config = documents.read_json(folder / "config.json", _EXPORT_FIELDS)
            self._params = features.LogMelParams(**self.config["log_mel"])
            self.model: Any = tf.saved_model.load(str(folder))
            self._reconstruct = self.model.signatures["reconstruct"]
        except (OSError, ValueError, LookupError, TypeError, tf.errors.OpError) as error:
            raise hub.WeightsError(
                f"{folder}: cannot be read as a SavedModel of scripts/export_saved_model.py "
                f"({(str(error) or type(error).__name__).splitlines()[0]})"
            ) from error

    def __repr__(self) -> str:
        """What it is."""
        layer, target = self.config["layer"], self.config.get("target", "a network")
        return f"<SavedReconstructor from {layer} of {target}, by {self.config.get('vocoder')}>"

    @property
    def sample_rate_hz(self) -> int:
        """Of the waveforms that it takes; what it gives is at 16 kHz."""
        return self._params.sample_rate_hz

    def __call__(
        self, waveform: audio.Sound, *, names: Collection[str] | None = None
    ) -> dict[str, reconstruction.Reconstruction]:
        """Reconstructs one utterance: {layer: reconstruction}; see `Reconstructor`."""
        waveform = reconstructor.to_utterance(waveform, self._params)
        layer = self.config["layer"]
        if names is not None and layer not in names:
            return {}
        made = self._reconstruct(waveform=tf.constant(waveform, tf.float32))
        heard = audio.resample(
            made["waveform"].numpy(), from_hz=self.sample_rate_hz, to_hz=audio.SAMPLE_RATE_HZ
        )
        return {layer: reconstruction.Reconstruction(made["log_mel"].numpy(), heard)}


def load_reconstructor(
    source: str | os.PathLike[str],
    *,
    layer: str = ALL_LAYERS,
    preset: str | None = None,
    vocoder: str = "griffin_lim",
    target_weights: str | None = None,
    patch_hop_frames: int | None = None,
) -> reconstruction.Reconstructor | SavedReconstructor:
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
        source = download.fetch(source, check=_models_below, instead=advice)
    elif source.endswith(_ARCHIVE_SUFFIXES):
        with tempfile.TemporaryDirectory() as folder:  # a model that is loaded needs its no more
            _unpack(source, folder)
            try:
                model = _find_model(pathlib.Path(folder), **choice)
                return _load_folder(model, layer, vocoder, target_weights, patch_hop_frames)
            except ValueError as error:
                raise ValueError(f"{source}: {error}") from error  # the folder is of no use to read
    path = pathlib.Path(source).expanduser()
    path = path.parent if path.is_file() and path.name in _MODEL_FILES else path
    if path.is_dir() and not loading.is_family(source):
        model = _find_model(path, **choice)
        return _load_folder(model, layer, vocoder, target_weights, patch_hop_frames)
    there = sorted({trained.config["target"] for trained in stored_runs()})
    source = loading.canonical_name(source)
    if source not in there:
        near = difflib.get_close_matches(source.lower(), there, n=2)
        advice = f"; did you mean {' or '.join(near)}?" if near else ";"
        raise ValueError(
            f"no inverters for {source!r} in {hub.models_dir()}{advice} there are some for: "
            f"{' '.join(there) or '(nothing)'}; or give a run's folder, a SavedModel or its URL"
        )
    layers = None if layer == ALL_LAYERS else [layer]
    target, runs = run.open_runs(hub.models_dir(), source, weights=target_weights, layers=layers)
    best = run.best_runs(runs, preset=preset)
    return _join(target, list(best.values()), vocoder, patch_hop_frames)


def stored_runs(models_dir: str | pathlib.Path | None = None) -> list[run.InverterRun]:
    """All inverters below a folder, the model store if None, in the order of their paths."""
    return run.read_runs(models_dir or hub.models_dir())


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
    source: Any = SavedReconstructor(folder) if is_saved_model else run.read_run(folder)
    own = source.config
    if layer not in (ALL_LAYERS, own["layer"]):
        raise ValueError(f"{folder} inverts {own['layer']}, not {layer}")
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


def _find_model(folder: pathlib.Path, *, layer: str | None, preset: str | None) -> pathlib.Path:
    """The folder of a model: this, or the only one below it, of that layer and preset if given."""
    found = _models_below(folder)
    chosen = found
    if len(found) > 1:
        for name, wanted in (("layer", layer), ("preset", preset)):
            if wanted is not None:
                chosen = [path for path in chosen if _setting(path, name) == wanted]
    if len(chosen) == 1:
        return chosen[0]
    names = [path.relative_to(folder).as_posix() for path in chosen or found]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    wanted = " ".join(filter(None, (layer, preset)))
    raise hub.WeightsError(
        f"{folder}: expected one model{f' of {wanted}' if wanted else ''}, there are "
        f"{len(names) if chosen else 'others'}: {', '.join(names[:_NAMED])}{more}; name the folder "
        f"of one, such as {folder / names[0]}"
    )


def _models_below(folder: str | pathlib.Path) -> list[pathlib.Path]:
    """The folders of models: the folder itself if it is one, else those at any depth."""
    folder = pathlib.Path(folder)
    if any((folder / name).is_file() for name in _MODEL_FILES):
        return [folder]
    found = sorted({path.parent for name in _MODEL_FILES for path in folder.rglob(name)})
    if not found:
        raise hub.WeightsError(f"{folder}: expected a SavedModel or a run's folder, found neither")
    return found


def _setting(folder: pathlib.Path, name: str) -> Any:
    return documents.read_json(folder / "config.json", error=hub.WeightsError).get(name)


def _unpack(path: str, folder: str) -> None:
    if formats.is_stand_in(path):
        raise hub.WeightsError(formats.refusal(path, "an inverter's .tar.gz"))
    most = _MAX_INFLATION * pathlib.Path(path).stat().st_size if pathlib.Path(path).is_file() else 0
    try:
        with tarfile.open(path) as archive:
            members = []
            for member in archive:  # of a bomb, no more is read than it may hold
                members.append(member)
                if sum(item.size for item in members) > most:
                    raise tarfile.TarError("it would unpack to far more than a model")
            archive.extractall(folder, members, filter="data")  # nothing outside of the folder
    except _ARCHIVE_ERRORS as error:
        reason = " ".join((str(error) or type(error).__name__).split())
        raise hub.WeightsError(f"{path}: cannot be unpacked ({reason}); copy it again") from error
