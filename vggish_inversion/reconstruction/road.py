"""waveform -> waveform' in a TensorFlow graph: what `Reconstructor` calls and a SavedModel keeps.

What treats frames or patches one by one is computed some of them at a time, so that an hour of
speech needs little more memory than a minute.
"""

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.features import views as tap_views
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap, ViewedTap

# What is computed at once: 31 s of speech. VGGish's widest layer is 50 MB of it.
_CHUNK_FRAMES = 3072
_CHUNK_PATCHES = 32
_CHUNK_VIEWS = 64


class Road:
    """The way through some taps of one target, up to the vocoder; every method is pure TensorFlow.

    Attributes:
        params: the target's log-mel.
        source: what its patches are cut from.
        patch_hop_frames: distance between patches.
        names: of the inverters, in order.
        tap_of: name -> the tap that it inverts.
        parts: the SavedModels and `tf.Variable`s that the methods read.
    """

    def __init__(
        self,
        target: encoder.TargetEncoder,
        inverters: Mapping[str, tuple[str | Tap, keras.Model]],
        *,
        patch_hop_frames: int | None = None,
    ):
        """Joins the parts.

        Args:
            target: the frozen network.
            inverters: name -> (a tap or its name, inverter of that tap).
            patch_hop_frames: distance between patches; the target's own if None.

        Raises:
            ValueError: if patches that far apart leave gaps, on an unknown tap, or an inverter of
                another shape.
        """
        self.params, self.source = target.log_mel, target.source
        self.patch_hop_frames = patch_hop_frames or target.log_mel.patch_hop_frames
        if not 1 <= self.patch_hop_frames <= self.params.patch_frames:
            raise ValueError(
                f"patches {self.patch_hop_frames} frames apart leave gaps; expected 1 to "
                f"{self.params.patch_frames}"
            )
        self.names = tuple(inverters)
        viewed = {
            name: ViewedTap.taken_by(inverter, target.tap(layer), self.params)
            for name, (layer, inverter) in inverters.items()
        }
        self.tap_of = {name: item.tap.name for name, item in viewed.items()}
        self._inverters = {name: inverter for name, (_, inverter) in inverters.items()}
        self._views = {name: item.views for name, item in viewed.items()}
        num_views = [views.num_views for views in self._views.values()]
        self._chunk_patches = min(_CHUNK_PATCHES, max(1, _CHUNK_VIEWS // max([1, *num_views])))
        targets = {
            views: self._target_up_to(target, views)
            for views in dict.fromkeys(self._views.values())
        }
        self._taps = {
            views: tap_views.overlapping(model, views, self.source)
            for views, model in targets.items()
        }
        models = [*targets.values(), *self._inverters.values()]
        self.parts = [weight.value for model in models for weight in model.weights]
        layers = [layer for model in targets.values() for layer in model.layers]
        self.parts += [layer.loaded for layer in layers if hasattr(layer, "loaded")]

    def __repr__(self) -> str:
        """What it is."""
        names = ", ".join(self.names) or "no layer"
        return f"<Road through {names}: patches {self.patch_hop_frames} frames apart>"

    def _target_up_to(self, target: encoder.TargetEncoder, views: tap_views.Views) -> keras.Model:
        """The target up to the taps of the inverters that take these views."""
        wanted = sorted({self.tap_of[name] for name in self.names if self._views[name] == views})
        return keras.Model(target.model.input, {tap: target.model.output[tap] for tap in wanted})

    def hear(self, waveform):
        """`[samples]` float32 at the target's rate -> what its patches are cut from.

        That is its log-mel, or the samples themselves.
        """
        if isinstance(self.source, features.LogMelParams):
            return self.log_mel(waveform)
        return tf.cast(waveform, tf.float32)

    def frames_heard(self, heard):
        """The frames of log-mel in what `hear` gave."""
        if isinstance(self.source, features.LogMelParams):
            return tf.shape(heard)[0]
        return self.num_frames(self.num_samples(tf.size(heard)))

    def num_samples(self, num_heard):
        """Samples at the rate of the log-mel, of so many at the target's."""
        return tf.cast(self.source.to_log_mel_rate(tf.cast(num_heard, tf.int64)), tf.int32)

    def log_mel(self, waveform):
        """`[samples]` float32 at the log-mel's rate -> log-mel `[frames, bands]` float32, nats."""
        params = self.params
        hop, overlap = params.hop_samples, params.window_samples - params.hop_samples

        def compute(first, last):
            return features.waveform_to_log_mel(
                waveform[first * hop : last * hop + overlap], params
            )

        num_frames = self.num_frames(tf.size(waveform))
        return concat_chunks(compute, num_frames, _CHUNK_FRAMES, [params.num_bands])

    def num_frames(self, num_samples):
        """`LogMelParams.num_frames` of a tensor."""
        before_first = self.params.window_samples - self.params.hop_samples
        return tf.maximum(0, (num_samples - before_first) // self.params.hop_samples)

    def starts(self, num_frames):
        """First frames of the patches, `[patches]` int32; the last ends with the utterance."""
        return features.covering_patch_starts(
            num_frames, self.params, hop_frames=self.patch_hop_frames
        )

    def embedding_shape(self, name: str) -> tuple[int, ...]:
        """Of the activations of one patch that an inverter takes: the tap's, or of its views."""
        return tuple(self._inverters[name].input_shape[1:])

    def embed(self, heard, name: str):
        """What `hear` gave -> activations `[patches, *embedding_shape]` for one inverter."""
        starts, views = self.starts(self.frames_heard(heard)), self._views[name]

        def compute(first, last):
            return self._activations(heard, starts[first:last], views)[self.tap_of[name]]

        return concat_chunks(
            compute, tf.size(starts), self._chunk_patches, self.embedding_shape(name)
        )

    def invert_embedding(self, embedding, starts, name: str):
        """`[patches, *embedding_shape]` and `[patches]` -> `[frames, bands]` float32, nats."""

        def compute(first, last):
            return self._inverters[name](embedding[first:last], training=False)

        shape = [self.params.patch_frames, self.params.num_bands]
        return self._join(
            concat_chunks(compute, tf.shape(starts)[0], self._chunk_patches, shape), starts
        )

    def invert(self, heard) -> dict:
        """What `hear` gave -> the log-mel `[frames, bands]` that each inverter makes of it.

        The target is computed once for all that take the same views; where patches overlap, they
        cross-fade.
        """
        if not self.names:
            return {}
        starts = self.starts(self.frames_heard(heard))

        def compute(first, last):
            activations = {
                views: self._activations(heard, starts[first:last], views) for views in self._taps
            }
            inverted = [
                self._inverters[name](
                    activations[self._views[name]][self.tap_of[name]], training=False
                )
                for name in self.names
            ]
            return tf.stack(inverted, axis=1)

        shape = [len(self.names), self.params.patch_frames, self.params.num_bands]
        patches = concat_chunks(compute, tf.size(starts), self._chunk_patches, shape)
        return {
            name: self._join(patches[:, index], starts) for index, name in enumerate(self.names)
        }

    def _activations(self, heard, starts, views: tap_views.Views) -> dict:
        """The taps of some patches, each with its views."""
        patches = features.cut_windows(
            heard, starts, self.source, context_frames=views.context_frames
        )
        return self._taps[views](patches, training=False)

    def _join(self, patches, starts):
        log_mel = features.patches_to_log_mel(patches, starts, self.params)
        return tf.maximum(features.unscale_log_mel(log_mel), self.params.log_floor)

    def align(self, vocoded, num_samples):
        """Puts a vocoder's output in its place: `[batch, frames * hop]` -> `[batch, samples]`.

        It begins where half a window less half a hop of the utterance is past.
        """
        before = (self.params.window_samples - self.params.hop_samples) // 2
        after = num_samples - before - tf.shape(vocoded)[1]
        return tf.pad(vocoded, [[0, 0], [before, after]])


def concat_chunks(function: Callable, num_items, chunk_items: int, shape: Sequence[int | None]):
    """`function(0, num_items)`, computed a chunk of items at a time to bound the memory.

    Args:
        function: `(first, last)` -> `[last - first, *shape]` float32, of items that do not depend
            on each other.
        num_items: an int or a tensor of one.
        chunk_items: at most so many at once.
        shape: of one item.
    """
    num_chunks = tf.maximum(1, (num_items + chunk_items - 1) // chunk_items)
    made = tf.TensorArray(tf.float32, num_chunks, element_shape=[None, *shape], infer_shape=False)

    def step(index, made):
        first = index * chunk_items
        last = tf.minimum(first + chunk_items, num_items)
        return index + 1, made.write(index, function(first, last))

    _, made = tf.while_loop(
        lambda index, _: index < num_chunks, step, (0, made), parallel_iterations=1
    )
    return tf.ensure_shape(made.concat(), [None, *shape])
