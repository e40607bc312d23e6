"""Seeds of TensorFlow's stateless random numbers: mixed, never added up."""

from typing import Any

ALGORITHM = "philox"  # "auto_select" would depend on the device


def of_pass(seed: int, number) -> tuple[Any, ...]:
    """Seeds of one pass: of the order of its shards, of where it cuts, and of what it shuffles.

    Mixed, not added up: passes of neighbouring seeds have nothing in common.

    Args:
        seed: of the run.
        number: of the pass, a tensor.

    Returns:
        Three int64 tensors `[2]`, as the stateless functions of `tf.random` take them.
    """
    import tensorflow as tf

    own = fold_in(tf.constant([seed, 0], tf.int64), number)
    # Folded in twice: the first of both numbers is one of its own, too.
    return tuple(fold_in(fold_in(own, purpose), 0) for purpose in range(3))


def fold_in(seed, number) -> Any:
    """The seed of one stream of many; see `tf.random.fold_in`."""
    import tensorflow as tf

    return tf.random.fold_in(seed, tf.cast(number, tf.int64), alg=ALGORITHM)
