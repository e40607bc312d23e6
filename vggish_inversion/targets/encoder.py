"""What every frozen target offers: taps, heads, its log-mel, and the sub-model up to each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from vggish_inversion import features
from vggish_inversion.targets import fingerprint as fingerprints
from vggish_inversion.targets import graph
from vggish_inversion.targets.own import keras_model, network_input
from vggish_inversion.targets.taps import Head, Outputs, Tap

UNTRAINED = "untrained"  # in place of weights: random ones, a control


class TargetEncoder:
    """A frozen CNN whose activations are inverted; called, it gives all of its taps and heads.

    Attributes:
        name: what `load_target` was asked for.
        model: what it takes, `[batch, *source.window_shape()]` float32 -> {tap name: activations}:
            log-mel patches `[batch, frames, bands]` in nats, else `[batch, samples]`.
        taps: the taps, from shallow to deep.
        heads: where it tells classes apart, if it does.
        front_end: what the network takes; what it was trained with.
        log_mel: what is inverted: the front end itself where it is a log-mel that vocoders read,
            else VGGish's log-mel of what the network hears.
        source: what the network's patches are cut from, log-mel or samples.
        front_end_sources: where each of its settings is known from; empty for our own targets.
        axes: of the patches that your own network takes, if you stated them.
        fingerprint: of the network: layers, weights and front end; see `targets.fingerprint`.
        absent: taps of the network that its weights do not reach, and why.
        weights: what `load_target` was asked for, so that a run can ask for it again.
        seed: of untrained weights, as `load_target` was asked for it.
        stated_axes: what `load_target` was told of the axes.
        stated_head: what `load_target` was told of the head.
    """

    def __init__(
        self,
        name: str,
        model: keras.Model,
        taps: tuple[Tap, ...],
        *,
        front_end: features.FrontEnd,
        heads: Mapping[Head, Any] | None = None,
        front_end_sources: Mapping[str, str] | None = None,
        axes: str | None = None,
        aliases: Mapping[str, str] | None = None,
        fingerprint: str = "",
        weights_fingerprint: Callable[[], str] | None = None,
        absent: Mapping[str, str] | None = None,
    ):
        """Freezes `model`, whose outputs must be a dict keyed by the names of `taps`.

        The logits of `heads` are symbolic tensors that depend on the model's input.
        """
        model.trainable = False
        self.name = name
        self.model = model
        self.taps = taps
        self.heads = tuple(heads or ())
        self._logits = {head.name: logits for head, logits in (heads or {}).items()}
        self._whole: keras.Model | None = None
        self.front_end = front_end
        is_log_mel = isinstance(front_end, features.LogMelParams)
        self.source: features.Source = front_end if is_log_mel else front_end.windows
        self.log_mel: features.LogMelParams = self.source.log_mel
        self.front_end_sources = dict(front_end_sources or {})
        self.axes = axes
        self.aliases = dict(aliases or {})
        self.fingerprint = fingerprint
        self.absent = dict(absent or {})
        self._weights_fingerprint = weights_fingerprint or (lambda: fingerprints.of_weights(model))
        self.weights: str | None = None
        self.seed = 0
        self.stated_axes: str | None = None
        self.stated_head: str | None = None

    def __repr__(self) -> str:
        """What it is."""
        names = [tap.name for tap in self.taps]
        shown = f"{len(names)} taps, {names[0]} to {names[-1]}" if names else "no taps"
        heads = f", heads {' '.join(self._logits)}" if self.heads else ""
        return f"<TargetEncoder {self.name}: {shown}{heads}; weights {self.weights or 'its own'}>"

    @classmethod
    def from_keras(
        cls,
        model: keras.Model,
        *,
        taps: Sequence[str] | None = None,
        front_end: features.FrontEnd | Mapping[str, Any] | None = None,
        log_mel: features.LogMelParams | Mapping[str, Any] | None = None,
        log_mel_layer: str | None = None,
        axes: str | None = None,
        head: str | None = None,
        class_names: Sequence[str] | None = None,
        name: str | None = None,
    ) -> "TargetEncoder":
        """Makes a target of your own network. It shares the model's layers, and freezes them.

        Args:
            model: a functional or Sequential model of one input: patches `[batch, frames, bands]`,
                or with a last axis of 1 or of 3 channels (which are filled alike); or waveforms
                `[batch, samples]`, or with a last axis of 1.
            taps: names of layers; every layer whose output is worth inverting if None.
            front_end: what makes the network's input, as it was trained: a `LogMelParams` for a
                natural logarithm of mel magnitude, a `LogMel`, `LogSpectrogram` or `Waveform` for
                the rest; or a mapping of fields, as JSON states them. Lengths that the model's
                input has need not be stated.
            log_mel: the same, of a network that takes the log-mel of `LogMelParams`: a mapping of
                those of its fields that differ from VGGish's.
            log_mel_layer: of a model that takes waveforms `[batch, samples]`, the layer whose
                output is that log-mel. The taps lie behind it.
            axes: the order of a patch's axes in the model: "frames,bands", or "bands,frames", as
                librosa gives them. Taps of three axes are then turned to frames first. If None it
                is frames x bands, with a warning where the shape suggests the other.
            head: the layer that tells classes apart, `[batch, classes]`: its logits, or the scores
                that softmax or sigmoid make of them. If None it is what the model ends with.
            class_names: of the head, in the order of the logits.
            name: the path at which the model is saved, if scripts are to find it again.

        Raises:
            ValueError: if the model, a tap, the head or the log-mel cannot be used; the message
                says why.
        """
        if front_end is not None and log_mel is not None:
            raise ValueError("front_end= and log_mel= are two names of one thing; give one")
        if isinstance(log_mel, Mapping):
            network_input.check_fields(log_mel)
        parts = keras_model.parts(
            model,
            taps=taps,
            front_end=log_mel if front_end is None else front_end,
            log_mel_layer=log_mel_layer,
            axes=axes,
            head=head,
            class_names=class_names,
            name=name,
        )
        return cls(**parts)

    def tap(self, name: str | Tap) -> Tap:
        """The tap of that name or alias: what users call a layer. A tap of this target is itself.

        Raises:
            ValueError: if there is none; the message lists the names.
        """
        if isinstance(name, Tap):
            if name in self.taps:
                return name
            name = name.name
        resolved = self.aliases.get(name, name)
        for tap in self.taps:
            if tap.name == resolved:
                return tap
        names = " ".join(tap.name for tap in self.taps)
        if resolved in self.absent:
            raise ValueError(
                f"{self.name} has no layer {name!r} here: {self.absent[resolved]}; its layers are: "
                f"{names}"
            )
        aliases = " ".join(f"{alias}={tap}" for alias, tap in self.aliases.items())
        raise ValueError(
            f"{self.name} has no layer {name!r}; its layers are: {names}"
            + (f" (also {aliases})" if aliases else "")
        )

    def head(self, name: str | None = None) -> Head:
        """The head of that name; the only one if None.

        Raises:
            ValueError: if there is none, or several; the message lists the names.
        """
        for head in self.heads:
            if name == head.name or (name is None and len(self.heads) == 1):
                return head
        names = " ".join(head.name for head in self.heads)
        if name is not None and name in self.absent:
            raise ValueError(f"{self.name} has no head {name!r} here: {self.absent[name]}")
        if not names:
            raise ValueError(
                f"{self.name} has no head: it gives activations, and tells no classes apart"
            )
        if name is None:
            raise ValueError(f"{self.name} has several heads; name one: {names}")
        raise ValueError(f"{self.name} has no head {name!r}; its heads are: {names}")

    def __call__(self, patches: Any) -> Outputs:
        """All taps and heads of what `model` takes: log-mel patches in nats, or samples."""
        taps = {tap.name: self.model.output[tap.name] for tap in self.taps}
        if self._whole is None:
            self._whole = self._frozen([*taps.values(), *self._logits.values()], self.name)
        values = list(self._whole(patches, training=False))
        return Outputs(
            dict(zip(taps, values, strict=False)),
            dict(zip(self._logits, values[len(taps) :], strict=True)),
        )

    def fingerprint_as(self, earlier: object) -> str:
        """This network's fingerprint, in the words of an earlier one that is of this very network.

        Runs and results of before are of the weights' values alone.

        Args:
            earlier: a fingerprint, or anything else, which is then another network's.
        """
        is_of_weights = str(earlier).startswith(fingerprints.WEIGHTS_PREFIX)
        if is_of_weights and earlier == self._weights_fingerprint():
            return str(earlier)
        return self.fingerprint

    def up_to(self, name: str | Tap) -> keras.Model:
        """The frozen sub-model patches -> activations of one tap; computes nothing past it."""
        tap = self.tap(name)
        return self._frozen(self.model.output[tap.name], tap.name)

    def up_to_head(self, name: str | None = None) -> keras.Model:
        """The frozen sub-model patches -> logits `[batch, classes]`; computes nothing past them.

        Args:
            name: of the head; the only one if None.

        Raises:
            ValueError: if there is none; see `head`.
        """
        head = self.head(name)
        return self._frozen(self._logits[head.name], head.name)

    def _frozen(self, outputs: Any, name: str) -> keras.Model:
        model = keras.Model(self.model.input, outputs, name=f"to_{graph.scope_name(name)}")
        model.trainable = False
        return model
