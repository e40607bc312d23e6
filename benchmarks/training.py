"""Is training fed fast enough, and how much sooner does it arrive than the published recipe?

python benchmarks/training.py --data_dirs=LJSpeech-1.1 --layer=layer_1 --seconds=120

input_efficiency: patches per second of `fit` on the real pipeline over those of the same step on
one batch that lies in memory, in turns, so that whatever else the machine does slows both.

speedup_to_same_loss: a loop in the style of the published code (the target's embeddings of every
utterance in TFRecords; an epoch takes one random patch of each; shuffle 500, batch 256, Adam at
0.0001) trains for --seconds, and the held-out loss that it ends with is what our recipe (log-mel
through the frozen target, Muon, batch 16) has to reach. Neither clock counts validation, nor what
is done once before: the log-mel cache here, the embeddings there (their time and size are printed).
Source of the published recipe: Comanducci et al., IEEE SPL 2021, and its code.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.data import corpora, log_mel_cache, splits
from vggish_inversion.files import paths
from vggish_inversion.inverters import chain, network, training
from vggish_inversion.targets import loading
from vggish_inversion.training import optimizers

_DEMO_SPEECH = pathlib.Path(__file__).resolve().parents[1] / "scripts" / "demo_speech"
_PUBLISHED_BATCH, _PUBLISHED_SHUFFLE, _PUBLISHED_RATE = 256, 500, 1e-4


class Stopwatch:
    """Seconds of training alone."""

    def __init__(self):
        """Starts at 0."""
        self.seconds = 0.0

    def __call__(self, function, *args):
        """Runs `function` on the clock."""
        started = time.perf_counter()
        result = function(*args)
        self.seconds += time.perf_counter() - started
        return result


def labelled(dataset):
    """Patches with themselves, in network range, as labels."""
    return dataset.map(lambda patches: (patches, features.scale_log_mel(patches)))


def build(target, layer: str, config: training.TrainConfig) -> keras.Model:
    """Our chain, compiled, at a constant learning rate."""
    viewed = chain.view_tap(target, target.tap(layer), config)
    model, _ = chain.build_training_model(target, viewed, config)
    optimizer = optimizers.OPTIMIZERS[config.optimizer](config.learning_rate)
    model.compile(optimizer, "mae", auto_scale_loss=False)
    return model


def input_efficiency(model, cache, config, *, num_steps: int, num_turns: int) -> dict:
    """Patches per second from the pipeline and from memory."""
    dataset = labelled(cache.batch_dataset(batch_size=config.batch_size, seed=0))
    constant = dataset.take(1).cache().repeat()
    rates = {"pipeline": [], "memory": []}
    for turn in range(num_turns + 1):
        for name, batches in (("pipeline", dataset), ("memory", constant)):
            started = time.perf_counter()
            model.fit(batches, steps_per_epoch=num_steps, verbose=0)
            if turn:  # the first compiles
                rates[name].append(num_steps * config.batch_size / (time.perf_counter() - started))
    ratios = [mine / theirs for mine, theirs in zip(*rates.values(), strict=True)]
    return {
        **{f"patches_per_second_{name}": statistics.median(row) for name, row in rates.items()},
        "input_efficiency": statistics.median(ratios),
    }


def write_embeddings(target, layer: str, cache: log_mel_cache.LogMelCache, path: str) -> None:
    """Every utterance's embeddings and log-mel patches, as the published code stores them."""
    model = target.up_to(layer)
    ends = np.cumsum(cache.lengths)
    with tf.io.TFRecordWriter(path) as writer:
        for length, end in zip(cache.lengths, ends, strict=True):
            log_mel = np.asarray(cache.frames[end - length : end], np.float32)
            starts = features.patch_starts(length, cache.params)
            patches = features.log_mel_to_patches(log_mel, starts, cache.params)
            embeddings = model(patches, training=False)
            feature = {
                name: tf.train.Feature(
                    bytes_list=tf.train.BytesList(
                        value=[tf.io.serialize_tensor(tf.cast(tensor, tf.float32)).numpy()]
                    )
                )
                for name, tensor in (("embedding", embeddings), ("log_mel", patches))
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def published_batches(path: str, tap_shape, params: features.LogMelParams):
    """One random patch of every utterance per epoch, read from the stored embeddings."""
    shapes = {"embedding": [None, *tap_shape], "log_mel": [None, params.patch_frames, 64]}

    def parse(record):
        names = {name: tf.io.FixedLenFeature([], tf.string) for name in shapes}
        values = tf.io.parse_single_example(record, names)
        embedding, log_mel = (
            tf.ensure_shape(tf.io.parse_tensor(values[name], tf.float32), shape)
            for name, shape in shapes.items()
        )
        index = tf.random.uniform([], maxval=tf.shape(embedding)[0], dtype=tf.int32)
        return embedding[index], features.scale_log_mel(log_mel[index])

    dataset = tf.data.TFRecordDataset([path]).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.repeat().shuffle(_PUBLISHED_SHUFFLE).batch(_PUBLISHED_BATCH).prefetch(2)


def train_as_published(target, layer, batches, held_out, *, seconds: float, every: int) -> tuple:
    """The hand-written loop; returns the held-out loss it ends with, its seconds and patches."""
    inverter = network.build_inverter(target.tap(layer).shape, params=target.log_mel)
    optimizer = keras.optimizers.Adam(_PUBLISHED_RATE)
    optimizer.build(inverter.trainable_variables)

    @tf.function
    def step(embeddings, patches):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(inverter(embeddings, training=True) - patches))
        variables = inverter.trainable_variables
        optimizer.apply(tape.gradient(loss, [item.value for item in variables]), variables)
        return loss

    iterator, watch, num_steps = iter(batches), Stopwatch(), 0
    step(*next(iterator))  # compiles
    while watch.seconds < seconds:
        for _ in range(every):
            watch(lambda: step(*next(iterator)))
        num_steps += every
    embeddings = target.up_to(layer).predict(held_out, batch_size=64, verbose=0)
    inverted = inverter.predict(embeddings, batch_size=64, verbose=0)
    loss = float(np.mean(np.abs(inverted - features.scale_log_mel(held_out))))
    return loss, watch.seconds, num_steps * _PUBLISHED_BATCH


