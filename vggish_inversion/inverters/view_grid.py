"""Arranges the rows of all views of a tap on one grid, in the order of their frames."""

import math

import keras
import numpy as np

from vggish_inversion import features
from vggish_inversion.features import views as tap_views
from vggish_inversion.inverters import decoder_parts as parts

# More rows than this of one place in time tell the same, but for what borders a patch.
_ROWS_PER_CELL = 2


def frames_per_cell(tap_frames: int, views: tap_views.Views) -> int:
    """Frames from one cell of the grid to the next.

    >>> frames_per_cell(6, tap_views.Views(17, 96))  # rows 16 frames apart, views 6
    2
    """
    step, rest = divmod(views.patch_frames, tap_frames)
    return math.gcd(*views.starts, 0 if rest else step)


def rows_of_cells(tap_frames: int, views: tap_views.Views) -> np.ndarray:
    """The rows of views in each cell; rows nearest to the middle of their view come first.

    Args:
        tap_frames: rows of one view.
        views: how many, and where.

    Returns:
        `[cells, rows]` ints: `view * tap_frames + row`, or `views * tap_frames` where there is
        none. The patch begins `context_frames / frames_per_cell` cells after the first.
    """
    step, cell_frames = views.patch_frames / tap_frames, frames_per_cell(tap_frames, views)
    # A row stands for the frames from its middle on where it is the only one of its view.
    middle = views.patch_frames // 2 if tap_frames == 1 else 0
    num_cells = math.ceil((views.patch_frames + 2 * views.context_frames) / cell_frames)
    found: list[list[tuple[float, int]]] = [[] for _ in range(num_cells)]
    for view, start in enumerate(views.starts):
        for row in range(tap_frames):
            cell = int((start + row * step + middle) / cell_frames)
            off_centre = abs(row + 0.5 - tap_frames / 2)
            found[cell].append((off_centre, view * tap_frames + row))
    num_rows = min(_ROWS_PER_CELL, max(map(len, found)))
    rows = np.full((num_cells, num_rows), views.num_views * tap_frames)
    for cell, candidates in enumerate(found):
        for place, (_, index) in enumerate(sorted(candidates)[:num_rows]):
            rows[cell, place] = index
    return rows


def on_grid(embedding, params: features.LogMelParams, views: tap_views.Views):
    """Lays `[batch, views, *tap_shape]` out: zeros where a cell has no row.

    Returns:
        `[batch, cells, bands, rows * channels]`, the frames of a cell, and how often the bands of a
        patch are halved.
    """
    shape = embedding.shape[2:]
    frames, bands, channels = (shape[:-1] + (1, 1))[:2] + shape[-1:]
    rows = rows_of_cells(frames, views)
    num_cells, num_rows = rows.shape
    flat = (views.num_views * frames, bands, channels)
    x = keras.layers.Reshape(flat, name="rows")(embedding)
    x = keras.layers.ZeroPadding2D(((0, 1), (0, 0)), name="no_row")(x)
    x = keras.ops.take(x, rows.tolist(), axis=1)
    x = keras.layers.Permute((1, 3, 2, 4), name="bands_first")(x)
    x = keras.layers.Reshape((num_cells, bands, num_rows * channels), name="cells")(x)
    halvings = parts.num_halvings((1, bands), params)
    if bands != parts.grid(halvings, params)[1]:
        x = keras.layers.Resizing(num_cells, parts.grid(halvings, params)[1], name="resize")(x)
    return x, frames_per_cell(frames, views), halvings


def without_context(x, views: tap_views.Views, cell_frames: int):
    """Cuts the cells before and after the patch off."""
    before = views.context_frames // cell_frames
    after = x.shape[1] - before - math.ceil(views.patch_frames / cell_frames)
    return keras.layers.Cropping2D(((before, after), (0, 0)), name="patch_cells")(x)
