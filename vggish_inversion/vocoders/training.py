"""Trains the generator of a neural vocoder: on spectra on any Keras backend, or adversarially."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import keras

from vggish_inversion import features
from vggish_inversion.data import segments
from vggish_inversion.files import folders, hub
from vggish_inversion.training import checkpoints, run_folder
from vggish_inversion.vocoders import adversarial, losses, melgan, vocos
from vggish_inversion.vocoders.config import VocoderConfig

GENERATORS = {"vocos": vocos.build_generator, "melgan": melgan.build_generator}
MODEL_FILE = "vocoder.keras"

_NUM_VALIDATION_SEGMENTS = 64
_WARMUP_STEPS = 500
_MAX_GRADIENT_NORM = 10.0


def build_generator(
    config: VocoderConfig, params: features.LogMelParams, *, precision: str = "float32"
) -> keras.Model:
    """Builds the generator that a config describes.

    Raises:
        ValueError: on an unknown precision.
    """
    width = {} if config.width is None else {"width": config.width}
    with run_folder.computing_in(precision):
        return GENERATORS[config.vocoder](params, seed=config.seed, **width)


class KeepModel(keras.callbacks.Callback):
    """Writes the network in float32 at the end of every epoch, to be heard while it trains."""

    def __init__(self, generator: keras.Model, copy: keras.Model, run_dir: pathlib.Path):
        """Keeps `generator` by way of `copy`, the same network in float32."""
        super().__init__()
        self._generator, self._copy, self._run_dir = generator, copy, run_dir

    def __repr__(self) -> str:
        """What it is."""
        return f"<KeepModel in {self._run_dir}>"

    def on_epoch_end(self, epoch, logs=None):
        """Writes the file, whole or not at all."""
        self.write()

    def write(self) -> keras.Model:
        """Writes the file; returns what is in it."""
        self._copy.set_weights(self._generator.get_weights())
        with folders.write_file(self._run_dir / MODEL_FILE) as unfinished:
            self._copy.save(unfinished)
        return self._copy


def train_vocoder(
    config: VocoderConfig,
    *,
    train: segments.SegmentCache,
    validation: segments.SegmentCache,
    run_dir: str | pathlib.Path,
    settings: Mapping,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    discriminator: keras.Model | None = None,
) -> keras.Model:
    """Trains a generator, going on where the run folder left off.

    Args:
        config: how to train.
        train: segments to learn from.
        validation: segments to measure on at the end of each epoch.
        run_dir: the run's folder; created if need be.
        settings: what config.json keeps beside data and `config`: versions, command.
        callbacks: monitoring, for example; what they add to an epoch's logs is in history.csv.
        discriminator: of adversarial training; MelGAN's own if None.

    Returns:
        The trained generator, as written to `vocoder.keras`.

    Raises:
        RunError: if the folder holds a run with other settings, or a loss is not finite.
        folders.FolderBusyError: if another process trains there.
        ValueError: on an unknown precision.
    """
    run_dir = pathlib.Path(run_dir)
    params = train.params
    generator = build_generator(config, params, precision=config.precision)
    settings = {
        **settings,
        "train_data": train.fingerprint,
        "validation_data": validation.fingerprint,
        "log_mel": dataclasses.asdict(params),
        **dataclasses.asdict(config),
        **run_folder.describe_initial_weights(config.initial_weights),
    }
    with run_folder.open_run(run_dir, settings):
        return _train(config, generator, train, validation, run_dir, callbacks, discriminator)


def _train(
    config: VocoderConfig, generator, train, validation, run_dir, callbacks, discriminator
) -> keras.Model:
    """Trains in a run's folder that is open; see `train_vocoder`."""
    params = train.params
    keras.utils.set_random_seed(config.seed)
    optimizer = _optimizer(config)
    optimizer.build(generator.trainable_variables)
    model, variables = generator, [*generator.variables, *optimizer.variables]
    if config.adversarial:
        with run_folder.computing_in(config.precision):
            discriminator = discriminator or melgan.build_discriminator(seed=config.seed)
        model = adversarial.AdversarialVocoder(
            generator, discriminator, _optimizer(config), losses.SpectralLoss(params)
        )
        variables += model.discriminator_variables
    checkpoint = checkpoints.Checkpoint(
        run_dir,
        variables,
        examples_per_epoch=config.steps_per_epoch * config.batch_size,
        example="segments",
    )
    epochs_done = checkpoint.restore()
    if config.initial_weights and not epochs_done:
        hub.load_keras_weights(generator, config.initial_weights)
    model.compile(
        optimizer,
        losses.SpectralLoss(params),
        jit_compile=config.jit_compile,
        auto_scale_loss=False,
    )
    keep = KeepModel(generator, build_generator(config, params), run_dir)
    if epochs_done < config.num_epochs:
        model.fit(
            _batches(train, config, first_step=epochs_done * config.steps_per_epoch),
            validation_data=validation.random_segments(
                0,
                batch_size=_NUM_VALIDATION_SEGMENTS,
                segment_frames=config.segment_frames,
                seed=config.seed,
            ),
            validation_batch_size=config.batch_size,
            epochs=config.num_epochs,
            initial_epoch=epochs_done,
            steps_per_epoch=config.steps_per_epoch,
            callbacks=[*callbacks, checkpoint, keep],
            verbose=2,
        )
    checkpoint.write_history()
    return keep.write()


def _optimizer(config: VocoderConfig) -> keras.optimizers.Optimizer:
    num_steps = config.num_epochs * config.steps_per_epoch
    warmup = min(_WARMUP_STEPS, num_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        num_steps - warmup,
        alpha=0.01,
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.Adam(
        schedule, beta_1=0.8, beta_2=0.99, global_clipnorm=_MAX_GRADIENT_NORM
    )
    if config.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _batches(train: segments.SegmentCache, config: VocoderConfig, *, first_step: int):
    """Segments in the form that the backend reads best."""
    tensorflow = keras.backend.backend() == "tensorflow"
    read = segments.segment_dataset if tensorflow else segments.segment_batches
    return read(
        train,
        batch_size=config.batch_size,
        segment_frames=config.segment_frames,
        seed=config.seed,
        first_step=first_step,
    )
