"""Loads a frozen target from a name or a path."""

import importlib
import os

from vggish_inversion.files import hub, names
from vggish_inversion.targets import encoder
from vggish_inversion.targets.own import model_files

# Families of targets; the text after a slash names one member (small_encoder/speech_commands).
_FAMILIES = {
    "vggish": "vggish_inversion.targets.vggish",
    "yamnet": "vggish_inversion.targets.yamnet",
    "small_encoder": "vggish_inversion.targets.small_encoder",
}
_FAMILIES_WITH_MEMBERS = {"small_encoder"}


def is_family(name: str) -> bool:
    """Whether a name is of a target that this project knows, rather than a path."""
    return name.partition("/")[0] in _FAMILIES and not name.endswith(".keras")


def canonical_name(name: str | os.PathLike[str]) -> str:
    """A target's name as this project spells it; a path, or what is neither, as it was given.

    >>> canonical_name(" YAMNet"), canonical_name("Small_Encoder/Speech_Commands")
    ('yamnet', 'small_encoder/speech_commands')
    >>> canonical_name("Models/Net.keras")
    'Models/Net.keras'
    """
    name = os.fspath(name)
    spelt = name.strip().lower()
    if is_family(name) or not is_family(spelt) or model_files.is_path(name):
        return name
    return spelt


def tap_name(target: str, layer: str) -> str:
    """The name of the tap that a layer is of a target, by the target's name: aliases have another.

    >>> tap_name("vggish", "conv4"), tap_name("yamnet", "layer6"), tap_name("my.keras", "conv4")
    ('conv4_2', 'layer6', 'conv4')
    """
    if not is_family(target):
        return layer  # networks of your own have no aliases
    module = importlib.import_module(_FAMILIES[target.partition("/")[0]])
    return getattr(module, "ALIASES", {}).get(layer, layer)


def _nearest(name: str) -> str:
    """The beginning of an answer to a name that is none's."""
    folders = sorted((hub.models_dir() / "small_encoder").glob("*"))
    known = ["vggish", "yamnet", *(f"small_encoder/{path.name}" for path in folders)]
    return names.did_you_mean(name, known)


def load_target(
    name: str | os.PathLike[str] = "vggish",
    *,
    weights: str | os.PathLike[str] | None = None,
    seed: int = 0,
    axes: str | None = None,
    head: str | None = None,
) -> encoder.TargetEncoder:
    """Loads a frozen target.

    Args:
        name: "vggish", "yamnet", "small_encoder/TASK", or the path of your own network: a `.keras`
            file or the folder of a SavedModel, with its log-mel settings in a JSON file beside it
            (see docs/your_own_network.md).
        weights: a URL, a file or folder, "untrained" (random weights: a control that shows what the
            architecture alone keeps), or None for the published or shipped weights.
        seed: of the untrained weights.
        axes: of your own network, the order of a patch's axes: "frames,bands" or "bands,frames";
            what its JSON file states if None.
        head: of your own network, the layer (or the SavedModel's output) that tells classes apart,
            if it is not what the network ends with; of a named target, one of its heads.

    Raises:
        ValueError: on an unknown name or head, or weights that are missing or do not fit.
    """
    name = canonical_name(name)
    weights = None if weights is None else os.fspath(weights)
    if is_family(name):
        family, _, member = name.partition("/")
        if member and family not in _FAMILIES_WITH_MEMBERS:
            raise ValueError(f"no target {name!r}; {family} is one network: --target={family}")
        module = importlib.import_module(_FAMILIES[family])
        arguments = (member,) if member else ()
        target = module.load(*arguments, weights=weights, seed=seed)
    elif model_files.is_path(name):
        target = model_files.load(name, weights=weights, seed=seed, axes=axes, head=head)
    else:
        raise ValueError(
            f"no target {name!r}{_nearest(name)} targets are: vggish, yamnet, small_encoder/TASK, "
            "and the path of a .keras file or of a SavedModel's folder"
        )
    if head is not None:
        target.head(head)
    target.weights, target.seed = weights, seed
    target.stated_axes, target.stated_head = axes, head
    return target
