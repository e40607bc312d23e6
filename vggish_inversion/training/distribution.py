"""Spreads training over accelerators of one machine, or over machines, by tf.distribute.

Each replica takes its share of the joint batch that one process would have seen, batch norm counts
over all of them, and gradients are summed: the curve is that of one process, but for rounding.
Keras' own fit cannot build its functions from the batches of several workers (seen with Keras 3.15
on TensorFlow 2.16), so the loop is written out here; the callbacks are fit's.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence

import keras
import numpy as np

from vggish_inversion.training import STRATEGIES, run_folder


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
    """What is built and trained inside is spread as `--strategy` says.

    Enter it before anything else touches TensorFlow.

    Args:
        name: "none"; "mirrored" for every accelerator of this machine; "multi_worker" for the
            machines that the environment variable TF_CONFIG lists, each of which runs the same
            command and sees the same output folder.

    Raises:
        ValueError: on an unknown name, a Keras backend other than TensorFlow, or, for
            "multi_worker", no usable TF_CONFIG.
    """
    if name not in STRATEGIES:
        raise ValueError(f"no strategy {name!r}; strategies are: {' '.join(STRATEGIES)}")
    if name == "none":
        yield
        return
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"strategy {name!r} needs Keras' TensorFlow backend, not {keras.backend.backend()}"
        )
    with _make_strategy(name).scope():
        yield


def _make_strategy(name: str):
    import tensorflow as tf

    if name == "multi_worker":
        _check_tf_config()
        return tf.distribute.MultiWorkerMirroredStrategy()
    # every GPU, or every logical CPU device where there is none
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def is_distributed() -> bool:
    """Whether a strategy's scope is open."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.distribute.has_strategy()


def is_chief() -> bool:
    """Whether this process is the one that writes the run's folder."""
    if not is_distributed():
        return True
    import tensorflow as tf

    return tf.distribute.get_strategy().cluster_resolver is None or not _task_index()


def synchronize_batch_norm(network: keras.Model) -> None:
    """Lets the batch norm of a network count over all replicas."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def fit(
    model: keras.Model,
    batches,
    *,
    validation_data: tuple[np.ndarray, np.ndarray],
    batch_size: int,
    epochs: int,
    initial_epoch: int,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """`model.fit` for the strategy whose scope is open, with the same logs.

    Args:
        model: compiled; its `train_step` is what every replica runs.
        batches: tf.data.Dataset of joint batches `(patches, labels)`, the same in each process.
        validation_data: patches and labels; every process measures on all of them.
        batch_size: of a joint batch.
        epochs: the last one's number.
        initial_epoch: epochs that are done.
        steps_per_epoch: joint batches.
        callbacks: as for `model.fit`.

    Raises:
        training_run.RunError: if the replicas cannot share a batch equally.
    """
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    num_replicas = strategy.num_replicas_in_sync
    if batch_size % num_replicas:
        raise run_folder.RunError(
            f"a batch of {batch_size} cannot be shared by {num_replicas} replicas; use a multiple"
        )

    def share(context):
        size = batch_size // context.num_input_pipelines
        first = context.input_pipeline_id * size
        own = batches.map(lambda *batch: tuple(part[first : first + size] for part in batch))
        return own.rebatch(batch_size // num_replicas, drop_remainder=True)

    iterator = iter(strategy.distribute_datasets_from_function(share))

    @tf.function
    def train_step(batch):
        # What a replica returns is the state of its own metrics; they are summed when read below.
        return strategy.run(model.train_step, args=(batch,))

    @tf.function
    def validate(patches, labels):
        return tf.reduce_sum(tf.abs(model(patches, training=False) - labels))

    logger = keras.callbacks.CallbackList(
        list(callbacks), model=model, epochs=epochs, steps=steps_per_epoch, verbose=0
    )
    logger.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        logger.on_epoch_begin(epoch)
        for step in range(steps_per_epoch):
            logger.on_train_batch_begin(step)
            train_step(next(iterator))
            logger.on_train_batch_end(step)
        logs = {metric.name: float(metric.result()) for metric in model.metrics}
        patches, labels = validation_data
        total = sum(
            float(validate(patches[rows], labels[rows]))
            for rows in _slices(len(patches), batch_size)
        )
        logs["val_loss"] = total / labels.size
        line = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
        if is_chief():
            print(f"Epoch {epoch + 1}/{epochs} - {line}", flush=True)
        logger.on_epoch_end(epoch, logs)
    logger.on_train_end()


def _slices(length: int, size: int) -> Iterable[slice]:
    return (slice(first, first + size) for first in range(0, length, size))


def _task_index() -> int:
    task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
    return 0 if task.get("type") == "chief" else int(task.get("index", 0))


def _check_tf_config() -> None:
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        if not config["cluster"] or {"type", "index"} - config["task"].keys():
            raise ValueError("no cluster, or no place in it")
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            "strategy 'multi_worker' reads the machines from TF_CONFIG, such as "
            '\'{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
            '"task": {"type": "worker", "index": 0}}\'; '
            f"got {os.environ.get('TF_CONFIG')!r}"
        ) from error
