"""Finds the trained inverters below a folder, their target, and the best of each layer."""

import pathlib
from collections.abc import Sequence

from vggish_inversion.inverters import origin
from vggish_inversion.inverters.config import MODEL_FILE
from vggish_inversion.inverters.run import InverterRun, read_run
from vggish_inversion.targets import encoder


def read_runs(folder: str | pathlib.Path) -> list[InverterRun]:
    """All trained inverters below a folder, at any depth, in the order of their paths.

    Raises:
        hub.WeightsError: if the settings of one are damaged.
    """
    return [read_run(path) for path in sorted(pathlib.Path(folder).rglob(MODEL_FILE))]


def find_runs(
    folder: str | pathlib.Path, target: encoder.TargetEncoder, *, layers: Sequence[str] | None
) -> list[InverterRun]:
    """The trained inverters of a target below a folder, from shallow taps to deep.

    Args:
        folder: is searched at any depth.
        target: whose inverters.
        layers: taps or aliases; all that are there if None.

    Raises:
        ValueError: on an unknown layer, if a layer (or everything) has no inverter, or if one was
            trained on other weights.
    """
    wanted = None if layers is None else [target.tap(layer).name for layer in layers]
    order = [tap.name for tap in target.taps]
    there = read_runs(folder)
    runs = [run for run in there if run.is_of(target) and (wanted is None or run.layer in wanted)]
    absent = set(wanted or ()) - {run.layer for run in runs}
    if not runs or absent:
        what = f"layer {' '.join(sorted(absent))} of {target.name}" if absent else target.name
        others = sorted({run.config["target"] for run in there} - {target.name})
        raise ValueError(
            f"no trained inverter for {what} below {folder}"
            + (f", where there are some for: {' '.join(others)}" if others and not runs else "")
            + f"; train one: scripts/train_inverter.py --target={target.name} --layer=LAYER"
        )
    for run in runs:
        run.check_target(target)
    return sorted(runs, key=lambda run: (order.index(run.layer), run.preset, run.loss))


def find_source(
    folder: str | pathlib.Path,
    name: str | None = None,
    *,
    weights: str | None = None,
    seed: int | None = None,
    axes: str | None = None,
    head: str | None = None,
    layers: Sequence[str] | None = None,
) -> origin.TargetSource:
    """What the inverters below a folder were trained on, from their own settings.

    Args:
        folder: is searched at any depth.
        name: of the target, or its path; if None, that of the inverters, where all have the same,
            else "vggish".
        weights: of the target, if not where they were.
        seed: of untrained weights, if not the one that they had.
        axes: of its patches, if not those that were stated then.
        head: of the target, if not the one that was stated then.
        layers: taps or aliases, whose inverters count; all if None.

    Raises:
        ValueError: if the inverters were trained on several weights (it says which and where), or
            a file is not found.
    """
    return origin.common_source(
        read_runs(folder),
        name,
        folder=folder,
        weights=weights,
        seed=seed,
        axes=axes,
        head=head,
        layers=layers,
    )


def open_runs(
    folder: str | pathlib.Path,
    name: str | None = None,
    *,
    weights: str | None = None,
    seed: int | None = None,
    layers: Sequence[str] | None = None,
) -> tuple[encoder.TargetEncoder, list[InverterRun]]:
    """The target that `find_source` finds, and its inverters, as `find_runs` does.

    Raises:
        ValueError: as they do.
    """
    source = find_source(folder, name, weights=weights, seed=seed, layers=layers)
    target = source.load()
    return target, find_runs(folder, target, layers=layers)


def best_runs(runs: Sequence[InverterRun], *, preset: str | None = None) -> dict[str, InverterRun]:
    """The run of each layer with the lowest L1 on held-out patches.

    Args:
        runs: of `find_runs`.
        preset: consider that one alone.

    Raises:
        ValueError: if a layer has no run of the preset; the message lists what it has.
    """
    best = {}
    for layer in dict.fromkeys(run.layer for run in runs):
        of_layer = [run for run in runs if run.layer == layer]
        usable = [run for run in of_layer if preset in (None, run.preset)]
        if not usable:
            there = " ".join(run.preset for run in of_layer)
            raise ValueError(f"no inverter of {layer} with preset {preset!r}; there is: {there}")
        best[layer] = min(usable, key=lambda run: run.held_out_nats)
    return best
