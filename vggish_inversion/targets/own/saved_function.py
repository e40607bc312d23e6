"""The function of a SavedModel as a layer: of its outputs, those that can be taps."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

_NUM_TRIED = 2


class SavedFunction(keras.layers.Layer):
    """Calls the function of a SavedModel.

    Its shapes are those that the function gives for patches, for a function may be saved with
    shapes that it does not know.

    Attributes:
        loaded: the SavedModel.
        shapes: of the outputs that can be taps, without the batch axis, in the model's order.
        left_out: the other outputs, and why.
    """

    def __init__(
        self,
        loaded: Any,
        function: Callable[[Any], Any],
        image_shape: tuple[int, ...],
        *,
        batch: Literal["any", "one", "none"] = "any",
    ):
        """Tries the function on patches: of zeros, and of noise.

        Args:
            loaded: the SavedModel, which holds the function's variables.
            function: `[batch, *image_shape]` float32 -> tensors, by name or in an order.
            image_shape: of one patch as the function takes it.
            batch: what it takes: a batch of any size; of one; or no batch but one item, and
                gives rows over time, or one row.

        Raises:
            ValueError: if it fails on them.
        """
        super().__init__(name="saved_function", trainable=False, dtype="float32")
        self.loaded, self._batch = loaded, batch
        self._function = _OfBatch(function) if batch == "none" else function
        num_tried = _NUM_TRIED if batch == "any" else 1
        noise = np.random.default_rng(0).normal(0, 2, (num_tried, *image_shape))
        tried = [
            named_outputs(self._try(np.asarray(patches, np.float32)))
            for patches in (np.zeros_like(noise), noise)
        ]
        self.shapes, self.left_out, self._dtypes = {}, {}, {}
        for name, tensor in tried[0].items():
            reason = _why_no_tap(tensor, tried[1].get(name), num_tried)
            if reason:
                self.left_out[name] = reason
            else:
                self.shapes[name] = tuple(tensor.shape[1:])
                self._dtypes[name] = tensor.dtype

    def _try(self, patches: np.ndarray) -> Any:
        try:
            return self._function(tf.constant(patches))
        except (tf.errors.OpError, ValueError, TypeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            size = " x ".join(map(str, patches.shape[1:]))
            raise ValueError(
                f"its function fails on patches of {size} ({reason[:200]}); state the patch that "
                "it takes, patch_frames and num_bands, in its JSON settings"
            ) from error

    def call(self, inputs):
        """`[batch, *image_shape]` -> {name: tensor}."""
        outputs = (
            self._outputs(inputs) if self._batch == "any" else self._one_by_one_outputs(inputs)
        )
        return {
            name: tf.ensure_shape(outputs[name], (None, *shape))
            for name, shape in self.shapes.items()
        }

    def _outputs(self, patches) -> dict[str, Any]:
        outputs = named_outputs(self._function(patches))
        return {name: outputs[name] for name in self.shapes}

    def _one_by_one_outputs(self, patches) -> Any:
        def of_one(patch):
            outputs = self._outputs(patch[tf.newaxis])
            return {
                name: tf.ensure_shape(outputs[name][0], shape)
                for name, shape in self.shapes.items()
            }

        signature = {
            name: tf.TensorSpec(shape, self._dtypes[name]) for name, shape in self.shapes.items()
        }
        return tf.map_fn(of_one, patches, fn_output_signature=signature)

    def compute_output_spec(self, inputs):
        """The shapes that were seen."""
        return {
            name: keras.KerasTensor((inputs.shape[0], *shape), self._dtypes[name].name)
            for name, shape in self.shapes.items()
        }


class _OfBatch:
    """A function of one item as one of a batch of one.

    An output whose first axis had one row at the first call has that for its batch; others are
    given one. A graph does not know how many rows there will be.
    """

    def __init__(self, function: Callable[[Any], Any]):
        self._function = function
        self._has_batch: dict[str, bool] = {}

    def __call__(self, tensor: Any) -> dict[str, Any]:
        outputs = named_outputs(self._function(tensor[0]))
        return {name: self._batched(name, output) for name, output in outputs.items()}

    def _batched(self, name: str, output: Any) -> Any:
        if not tf.is_tensor(output):
            return output
        one_row = (output.shape.rank or 0) > 1 and output.shape[0] == 1
        return output if self._has_batch.setdefault(name, one_row) else output[tf.newaxis]


def named_outputs(outputs: Any) -> dict[str, Any]:
    """What a function gives, by name.

    What has no names is output_0, output_1, ... in its order. TensorFlow keeps no order of names,
    so that they are put in the order of the alphabet, and of their numbers.
    """
    if isinstance(outputs, Mapping):
        return {str(name): outputs[name] for name in sorted(outputs, key=_by_numbers)}
    if isinstance(outputs, (tuple, list)):
        return {f"output_{number}": output for number, output in enumerate(outputs)}
    return {"output": outputs}


def _by_numbers(name: Any) -> list:
    parts = re.split(r"(\d+)", str(name))  # text at even places, numbers at odd ones
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _why_no_tap(tensor: Any, again: Any, num_patches: int) -> str:
    """What keeps an output from being a tap; empty if nothing does."""
    kind = {tf.RaggedTensor: "ragged", tf.SparseTensor: "sparse"}.get(type(tensor))
    if kind or not tf.is_tensor(tensor):
        return kind or f"a {type(tensor).__name__}, not a tensor"
    if not tensor.dtype.is_floating:
        return f"{tensor.dtype.name}, not floats"
    shape = list(tensor.shape)
    if len(shape) < 2:
        return "one number for all patches" if not shape else f"of shape {shape}: no axis of values"
    if shape[0] != num_patches:
        return f"of shape {shape} for {num_patches} patches: no axis of patches"
    if not tf.is_tensor(again) or list(again.shape) != shape:
        return "of a length that depends on the values of a patch"
    if 0 in shape:
        return f"of shape {shape}: no values"
    if len(shape) > 4:
        return f"of shape {shape}: more than three axes beside the batch"
    return ""
