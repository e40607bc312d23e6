"""Seeds of TensorFlow's stateless random numbers, mixed and never added up, and draws by them.

In a graph that reads shards; what is mapped into memory is drawn by NumPy (`random_patches`). The
algorithm is named, as TensorFlow's own choice depends on the device.
"""

from collections.abc import Sequence
from typing import Any

_ALGORITHM = "philox"


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
    """The seed of one stream of many, int64 `[2]`; see `tf.random.fold_in`.

    Args:
        seed: int64 `[2]`.
        number: of the stream, an integer tensor `[]`.
    """
    import tensorflow as tf

    return tf.random.fold_in(seed, tf.cast(number, tf.int64), alg=_ALGORITHM)


def in_random_order(texts: Sequence[str], seed) -> Any:
    """A string tensor `[texts]` of them, each once."""
    import tensorflow as tf

    return tf.random.experimental.stateless_shuffle(tf.constant(texts), seed=seed, alg=_ALGORITHM)


def random_starts(count, end, seed) -> Any:
    """Where patches begin: any place before `end` is as likely as any other.

    Args:
        count: how many, a tensor `[]`.
        end: behind the last frame at which one can begin, an int32 tensor `[]`.
        seed: int64 `[2]`.

    Returns:
        int32 `[count]`.
    """
    import tensorflow as tf

    return tf.random.stateless_uniform([count], seed, maxval=end, dtype=tf.int32, alg=_ALGORITHM)
