"""The whole road as functions of named tensors: what a SavedModel keeps, in one graph.

They follow TensorFlow Serving's rules: dense tensors with names in and out, and nothing in the
graph that needs Python. What runs is what `Reconstructor` runs.
"""

import tensorflow as tf

from vggish_inversion import reconstruction


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
        self._shape = reconstructor.road.embedding_shape(name)
        self.parts = list(self._road.parts)  # what a SavedModel stores has to hang on the module

    def __repr__(self) -> str:
        """What it is."""
        return f"<ReconstructionModule of {self._inverter}: {', '.join(self.signatures())}>"

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
        log_mel = self._road.invert(self._hear(waveform))[self._inverter]
        vocoded = self._vocoder(log_mel[tf.newaxis])
        return {
            "waveform": self._road.align(vocoded, self._road.num_samples(tf.size(waveform)))[0],
            "log_mel": log_mel,
        }

    @tf.function
    def reconstruct_batch(self, waveforms, num_samples) -> dict:
        """`[batch, samples]`, `[batch]` -> every utterance as `reconstruct` gives it alone."""
        params = self._road.params
        samples = tf.shape(waveforms)[1]
        longest = self._road.num_samples(samples)
        frames = self._road.num_frames(longest)
        fits = tf.reduce_all((num_samples >= 0) & (num_samples <= samples))
        check = tf.debugging.Assert(
            fits, ["num_samples must be within waveforms of", samples, "got", num_samples]
        )

        def one(item):
            waveform, length = item
            made = self.reconstruct(waveform[:length])
            num_frames = tf.shape(made["log_mel"])[0]
            return (
                tf.pad(made["waveform"], [[0, longest - tf.size(made["waveform"])]]),
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
        """`[samples]` -> {embedding `[patches, *embedding_shape]`, num_frames `[]`}."""
        heard = self._hear(waveform)
        return {
            "embedding": self._road.embed(heard, self._inverter),
            "num_frames": self._road.frames_heard(heard),
        }

    @tf.function
    def invert(self, embedding) -> dict:
        """`[patches, *embedding_shape]`, evenly spaced -> {log_mel `[frames, bands]`}."""
        last = (tf.shape(embedding)[0] - 1) * self._road.patch_hop_frames
        return self.invert_to_length(embedding, last + self._road.params.patch_frames)

    @tf.function
    def invert_to_length(self, embedding, num_frames) -> dict:
        """The same for `num_frames` frames; the last patch ends with the utterance."""
        starts, num_patches = self._road.starts(num_frames), tf.shape(embedding)[0]
        check = tf.debugging.Assert(
            (num_patches > 0) & (tf.size(starts) == num_patches),
            [num_frames, "frames are", tf.size(starts), "patches (at least 1), got", num_patches],
        )
        with tf.control_dependencies([check]):
            starts = tf.identity(starts)
        return {"log_mel": self._road.invert_embedding(embedding, starts, self._inverter)}

    def _hear(self, waveform):
        source = self._road.source
        num_samples = tf.size(waveform)
        check = tf.debugging.Assert(
            num_samples >= source.patch_samples,
            [
                f"waveform is too short: one patch needs {source.patch_samples} samples "
                f"({source.patch_samples / source.sample_rate_hz:.3f} s), got",
                num_samples,
            ],
        )
        with tf.control_dependencies([check]):
            return self._road.hear(tf.identity(waveform))
