"""Records in config.json what an inverter was trained on, and finds it again."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from vggish_inversion import features
from vggish_inversion.files import places
from vggish_inversion.targets import encoder, fingerprint, loading
from vggish_inversion.targets.own import model_files
from vggish_inversion.training import run_folder

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
        axes: that were stated.
        head: that was stated.
    """

    name: str
    weights: str | None = None
    seed: int = 0
    label: str | None = None
    axes: str | None = None
    head: str | None = None

    def load(self) -> encoder.TargetEncoder:
        """The frozen network.

        Raises:
            ValueError: if it cannot be had.
        """
        target = loading.load_target(
            self.name, weights=self.weights, seed=self.seed, axes=self.axes, head=self.head
        )
        target.name = self.label or self.name
        return target


class Run(Protocol):
    """An inverter's run, of `inverters.run`."""

    @property
    def folder(self) -> pathlib.Path:
        """Its folder."""
        ...

    @property
    def config(self) -> Mapping:
        """Its settings."""
        ...

    @property
    def layer(self) -> str:
        """The tap it inverts."""
        ...


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
        "target_fingerprint": target.fingerprint_as(
            run_folder.setting(folder, "target_fingerprint")
        ),
        **({"target_axes": target.stated_axes} if target.stated_axes else {}),
        **({"target_head": target.stated_head} if target.stated_head else {}),
        PATHS: {
            field: kept for field, path in paths.items() if (kept := places.keep(path, folder))
        },
    }


def describe_front_end(target: encoder.TargetEncoder) -> dict[str, Any]:
    """The fields of config.json that tell what is learnt, and what else the network takes."""
    described: dict[str, Any] = {"log_mel": dataclasses.asdict(target.log_mel)}
    if not isinstance(target.front_end, features.LogMelParams):
        described["front_end"] = features.describe(target.front_end)
    return described


def target_source(
    config: Mapping[str, Any],
    folder: pathlib.Path,
    *,
    path: str | None = None,
    weights: str | None = None,
    seed: int | None = None,
    axes: str | None = None,
    head: str | None = None,
) -> TargetSource:
    """What loads the target of a run's config.json again; inverse of `describe_target`.

    Args:
        config: of the run.
        folder: of the run.
        path: where a network of your own is now, if not where it was.
        weights: where the target's weights are now, if not where they were.
        seed: of untrained weights, if not the one that they had.
        axes: of its patches, if not those that were stated then.
        head: of the target, if not the one that was stated then.

    Returns:
        The source, whose paths are absolute.

    Raises:
        integrity.WeightsError: if a file or folder is not found.
    """
    name, seed = config["target"], config["target_seed"] if seed is None else seed
    axes, head = axes or config.get("target_axes"), head or config.get("target_head")

    def found(field: str) -> str:
        paths = config.get(PATHS)
        kept = paths.get(field) if isinstance(paths, Mapping) else None
        return places.find(config[field], kept, folder, instead=_MOVED)

    if weights is None:
        weights = config["target_weights"]
        weights = found("target_weights") if _is_path(weights) else weights
    if loading.is_family(name):
        return TargetSource(name, weights, seed, name, axes, head)
    if path is None and weights and _is_path(weights) and model_files.is_network(weights):
        return TargetSource(weights, None, seed, name, axes, head)  # the network's new place
    return TargetSource(path or found("target"), weights, seed, name, axes, head)


def common_source(
    runs: Sequence[Run],
    name: str | None,
    *,
    folder: str | pathlib.Path,
    weights: str | None = None,
    seed: int | None = None,
    axes: str | None = None,
    head: str | None = None,
    layers: Sequence[str] | None = None,
) -> TargetSource:
    """The common source of the runs of one target; see `search.find_source`."""
    names = {run.config["target"] for run in runs}
    name = name or (names.pop() if len(names) == 1 else "vggish")
    named = [run for run in runs if run.config["target"] == name]
    if not named:  # a path may be spelt in another way: what is in the file decides
        return TargetSource(name, weights, seed or 0, axes=axes, head=head)
    trained = _of_same_weights(named, name, folder, layers)[0]
    path = name if not loading.is_family(name) and pathlib.Path(name).exists() else None
    return target_source(
        trained.config,
        trained.folder,
        path=path,
        weights=weights,
        seed=seed,
        axes=axes,
        head=head,
    )


def _of_same_weights(
    runs: Sequence[Run], name: str, folder, layers: Sequence[str] | None
) -> Sequence[Run]:
    """The runs of the wanted layers; weights of several kinds are refused by name."""
    groups = _by_weights(runs)
    if len(groups) > 1 and layers is not None:
        wanted = {loading.tap_name(name, layer) for layer in layers}
        runs = [run for run in runs if run.layer in wanted] or runs
        groups = _by_weights(runs)
    if len(groups) > 1:
        groups = _one_form(groups)
    if len(groups) > 1:
        which = "; ".join(
            f"{group[0].config['target_weights'] or 'the published or shipped ones'} "
            f"({digest[-64:][:8]}): {', '.join(str(run.folder) for run in group[:3])}"
            + (f" and {len(group) - 3} more" if len(group) > 3 else "")
            for digest, group in groups.items()
        )
        raise ValueError(
            f"the inverters of {name} below {folder} were trained on {len(groups)} different "
            f"weights ({which}); expected those of one: keep them in folders of their own"
        )
    return runs


def _by_weights(runs: Sequence[Run]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.config["target_fingerprint"], []).append(run)
    return groups


def _one_form(groups: dict[str, list[Run]]) -> dict[str, list[Run]]:
    """Joins runs whose fingerprints, of before and of now, are of one network."""
    made = {key: list(group) for key, group in groups.items()}
    earlier = [key for key in groups if not key.startswith(fingerprint.PREFIX)]
    for key in groups.keys() - set(earlier) if earlier else ():
        first = groups[key][0]
        target = target_source(first.config, first.folder).load()
        for same in earlier:
            if same in made and target.fingerprint_as(same) == same:
                made[key] += made.pop(same)
    return made


def _is_path(weights: str | None) -> bool:
    """Whether weights are a file or folder: no URL, none of ours, not random."""
    return bool(weights) and weights != encoder.UNTRAINED and "://" not in str(weights)
