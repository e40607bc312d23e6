"""Trains a small encoder on one of the tasks; runs on any Keras backend once the log-mel is cut."""

import concurrent.futures
import dataclasses
import itertools
from collections.abc import Sequence

import keras
import numpy as np

from vggish_inversion import audio, features
from vggish_inversion.targets import small_encoder
from vggish_inversion.tasks import labelled_corpora
from vggish_inversion.training import batch_norm

# Parts of a long clip that are this much below its loudest part hold no more of what it is called.
_SILENT_BELOW_DB = 30.0
_CLIPS_AT_ONCE = 64


@dataclasses.dataclass(frozen=True)
class ClassifierConfig:
    """How a small encoder is trained.

    Attributes:
        max_mix: share of another clip that is mixed in, in magnitude and in label (mixup, Zhang et
            al. 2018); 0 for none.
        balanced: whether every class is drawn equally often.
    """

    num_epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    label_smoothing: float = 0.1
    max_shift_frames: int = 12
    max_gain_nats: float = 1.0
    max_mask_frames: int = 16
    max_mask_bands: int = 10
    max_mix: float = 0.0
    balanced: bool = False
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class LabelledPatches:
    """Segments of the clips of one split.

    Attributes:
        log_mel: `[segments, frames, bands]` float32, nats.
        labels: `[segments]` int.
        clips: `[segments]` int, ascending from 0: which clip a segment is of.
    """

    log_mel: np.ndarray
    labels: np.ndarray
    clips: np.ndarray

    def __repr__(self) -> str:
        """What it is."""
        num_clips = len(np.unique(self.clips))
        return f"<LabelledPatches: {len(self.labels)} of {num_clips} clips>"

    @property
    def clip_labels(self) -> np.ndarray:
        """`[clips]` int."""
        return self.labels[np.unique(self.clips, return_index=True)[1]]


