"""Trains a small encoder on one of the tasks; runs on any Keras backend once the log-mel is cut."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np

from vggish_inversion import audio, features
from vggish_inversion.targets import small_encoder, tasks


@dataclasses.dataclass(frozen=True)
class ClassifierConfig:
    """How a small encoder is trained."""

    num_epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    label_smoothing: float = 0.1
    max_shift_frames: int = 12
    max_gain_nats: float = 1.0
    max_mask_frames: int = 16
    max_mask_bands: int = 10
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class LabelledPatches:
    """Clips of one split: `log_mel` `[clips, frames, bands]` float32, `labels` `[clips]` int."""

    log_mel: np.ndarray
    labels: np.ndarray


def read_patches(
    clips: Sequence[tasks.Clip], labels: Sequence[str], split: str, *, num_frames: int = 98
) -> LabelledPatches:
    """Reads one split; shorter clips are padded with silence, longer ones cut.

    Raises:
        audio.AudioError: if a clip cannot be read.
    """
    params = features.LogMelParams()
    num_samples = params.window_samples + (num_frames - 1) * params.hop_samples

    def read(clip: tasks.Clip) -> np.ndarray:
        waveform = audio.read_audio(clip.path)[:num_samples]
        return np.pad(waveform, (0, num_samples - len(waveform)))

    chosen = [clip for clip in clips if clip.split == split]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waveforms = np.stack(list(pool.map(read, chosen)))
    log_mel = np.concatenate(
        [np.asarray(features.waveform_to_log_mel(part, params)) for part in _parts(waveforms, 256)]
    )
    return LabelledPatches(log_mel, np.array([labels.index(clip.label) for clip in chosen]))


def _parts(array: np.ndarray, size: int):
    return (array[start : start + size] for start in range(0, len(array), size))


class AugmentedPatches(keras.utils.PyDataset):
    """Shuffled batches with time shift, gain and SpecAugment masks (Park et al. 2019)."""

    def __init__(self, patches: LabelledPatches, config: ClassifierConfig):
        """Draws every random number from `config.seed`, the epoch and the batch."""
        super().__init__()
        self._patches = patches
        self._config = config
        self._epoch = 0
        self._params = features.LogMelParams()
        self.on_epoch_end()

    def __len__(self) -> int:
        """Full batches of an epoch."""
        return len(self._patches.labels) // self._config.batch_size

    def on_epoch_end(self):
        """Shuffles."""
        self._epoch += 1
        rng = np.random.default_rng([self._config.seed, self._epoch])
        self._order = rng.permutation(len(self._patches.labels))

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
        # Gain scales the magnitude under the logarithm, not the offset beside it.
        gain = np.exp(rng.uniform(-1, 1, (size, 1, 1)) * config.max_gain_nats)
        batch = np.log((np.exp(batch) - params.log_offset) * gain + params.log_offset)
        quiet = batch.mean(axis=(1, 2), keepdims=True)
        masks = ((1, params.patch_frames, config.max_mask_frames),) * 2
        masks += ((2, params.num_bands, config.max_mask_bands),) * 2
        for axis, length, max_width in masks:
            width = rng.integers(0, max_width + 1, (size, 1))
            start = rng.integers(0, length - width + 1)
            position = np.arange(length)
            inside = (position >= start) & (position < start + width)
            batch = np.where(np.expand_dims(inside, 3 - axis), quiet, batch)
        return batch.astype(np.float32), self._patches.labels[chosen]


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
    batches = AugmentedPatches(train, config)
    classifier = keras.Model(model.input, model.output["logits"])
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4,
        len(batches) * config.num_epochs,
        warmup_target=config.learning_rate,
        warmup_steps=2 * len(batches),
    )
    classifier.compile(
        keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay),
        smoothed_cross_entropy(config.label_smoothing, num_classes),
        metrics=["accuracy"],
    )
    classifier.fit(
        batches,
        validation_data=(centre_patches(validation), validation.labels),
        epochs=config.num_epochs,
        callbacks=list(callbacks),
        verbose=2,
    )
    return model


def smoothed_cross_entropy(smoothing: float, num_classes: int) -> Callable:
    """Cross entropy of logits with integer labels, smoothed (Szegedy et al. 2016)."""

    def loss(labels, logits):
        one_hot = keras.ops.one_hot(keras.ops.cast(labels, "int32"), num_classes)
        return keras.losses.categorical_crossentropy(
            one_hot, logits, from_logits=True, label_smoothing=smoothing
        )

    return loss


def centre_patches(patches: LabelledPatches) -> np.ndarray:
    """The middle patch of every clip: `[clips, 96, 64]`."""
    frames = features.LogMelParams().patch_frames
    start = (patches.log_mel.shape[1] - frames) // 2
    return patches.log_mel[:, start : start + frames]


def accuracy(model: keras.Model, patches: LabelledPatches) -> float:
    """Share of clips whose highest logit is their label's."""
    logits = model.predict(centre_patches(patches), verbose=0)["logits"]
    return float(np.mean(np.argmax(logits, axis=-1) == patches.labels))
