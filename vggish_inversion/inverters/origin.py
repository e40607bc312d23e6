"""What an inverter was trained on, so that it is found again: written to config.json, and read."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from vggish_inversion.files import places
from vggish_inversion.targets import encoder, loading

PATHS = "paths"  # the field of config.json that tells where files were
_MOVED = "say where it is now: --target_weights="


@dataclasses.dataclass(frozen=True)
class TargetSource:
    """What `loading.load_target` takes.

    Attributes:
        name: of a family, or a path.
        weights: a URL, a path, "untrained", or None for the published or shipped ones.
        seed: of untrained weights.
        label: what the target is called, and results are filed under, if not `name`.
    """

    name: str
    weights: str | None = None
    seed: int = 0
    label: str | None = None

    def load(self) -> encoder.TargetEncoder:
        """The frozen network.

        Raises:
            ValueError: if it cannot be had.
        """
        target = loading.load_target(self.name, weights=self.weights, seed=self.seed)
        target.name = self.label or self.name
        return target


def describe_target(target: encoder.TargetEncoder, folder: pathlib.Path) -> dict[str, Any]:
    """The fields of config.json that tell which network it is, by name and by content.

    Args:
        target: as `loading.load_target` gave it.
        folder: the run's; what is a path is kept relative to it, too.
    """
    paths = {
        "target": None if loading.is_family(target.name) else target.name,
        "target_weights": target.weights if _is_path(target.weights) else None,
    }
    return {
        "target": target.name,
        "target_weights": target.weights,
        "target_seed": target.seed,
        "target_fingerprint": target.fingerprint,
        PATHS: {
            field: kept for field, path in paths.items() if (kept := places.keep(path, folder))
        },
    }


def target_source(
    config: Mapping[str, Any],
    folder: pathlib.Path,
    *,
    path: str | None = None,
    weights: str | None = None,
    seed: int | None = None,
) -> TargetSource:
    """What loads the target of a run's config.json again; inverse of `describe_target`.

    Args:
        config: of the run.
        folder: of the run.
        path: where a network of your own is now, if not where it was.
        weights: where the target's weights are now, if not where they were.
        seed: of untrained weights, if not the one that they had.

    Returns:
        The source, whose paths are absolute.

    Raises:
        integrity.WeightsError: if a file or folder is not found.
    """
    name, seed = config["target"], config["target_seed"] if seed is None else seed

    def found(field: str) -> str:
        paths = config.get(PATHS)
        kept = paths.get(field) if isinstance(paths, Mapping) else None
        return places.find(config[field], kept, folder, instead=_MOVED)

    if weights is None:
        weights = config["target_weights"]
        weights = found("target_weights") if _is_path(weights) else weights
    if loading.is_family(name):
        return TargetSource(name, weights, seed, name)
    if path is None and weights and _is_path(weights) and not weights.endswith(".h5"):
        return TargetSource(weights, None, seed, name)  # the network's new place
    return TargetSource(path or found("target"), weights, seed, name)


def _is_path(weights: str | None) -> bool:
    """Whether weights are a file or folder: no URL, none of ours, not random."""
    return bool(weights) and weights != encoder.UNTRAINED and "://" not in str(weights)
