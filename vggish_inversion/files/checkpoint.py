"""Reads TensorFlow's checkpoints, and the variables of a SavedModel, by the variables' names.

A checkpoint of TensorFlow 1 (VGGish's `vggish_model.ckpt`) keeps its tensors under the names of
the variables. A SavedModel, the form of TF-Hub, keeps them under the path of Python attributes
that leads to them (`_variables/0`), and the names in an object graph stored beside them. Read that
way, a SavedModel needs neither its functions loaded nor its weights held twice.

TensorFlow is imported where it is used: the model store serves networks on every Keras backend.
"""

import contextlib
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from vggish_inversion.files import failures, integrity
from vggish_inversion.files.arrays import Arrays

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_PART = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")


def prefix_of(path: pathlib.Path) -> pathlib.Path:
    """The name that a checkpoint's parts share.

    >>> prefix_of(pathlib.Path("vggish.ckpt.data-00000-of-00001")).name
    'vggish.ckpt'
    """
    return path.with_name(_PART.sub("", path.name))


def is_part(path: pathlib.Path) -> bool:
    """Whether a name belongs to a checkpoint's part: .index, .meta or .data-00000-of-00001."""
    return _PART.search(path.name) is not None


def is_checkpoint(prefix: pathlib.Path) -> bool:
    """Whether a checkpoint in parts has this prefix; one in one file is told by its content."""
    return _index(prefix).is_file()


def check_parts(prefix: pathlib.Path) -> None:
    """Makes sure that the parts of a checkpoint lie side by side.

    Raises:
        WeightsError: if one is missing.
    """
    parts = sorted(path.name for path in prefix.parent.glob("*") if prefix_of(path) == prefix)
    values = [name for name in parts if ".data-" in name]
    if not values or not _index(prefix).is_file():
        missing = f"{prefix.name}.data-00000-of-00001" if not values else _index(prefix).name
        raise integrity.WeightsError(
            f"{prefix}: expected a checkpoint's parts side by side, found {', '.join(parts)} and "
            f"no {missing}; copy that part too"
        )


@contextlib.contextmanager
def open_arrays(prefix: pathlib.Path, *, advice: str = "copy the file again") -> Iterator[Arrays]:
    """Opens a checkpoint.

    Args:
        prefix: of its parts, or the file itself.
        advice: what to do if it is damaged.

    Raises:
        WeightsError: if it cannot be read.
    """
    import tensorflow as tf  # not at the top: see the module's docstring

    try:
        reader = tf.train.load_checkpoint(str(prefix))
        keys = _keys_by_name(reader)
        stored = reader.get_variable_to_shape_map()
        shapes = {name: tuple(stored[key]) for name, key in keys.items()}
        yield Arrays(shapes, lambda name: reader.get_tensor(keys[name]))
    except integrity.WeightsError:
        raise
    except (tf.errors.OpError, LookupError, RuntimeError, ValueError) as error:
        raise integrity.WeightsError(
            f"{prefix}: expected a TensorFlow checkpoint, cannot read it "
            f"({failures.first_line(error)}); {advice}"
        ) from error


def _index(prefix: pathlib.Path) -> pathlib.Path:
    return prefix.with_name(f"{prefix.name}.index")


def _keys_by_name(reader: Any) -> dict[str, str]:
    """Maps variable names to the keys under which a checkpoint keeps the values."""
    stored = reader.get_variable_to_shape_map()
    if _OBJECT_GRAPH not in stored:
        return {name: name for name in stored}
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
        reader.get_tensor(_OBJECT_GRAPH)
    )
    return {
        attribute.full_name.removesuffix(":0"): attribute.checkpoint_key
        for node in graph.nodes
        for attribute in node.attributes
        if attribute.name == "VARIABLE_VALUE" and attribute.checkpoint_key in stored
    }
