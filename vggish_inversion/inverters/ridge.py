"""The inverter that has a closed form: ridge regression from rows of a tap to frames of log-mel.

A tap `[rows, ...]` is read row by row, each with its neighbours if there is room; what a row tells
of its frames is the same wherever it lies in a patch. With standardised activations X `[n, values]`
and the centred frames Y `[n, frames * bands]` beside them, the weights are

    W = argmin |Y - X W|^2 + penalty |W|^2 = (X'X + penalty I)^-1 X'Y = X'(XX' + penalty I)^-1 Y,

whichever inverse is the smaller (Hoerl & Kennard, "Ridge Regression", Technometrics 1970). Rows of
very many values are sketched first (Charikar et al., "Finding Frequent Items in Data Streams",
2002), and whole patches are learnt by their principal components, so that memory is bounded.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from vggish_inversion import features

PRESET, LOSS = "ridge", "l2"  # what runs and results call it
_MOST_VALUES = 8192  # of a row and its neighbours; more are sketched to half as many
_MOST_OUTPUTS, _NUM_COMPONENTS = 1024, 256


@dataclasses.dataclass(frozen=True)
class Cells:
    """The places of a patch at which frames are told from a tap, and the rows that each sees.

    Attributes:
        rows: `[cells][rows]`: rows of the tap, or the number of rows where there is none.
        starts: `[cells]`, the first frame that each tells.
        num_frames: frames that each tells.
        frames: `[patch_frames]`, where each frame of a patch is found in `cells * num_frames`.
    """

    rows: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]
    num_frames: int
    frames: tuple[int, ...]

    @classmethod
    def of(cls, tap_shape: Sequence[int], params: features.LogMelParams) -> "Cells":
        """The cells of a tap: its rows, or the frames of a patch where it has more rows.

        >>> Cells.of((3, 4), features.LogMelParams(patch_frames=7)).starts
        (0, 2, 4)
        >>> Cells.of((3, 4), features.LogMelParams(patch_frames=7)).rows
        ((3, 0, 1), (0, 1, 2), (1, 2, 3))
        """
        num_rows, width = row_shape(tap_shape)
        patch_frames = params.patch_frames
        if num_rows > patch_frames:
            seen = math.ceil(num_rows / patch_frames)
            firsts = np.linspace(0, num_rows - seen, patch_frames).round().astype(int)
            rows = firsts[:, np.newaxis] + np.arange(seen)
            num_cells, num_frames = patch_frames, 1
        else:
            reach = 1 if num_rows > 1 and 3 * width <= _MOST_VALUES else 0
            rows = np.arange(num_rows)[:, np.newaxis] + np.arange(-reach, reach + 1)
            rows = np.where((rows >= 0) & (rows < num_rows), rows, num_rows)
            num_cells, num_frames = num_rows, math.ceil(patch_frames / num_rows)
        starts = np.linspace(0, patch_frames - num_frames, num_cells).round().astype(int)
        middles = starts + (num_frames - 1) / 2
        nearest = np.abs(np.arange(patch_frames)[:, np.newaxis] - middles).argmin(axis=1)
        frames = nearest * num_frames + np.arange(patch_frames) - starts[nearest]
        as_ints = [tuple(map(int, row)) for row in rows]
        return cls(tuple(as_ints), tuple(map(int, starts)), num_frames, tuple(map(int, frames)))

    def told(self, patches: np.ndarray) -> np.ndarray:
        """`[batch, patch_frames, bands]` -> what each cell tells, `[batch, cells, values]`."""
        places = np.add.outer(np.array(self.starts), np.arange(self.num_frames))
        return patches[:, places].reshape(len(patches), len(self.starts), -1)

    def join(self, told: np.ndarray, num_bands: int) -> np.ndarray:
        """`[batch, cells, values]` -> patches in network range; inverse of `told`."""
        return np.clip(told.reshape(len(told), -1, num_bands)[:, self.frames], -1, 1)


def row_shape(tap_shape: Sequence[int]) -> tuple[int, int]:
    """Rows of a tap, and values of each; a fully connected tap is one row."""
    num_rows = tap_shape[0] if len(tap_shape) > 1 else 1
    return num_rows, math.prod(tap_shape) // num_rows


def build_reader(tap_shape: Sequence[int], params: features.LogMelParams) -> keras.Model:
    """The model `[batch, *tap_shape]` -> what each cell sees, `[batch, cells, values]` float32."""
    embedding = keras.Input(tuple(tap_shape), name="embedding")
    return keras.Model(embedding, _read(embedding, tap_shape, params), name="ridge_reader")


def _read(embedding, tap_shape: Sequence[int], params: features.LogMelParams):
    cells, (num_rows, width) = Cells.of(tap_shape, params), row_shape(tap_shape)
    x = keras.layers.Reshape((num_rows, width), dtype="float32", name="rows")(embedding)
    x = keras.layers.ZeroPadding1D((0, 1), dtype="float32", name="no_row")(x)
    x = keras.ops.take(x, [row for rows in cells.rows for row in rows], axis=1)
    num_values = len(cells.rows[0]) * width
    x = keras.layers.Reshape((len(cells.rows), num_values), dtype="float32", name="seen")(x)
    return x if num_values <= _MOST_VALUES else _sketch(x, num_values)


def _sketch(x, num_values: int):
    """Sums of values with random signs, the same for every tap of that size."""
    size, num_cells = _MOST_VALUES // 2, x.shape[1]
    num_sums = math.ceil(num_values / size)
    signs = np.random.default_rng(num_values).choice([-1.0, 1.0], num_values)
    # Keras keeps no constants in a file but the weights of layers: here, a scale of each value.
    signed = keras.layers.BatchNormalization(center=False, trainable=False, name="signs")
    x = signed(x)
    scale = signs * np.sqrt(1 + signed.epsilon)
    signed.set_weights([scale, np.zeros(num_values), np.ones(num_values)])
    x = keras.ops.pad(x, ((0, 0), (0, 0), (0, num_sums * size - num_values)))
    return keras.ops.sum(keras.ops.reshape(x, (-1, num_cells, num_sums, size)), axis=2)


@dataclasses.dataclass(frozen=True)
class Solution:
    """Weights of one penalty: `seen @ kernel + bias`, then `@ components + mean` if there are some.

    Attributes:
        penalty: per row.
        kernel: `[values, outputs]` float32, standardisation included.
        bias: `[outputs]` float32.
        components: `[outputs, frames * bands]`, or None where the outputs are the frames.
        mean: of the frames; None without components.
    """

    penalty: float
    kernel: np.ndarray = dataclasses.field(repr=False)
    bias: np.ndarray = dataclasses.field(repr=False)
    components: np.ndarray | None = dataclasses.field(default=None, repr=False)
    mean: np.ndarray | None = dataclasses.field(default=None, repr=False)

    def predict(self, seen: np.ndarray) -> np.ndarray:
        """`[..., values]` -> `[..., frames * bands]`, in network range but not clipped."""
        made = seen @ self.kernel + self.bias
        return made if self.components is None else made @ self.components + self.mean


def solve(seen: np.ndarray, told: np.ndarray, penalties: Sequence[float]) -> list[Solution]:
    """Ridge regression under several penalties.

    Args:
        seen: `[n, values]` float32.
        told: `[n, outputs]` float32, network range.
        penalties: each is multiplied by `n`.
    """
    from scipy import linalg

    components, mean, target = None, None, told
    if told.shape[1] > _MOST_OUTPUTS:
        from sklearn.utils import extmath

        mean = told.mean(axis=0)
        rank = min(_NUM_COMPONENTS, len(told))
        _, _, components = extmath.randomized_svd(told - mean, rank, random_state=0)
        target = (told - mean) @ components.T
    middle, centre = seen.mean(axis=0), target.mean(axis=0)
    scale = seen.std(axis=0)
    varies = scale > 1e-4 * max(float(scale.max()), 1e-20)
    inverse = np.where(varies, 1 / np.where(varies, scale, 1), 0).astype(np.float32)
    x, y = (seen - middle) * inverse, target - centre
    count, is_dual = len(x), len(x) < x.shape[1]
    gram = (x @ x.T if is_dual else x.T @ x).astype(np.float64)
    aim = (y if is_dual else x.T @ y).astype(np.float64)
    found = []
    for penalty in penalties:
        damped = gram + penalty * count * np.eye(len(gram))
        solved = linalg.cho_solve(linalg.cho_factor(damped, lower=True, overwrite_a=True), aim)
        weights = (x.T @ solved.astype(np.float32) if is_dual else solved).astype(np.float32)
        kernel = weights * inverse[:, np.newaxis]
        found.append(Solution(penalty, kernel, centre - middle @ kernel, components, mean))
    return found


def build_inverter(
    tap_shape: Sequence[int], params: features.LogMelParams, solution: Solution
) -> keras.Model:
    """The inverter of a tap, shaped as `network.build_inverter` has it, with its weights."""
    cells = Cells.of(tap_shape, params)
    embedding = keras.Input(tuple(tap_shape), name="embedding")
    x: Any = _read(embedding, tap_shape, params)
    x = _dense(x, solution.kernel, solution.bias, "ridge")
    if solution.components is not None:
        x = _dense(x, solution.components, solution.mean, "components")
    flat = (len(cells.starts) * cells.num_frames, params.num_bands)
    x = keras.layers.Reshape(flat, dtype="float32", name="told")(x)
    x = keras.ops.clip(keras.ops.take(x, list(cells.frames), axis=1), -1.0, 1.0)
    shape = (params.patch_frames, params.num_bands)
    patches = keras.layers.Reshape(shape, dtype="float32", name="patches")(x)
    return keras.Model(embedding, patches, name="ridge_inverter")


def _dense(x, kernel, bias, name: str):
    layer = keras.layers.Dense(kernel.shape[1], dtype="float32", name=name)
    x = layer(x)
    layer.set_weights([kernel, bias])
    return x
