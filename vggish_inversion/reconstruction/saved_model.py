"""The SavedModel of an inverter: its folder, written whole or not at all, and read back."""

import contextlib
import os
import pathlib
from collections.abc import Callable, Collection
from typing import Any

import tensorflow as tf

from vggish_inversion import audio, features, reconstruction
from vggish_inversion.files import documents, folders, hub
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.reconstruction import quiet, signatures
from vggish_inversion.reconstruction import reconstructor as reconstructors
from vggish_inversion.targets import encoder, graph

_CARD = """# {layer} of {target}, and back to sound

A TensorFlow SavedModel: mono waveform at {sample_rate_hz} Hz -> its front end -> `{target}` up to
`{layer}` ({shape}) -> inverter -> log-mel' -> waveform' at {made_hz} Hz. Made by vggish_inversion;
it needs TensorFlow alone.

- Target: `{target}`, weights `{target_fingerprint}`
- Inverter: preset "{preset}", loss "{loss}", sha256 `{inverter_sha256}`
- Vocoder: {vocoder}
- Log-mel: {log_mel}; patches {patch_hop_frames} frames apart

    import tensorflow as tf
    model = tf.saved_model.load("{folder}")
    made = model.signatures["reconstruct"](waveform=waveform)  # [samples] float32 in [-1, 1]
    made["waveform"], made["log_mel"]                          # [samples], [frames, {bands}]

Signatures, each with named inputs and outputs:

- `reconstruct`, which is also `serving_default`: `waveform` [samples]
  -> `waveform` [samples], `log_mel` [frames, {bands}]
- `reconstruct_batch`: `waveforms` [batch, samples] padded at the end, `num_samples` [batch] int32
  -> `waveforms` [batch, samples], `log_mels` [batch, frames, {bands}], `num_frames` [batch]
- `embed`: `waveform` [samples] -> `embedding` [patches, {axes}], `num_frames` []
- `invert`: `embedding` [patches, {axes}] -> `log_mel` [frames, {bands}], where patches
  are {patch_hop_frames} frames apart
- `invert_to_length`: the same and `num_frames` [] int32 -> `log_mel` [num_frames, {bands}], where
  the last patch ends with the utterance

Waveforms have at least {patch_samples} samples (one patch); what is shorter is an
InvalidArgumentError. In a batch every utterance comes out as it does alone; its padding comes out
as silence (waveform 0, log-mel {log_floor:.3f}). `embed` and then `invert_to_length` is what
`reconstruct` does before the vocoder: change the embedding between them to see what a defence or
a quantiser leaves. Called as a function, the model maps a waveform to its reconstruction, which is
what `hub.KerasLayer` does. TensorFlow Serving wants this folder as NAME/1, below its model's name.
"""

_EXPORT_FIELDS = {"layer": str, "log_mel": dict, "patch_hop_frames": int}


def export_saved_model(
    trained: inverter_run.InverterRun,
    output_dir: str | os.PathLike[str],
    *,
    target: encoder.TargetEncoder,
    vocoder: Callable,
    vocoder_name: str = "griffin_lim",
    patch_hop_frames: int | None = None,
) -> pathlib.Path:
    """Writes the SavedModel of one inverter, with a model card; whole, or not at all.

    Args:
        trained: the inverter.
        output_dir: is made.
        target: the network that it inverts.
        vocoder: `[batch, frames, bands]` log-mel -> `[batch, frames * hop]`, in TensorFlow.
        vocoder_name: for the card.
        patch_hop_frames: distance between patches; the target's own if None.

    Returns:
        The folder.

    Raises:
        ValueError: if the inverter was trained on another network.
        FileExistsError: if `output_dir` is there already.
    """
    trained.check_target(target)
    folder = pathlib.Path(output_dir)
    with folders.write_whole(folder) as unfinished:
        reconstructor = reconstruction.Reconstructor(
            target,
            {trained.layer: (trained.layer, trained.load_model())},
            vocoder,
            patch_hop_frames=patch_hop_frames,
        )
        model = signatures.ReconstructionModule(reconstructor, trained.layer)
        with quiet.stderr_kept_back(), _names_for_graphs(reconstructor.road.parts):
            tf.saved_model.save(model, str(unfinished), signatures=model.signatures())
        facts = _facts(trained, reconstructor, vocoder_name)
        documents.write_json(unfinished / "config.json", facts)
        card = _card(facts, target, folder.name)
        (unfinished / "README.md").write_text(card, encoding="utf-8")
    return folder


class SavedReconstructor:
    """A SavedModel of `export_saved_model`, called as a `Reconstructor` is.

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
            self._source = features.described_source(self.config)
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
        return self._source.sample_rate_hz

    def __call__(
        self, waveform: audio.Sound, *, names: Collection[str] | None = None
    ) -> dict[str, reconstruction.Reconstruction]:
        """Reconstructs one utterance: {layer: reconstruction}; see `Reconstructor`."""
        waveform = reconstructors.to_utterance(waveform, self._source)
        layer = self.config["layer"]
        if names is not None and layer not in names:
            return {}
        made = self._reconstruct(waveform=tf.constant(waveform, tf.float32))
        heard = audio.resample(
            made["waveform"].numpy(),
            from_hz=self._source.log_mel.sample_rate_hz,
            to_hz=audio.SAMPLE_RATE_HZ,
        )
        return {layer: reconstruction.Reconstruction(made["log_mel"].numpy(), heard)}


@contextlib.contextmanager
def _names_for_graphs(parts):
    """Variables are named after layers, which may be called what TensorFlow takes in no graph."""
    variables = [part for part in parts if isinstance(part, tf.Variable)]
    names = [variable._handle_name for variable in variables]
    try:
        for variable, name in zip(variables, names, strict=True):
            words = name.removesuffix(":0").split("/")
            variable._handle_name = "/".join(map(graph.scope_name, words)) + ":0"
        yield
    finally:
        for variable, name in zip(variables, names, strict=True):
            variable._handle_name = name


def _facts(trained, reconstructor: reconstruction.Reconstructor, vocoder: str) -> dict:
    """What config.json tells of a SavedModel."""
    target = reconstructor.target
    return {
        "target": target.name,
        "target_fingerprint": target.fingerprint_as(trained.config["target_fingerprint"]),
        "layer": trained.layer,
        "tap_shape": list(target.tap(trained.layer).shape),
        "embedding_shape": list(reconstructor.road.embedding_shape(trained.layer)),
        "preset": trained.preset,
        "loss": trained.loss,
        "inverter_sha256": trained.sha256,
        "vocoder": vocoder,
        **features.describe_source(target.source),
        "patch_hop_frames": reconstructor.road.patch_hop_frames,
    }


def _card(facts: dict, target: encoder.TargetEncoder, folder: str) -> str:
    """The README.md of a SavedModel."""
    params = target.log_mel
    front_end = (
        f"{params.num_bands} bands of {params.low_hz:g} to {params.high_hz:g} Hz, every "
        f"{1000 * params.hop_seconds:g} ms, ln(magnitude + {params.log_offset:g}), in patches of "
        f"{params.patch_frames} frames"
    )
    return _CARD.format(
        **{**facts, "log_mel": front_end},
        shape="x".join(map(str, facts["tap_shape"])),
        axes=", ".join(map(str, facts["embedding_shape"])),
        patch_samples=target.source.patch_samples,
        sample_rate_hz=target.source.sample_rate_hz,
        made_hz=params.sample_rate_hz,
        log_floor=params.log_floor,
        bands=params.num_bands,
        folder=folder,
    )
