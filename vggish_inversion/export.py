"""The whole road as one SavedModel, which runs where this package is not installed.

Its signatures follow TensorFlow Serving's rules: named float tensors in and out. What runs is what
`Reconstructor` runs, in the same graph.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable

import tensorflow as tf

from vggish_inversion import folders, reconstruction
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.targets import encoder

_CARD = """# {layer} of {target}, and back to sound

A TensorFlow SavedModel: 16 kHz mono waveform -> log-mel -> `{target}` up to `{layer}` ({shape}) ->
inverter -> log-mel' -> waveform'. Made by vggish_inversion; it needs TensorFlow alone.

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
what `hub.KerasLayer` does.
"""


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
        model = ReconstructionModule(reconstructor, trained.layer)
        tf.saved_model.save(model, str(unfinished), signatures=model.signatures())
        facts = _facts(trained, reconstructor, vocoder_name)
        settings = json.dumps(facts, indent=2) + "\n"
        (unfinished / "config.json").write_text(settings, encoding="utf-8")
        card = _card(facts, target, folder.name)
        (unfinished / "README.md").write_text(card, encoding="utf-8")
    return folder


def _facts(trained, reconstructor: reconstruction.Reconstructor, vocoder: str) -> dict:
    """What config.json tells of a SavedModel."""
    target = reconstructor.target
    return {
        "target": target.name,
        "target_fingerprint": target.fingerprint,
        "layer": trained.layer,
        "tap_shape": list(target.tap(trained.layer).shape),
        "preset": trained.preset,
        "loss": trained.loss,
        "inverter_sha256": trained.sha256,
        "vocoder": vocoder,
        "log_mel": dataclasses.asdict(target.log_mel),
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
        axes=", ".join(map(str, facts["tap_shape"])),
        patch_samples=params.patch_samples,
        log_floor=params.log_floor,
        bands=params.num_bands,
        folder=folder,
    )


class ReconstructionModule(tf.Module):
    """The functions of one SavedModel. Calling it maps a waveform to its reconstruction."""

    def __init__(self, reconstructor: reconstruction.Reconstructor, name: str):
        """Traces nothing yet.

        Args:
            reconstructor: the parts.
            name: which of its inverters.
        """
        super().__init__(name="reconstruction")
        self._road, self._vocoder = reconstructor.road, reconstructor.vocoder
        self._inverter = name
        self._shape = reconstructor.target.tap(reconstructor.road.tap_of[name]).shape
        self.parts = list(self._road.parts)  # what a SavedModel stores has to hang on the module

    def signatures(self) -> dict:
        """Name -> function of named tensors, as TensorFlow Serving wants them."""
        waveform = tf.TensorSpec([None], tf.float32, "waveform")
        embedding = tf.TensorSpec([None, *self._shape], tf.float32, "embedding")
        arguments = {
            "reconstruct": (self.reconstruct, [waveform]),
            "reconstruct_batch": (
                self.reconstruct_batch,
                [
                    tf.TensorSpec([None, None], tf.float32, "waveforms"),
                    tf.TensorSpec([None], tf.int32, "num_samples"),
                ],
            ),
            "embed": (self.embed, [waveform]),
            "invert": (self.invert, [embedding]),
            "invert_to_length": (
                self.invert_to_length,
                [embedding, tf.TensorSpec([], tf.int32, "num_frames")],
            ),
        }
        made = {
            name: function.get_concrete_function(*specs)
            for name, (function, specs) in arguments.items()
        }
        return {**made, "serving_default": made["reconstruct"]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, waveform):
        """`[samples]` -> `[samples]`."""
        return self.reconstruct(waveform)["waveform"]

    @tf.function
    def reconstruct(self, waveform) -> dict:
        """`[samples]` -> {waveform `[samples]`, log_mel `[frames, bands]`}."""
        log_mel = self._road.invert(self._log_mel(waveform))[self._inverter]
        vocoded = self._vocoder(log_mel[tf.newaxis])
        return {
            "waveform": self._road.align(vocoded, tf.size(waveform))[0],
            "log_mel": log_mel,
        }

    @tf.function
    def reconstruct_batch(self, waveforms, num_samples) -> dict:
        """`[batch, samples]`, `[batch]` -> every utterance as `reconstruct` gives it alone."""
        params = self._road.params
        samples = tf.shape(waveforms)[1]
        frames = self._road.num_frames(samples)
        fits = tf.reduce_all((num_samples >= 0) & (num_samples <= samples))
        check = tf.debugging.Assert(
            fits, ["num_samples must be within waveforms of", samples, "got", num_samples]
        )

        def one(item):
            waveform, length = item
            made = self.reconstruct(waveform[:length])
            num_frames = tf.shape(made["log_mel"])[0]
            return (
                tf.pad(made["waveform"], [[0, samples - length]]),
                tf.pad(
                    made["log_mel"],
                    [[0, frames - num_frames], [0, 0]],
                    constant_values=params.log_floor,
                ),
                num_frames,
            )

        with tf.control_dependencies([check]):
            made = tf.map_fn(
                one,
                (waveforms, num_samples),
                fn_output_signature=(
                    tf.TensorSpec([None], tf.float32),
                    tf.TensorSpec([None, params.num_bands], tf.float32),
                    tf.int32,
                ),
            )
        return dict(zip(("waveforms", "log_mels", "num_frames"), made, strict=True))

    @tf.function
    def embed(self, waveform) -> dict:
        """`[samples]` -> {embedding `[patches, *tap_shape]`, num_frames `[]`}."""
        log_mel = self._log_mel(waveform)
        return {
            "embedding": self._road.embed(log_mel, self._inverter),
            "num_frames": tf.shape(log_mel)[0],
        }

    @tf.function
    def invert(self, embedding) -> dict:
        """`[patches, *tap_shape]`, evenly spaced -> {log_mel `[frames, bands]`}."""
        last = (tf.shape(embedding)[0] - 1) * self._road.patch_hop_frames
        return self.invert_to_length(embedding, last + self._road.params.patch_frames)

    @tf.function
    def invert_to_length(self, embedding, num_frames) -> dict:
        """The same of patches the last of which ends with the utterance, `num_frames` long."""
        starts, num_patches = self._road.starts(num_frames), tf.shape(embedding)[0]
        check = tf.debugging.Assert(
            (num_patches > 0) & (tf.size(starts) == num_patches),
            [num_frames, "frames are", tf.size(starts), "patches (at least 1), got", num_patches],
        )
        with tf.control_dependencies([check]):
            starts = tf.identity(starts)
        return {"log_mel": self._road.invert_embedding(embedding, starts, self._inverter)}

    def _log_mel(self, waveform):
        params = self._road.params
        num_samples = tf.size(waveform)
        check = tf.debugging.Assert(
            num_samples >= params.patch_samples,
            [
                f"waveform is too short: one patch needs {params.patch_samples} samples "
                f"({params.patch_samples / params.sample_rate_hz:.3f} s), got",
                num_samples,
            ],
        )
        with tf.control_dependencies([check]):
            return self._road.log_mel(tf.identity(waveform))
