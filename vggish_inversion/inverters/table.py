"""Reads a table of inverters to train: a CSV file with a row for each."""

import csv
import dataclasses
import pathlib
import typing
from collections.abc import Callable

from vggish_inversion.inverters import training

_FIELDS = typing.get_type_hints(training.TrainConfig)
_BOOLEANS = {"true": True, "false": False}
_OWN = ("target", "target_weights", "layer")


@dataclasses.dataclass(frozen=True)
class TargetRows:
    """The rows of one target, in their order.

    Attributes:
        target: its name, as `loading.load_target` takes it.
        weights: of it; None for what is published or shipped.
        places: tap and config of each row.
    """

    target: str
    weights: str | None
    places: tuple[tuple[str, training.TrainConfig], ...]


def read_table(
    path: str | pathlib.Path,
    make_config: Callable[..., training.TrainConfig],
    *,
    row: int | None = None,
) -> list[TargetRows]:
    """Reads a table.

    Args:
        path: a CSV file with the columns `target` and `layer`, and, where they are wanted,
            `target_weights` and any field of `training.TrainConfig`. An empty cell is as no cell.
        make_config: gives the config of a row's own fields, with its defaults for the others.
        row: the only one wanted, from 1, as a task of an array job does.

    Returns:
        One entry for each target and weights, in the order in which they first appear.

    Raises:
        ValueError: if it is no such table; the message names the row.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns, rows = reader.fieldnames or (), list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from error
    unknown = set(columns) - {*_OWN, *_FIELDS}
    if unknown or not {"target", "layer"} <= set(columns):
        raise ValueError(
            f"{path} has the columns {', '.join(columns) or 'none'}; expected target, layer and "
            f"any of target_weights, {', '.join(_FIELDS)}"
        )
    places: dict[tuple[str, str | None], list] = {}
    for number, cells in enumerate(rows, 1):
        try:
            target, weights, layer, config = _read_row(cells, make_config)
        except ValueError as error:
            raise ValueError(f"{path}, row {number}: {error}") from error
        if row in (None, number):
            places.setdefault((target, weights), []).append((layer, config))
    if not places:
        raise ValueError(f"{path} has {len(rows)} rows; expected {row or 'one for each inverter'}")
    return [TargetRows(*named, tuple(found)) for named, found in places.items()]


def _read_row(cells: dict, make_config: Callable[..., training.TrainConfig]):
    if None in cells or None in cells.values():
        raise ValueError("more or fewer cells than the header has")
    cells = {name: cell.strip() for name, cell in cells.items()}
    target, layer = cells["target"], cells["layer"]
    if not target or not layer:
        raise ValueError("target and layer must be given")
    fields = {name: _read_cell(name, cells[name]) for name in _FIELDS if cells.get(name)}
    return target, cells.get("target_weights") or None, layer, make_config(**fields)


def _read_cell(name: str, text: str):
    """A cell as the type of its field.

    >>> _read_cell("num_epochs", "12"), _read_cell("jit_compile", "true")
    (12, True)
    >>> _read_cell("initial_weights", "runs/layer_3/inverter.keras")
    'runs/layer_3/inverter.keras'
    """
    kind = (*typing.get_args(_FIELDS[name]), _FIELDS[name])[0]  # `str` of `str | None`
    try:
        return _BOOLEANS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise ValueError(f"{name} must be {kind.__name__}, not {text!r}") from None