def train_to(loss: float, model, cache, config, held_out, *, every: int, seconds: float) -> tuple:
    """Trains until the held-out loss is reached; returns seconds (None if too many), patches."""
    dataset = labelled(cache.batch_dataset(batch_size=config.batch_size, seed=1))
    labels = features.scale_log_mel(held_out)
    watch, iterator, num_steps = Stopwatch(), iter(dataset), 0
    model.train_on_batch(*next(iterator))  # compiles
    while watch.seconds < seconds:
        for _ in range(every):
            watch(lambda: model.train_on_batch(*next(iterator)))
        num_steps += every
        if model.evaluate(held_out, labels, batch_size=64, verbose=0) <= loss:
            return watch.seconds, num_steps * config.batch_size
    return None, num_steps * config.batch_size


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dirs", default=str(_DEMO_SPEECH), help="corpora, with commas")
    parser.add_argument("--target", default="small_encoder/speech_commands")
    parser.add_argument("--layer", default="layer_1")
    parser.add_argument("--limit", type=int, help="at most so many utterances, spread evenly")
    parser.add_argument("--seconds", type=float, default=60, help="for the published loop")
    parser.add_argument("--every", type=int, default=10, help="steps between looks at the loss")
    parser.add_argument("--num_steps", type=int, default=50, help="per turn, of the pipeline")
    parser.add_argument("--num_turns", type=int, default=5)
    return parser.parse_args()


def main():
    """Measures, prints and, as the last line, gives one JSON object."""
    options = parse_arguments()
    target = loading.load_target(options.target)
    config = training.TrainConfig(batch_size=16)
    with tempfile.TemporaryDirectory() as folder:
        utterances = splits.training_splits(paths.split_paths(options.data_dirs))
        train, validation = (
            log_mel_cache.cache_log_mel(
                corpora.thin(utterances[split], options.limit), target.log_mel, folder
            )
            for split in ("train", "validation")
        )
        held_out = validation.grid_patches(256)
        feed = dataclasses.replace(config, batch_size=64)
        result = input_efficiency(
            build(target, options.layer, feed),
            train,
            feed,
            num_steps=options.num_steps,
            num_turns=options.num_turns,
        )
        path = str(pathlib.Path(folder) / "embeddings.tfrecord")
        storing = Stopwatch()
        storing(write_embeddings, target, options.layer, train, path)
        megabytes = pathlib.Path(path).stat().st_size / 1e6
        shape = target.tap(options.layer).shape
        loss, published, num_published = train_as_published(
            target,
            options.layer,
            published_batches(path, shape, target.log_mel),
            held_out,
            seconds=options.seconds,
            every=options.every,
        )
    model = build(target, options.layer, config)
    seconds, num_patches = train_to(
        loss, model, train, config, held_out, every=options.every, seconds=4 * published
    )
    print(f"{options.target} {options.layer}, {len(train.lengths)} utterances")
    print(
        "fed by     {patches_per_second_pipeline:8.1f} patches/s from the pipeline".format(**result)
    )
    print("           {patches_per_second_memory:8.1f} patches/s from memory".format(**result))
    print(f"published  {published:8.1f} s, {num_published} patches: held-out loss {loss:.4f}")
    print(f"           ({storing.seconds:.1f} s and {megabytes:.0f} MB for embeddings before that)")
    reached = "not reached" if seconds is None else f"{seconds:8.1f} s"
    print(f"ours       {reached}, {num_patches} patches: the same loss")
    result |= {
        "held_out_loss": loss,
        "published_seconds": published,
        "seconds": seconds,
        "speedup_to_same_loss": None if seconds is None else round(published / seconds, 2),
    }
    result["input_efficiency"] = round(result["input_efficiency"], 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