def read_patches(
    clips: Sequence[labelled_corpora.Clip],
    labels: Sequence[str],
    split: str,
    *,
    num_frames: int = 98,
    max_segments: int = 8,
) -> LabelledPatches:
    """Reads one split, in segments of `num_frames`; shorter clips are padded with silence.

    A longer clip gives as many segments as fit, at most `max_segments`, spread evenly, without
    those that are silent beside the loudest.

    Raises:
        audio.AudioError: if a clip cannot be read.
    """
    params = small_encoder.FRONT_END
    num_samples = params.window_samples + (num_frames - 1) * params.hop_samples

    def read(clip: labelled_corpora.Clip) -> np.ndarray:
        waveform = audio.read_audio(clip.path)
        waveform = np.pad(waveform, (0, max(0, num_samples - len(waveform))))
        num_segments = min(max_segments, len(waveform) // num_samples)
        starts = np.linspace(0, len(waveform) - num_samples, num_segments).astype(int)
        segments = waveform[starts[:, np.newaxis] + np.arange(num_samples)]
        power = np.mean(np.square(segments), axis=1)
        return segments[power >= power.max() * 10 ** (-_SILENT_BELOW_DB / 10)]

    chosen = [clip for clip in clips if clip.split == split]
    log_mel, sizes = [], []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for part in _parts(chosen, _CLIPS_AT_ONCE):
            segments = list(pool.map(read, part))
            sizes += map(len, segments)
            log_mel.append(
                np.asarray(features.waveform_to_log_mel(np.concatenate(segments), params))
            )
    own = np.array([labels.index(clip.label) for clip in chosen])
    return LabelledPatches(
        np.concatenate(log_mel), np.repeat(own, sizes), np.repeat(np.arange(len(chosen)), sizes)
    )


def _parts(items: Sequence, size: int):
    return (items[start : start + size] for start in range(0, len(items), size))


class AugmentedPatches(keras.utils.PyDataset):
    """Shuffled batches with time shift, gain, mixing and SpecAugment masks (Park et al. 2019).

    Labels are one-hot, or two-hot where two clips are mixed.
    """

    def __init__(
        self,
        patches: LabelledPatches,
        num_classes: int,
        config: ClassifierConfig,
        *,
        epochs_done: int = 0,
    ):
        """Draws every random number from `config.seed`, the epoch and the batch."""
        super().__init__()
        self._patches = patches
        self._one_hot = np.eye(num_classes, dtype=np.float32)
        self._config = config
        self._epoch = epochs_done
        self._params = small_encoder.FRONT_END
        self.on_epoch_end()

    def __repr__(self) -> str:
        """What it is."""
        return f"<AugmentedPatches: {len(self)} batches of {self._patches!r}>"

    def __len__(self) -> int:
        """Full batches of an epoch."""
        return len(self._patches.labels) // self._config.batch_size

    def on_epoch_end(self):
        """Shuffles."""
        self._epoch += 1
        rng = np.random.default_rng([self._config.seed, self._epoch])
        labels = self._patches.labels
        if self._config.balanced:
            share = 1.0 / np.bincount(labels)[labels]
            self._order = rng.choice(len(labels), len(labels), p=share / share.sum())
        else:
            self._order = rng.permutation(len(labels))

    def __getitem__(self, index: int):
        """One batch of patches and labels."""
        config, params = self._config, self._params
        size = config.batch_size
        rng = np.random.default_rng([config.seed, self._epoch, index])
        chosen = self._order[index * size : (index + 1) * size]
        log_mel = self._patches.log_mel[chosen]
        margin = config.max_shift_frames
        padded = np.pad(
            log_mel, ((0, 0), (margin, margin), (0, 0)), constant_values=params.log_floor
        )
        last_start = padded.shape[1] - params.patch_frames
        frames = rng.integers(0, last_start + 1, (size, 1)) + np.arange(params.patch_frames)
        batch = np.take_along_axis(padded, frames[:, :, np.newaxis], axis=1)
        # Gain and mixing act on the magnitude under the logarithm, not on the offset beside it.
        gain = np.exp(rng.uniform(-1, 1, (size, 1, 1)) * config.max_gain_nats)
        magnitude = (np.exp(batch) - params.log_offset) * gain
        labels = self._one_hot[self._patches.labels[chosen]]
        if config.max_mix:
            mix = rng.uniform(0, config.max_mix, (size, 1)).astype(np.float32)
            other = rng.permutation(size)
            magnitude = (1 - mix[:, :, None]) * magnitude + mix[:, :, None] * magnitude[other]
            labels = (1 - mix) * labels + mix * labels[other]
        batch = np.log(magnitude + params.log_offset)
        quiet = batch.mean(axis=(1, 2), keepdims=True)
        masks = ((1, params.patch_frames, config.max_mask_frames),) * 2
        masks += ((2, params.num_bands, config.max_mask_bands),) * 2
        for axis, length, max_width in masks:
            width = rng.integers(0, max_width + 1, (size, 1))
            start = rng.integers(0, length - width + 1)
            position = np.arange(length)
            inside = (position >= start) & (position < start + width)
            batch = np.where(np.expand_dims(inside, 3 - axis), quiet, batch)
        return batch.astype(np.float32), labels


def train_classifier(
    train: LabelledPatches,
    validation: LabelledPatches,
    num_classes: int,
    config: ClassifierConfig = ClassifierConfig(),
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Trains a small encoder and its head; returns `small_encoder.build_small_encoder`'s model."""
    keras.utils.set_random_seed(config.seed)
    model = small_encoder.build_small_encoder(num_classes, seed=config.seed)
    batches = AugmentedPatches(train, num_classes, config)
    classifier = keras.Model(model.input, model.output["logits"])
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4,
        len(batches) * config.num_epochs,
        warmup_target=config.learning_rate,
        warmup_steps=2 * len(batches),
    )
    classifier.compile(
        keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay),
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=config.label_smoothing
        ),
        metrics=["accuracy"],
    )
    more = AugmentedPatches(train, num_classes, config, epochs_done=config.num_epochs)
    again = batch_norm.ReestimateAtTheEnd(
        classifier,
        (more[index % len(more)][0] for index in itertools.count()),
        num_epochs=config.num_epochs,
        num_steps=config.num_epochs * len(batches),
    )
    classifier.fit(
        batches,
        validation_data=(centre_patches(validation), np.eye(num_classes)[validation.labels]),
        epochs=config.num_epochs,
        callbacks=[again, *callbacks],
        verbose=2,
    )
    return model


def centre_patches(patches: LabelledPatches) -> np.ndarray:
    """The middle patch of every segment: `[segments, 96, 64]`."""
    frames = small_encoder.FRONT_END.patch_frames
    start = (patches.log_mel.shape[1] - frames) // 2
    return patches.log_mel[:, start : start + frames]


def predict_clips(model: keras.Model, patches: LabelledPatches) -> np.ndarray:
    """The class of every clip, `[clips]` int: the highest mean logit over its segments."""
    logits = model.predict(centre_patches(patches), verbose=0)["logits"]
    total = np.zeros((patches.clips[-1] + 1, logits.shape[1]))
    np.add.at(total, patches.clips, logits)  # classes have the order of sums, as of means
    return total.argmax(axis=1)
