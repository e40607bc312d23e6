"""From a name or a path to a frozen target."""

import importlib

from vggish_inversion.targets import encoder
from vggish_inversion.targets.own import keras_model

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


def load_target(
    name: str = "vggish", *, weights: str | None = None, seed: int = 0
) -> encoder.TargetEncoder:
    """Loads a frozen target.

    Args:
        name: "vggish", "yamnet", "small_encoder/TASK", or the path of your own network: a `.keras`
            file or the folder of a SavedModel, with its log-mel settings in a JSON file beside it
            (see docs/your_own_network.md).
        weights: a URL, a file or folder, "untrained" (random weights: a control that shows what the
            architecture alone keeps), or None for the published or shipped weights.
        seed: of the untrained weights.

    Raises:
        ValueError: on an unknown name, or weights that are missing or do not fit.
    """
    if is_family(name):
        family, _, member = name.partition("/")
        if member and family not in _FAMILIES_WITH_MEMBERS:
            raise ValueError(f"no target {name!r}; {family} is one network: --target={family}")
        module = importlib.import_module(_FAMILIES[family])
        arguments = (member,) if member else ()
        target = module.load(*arguments, weights=weights, seed=seed)
    elif keras_model.is_path(name):
        target = keras_model.load(name, weights=weights, seed=seed)
    else:
        raise ValueError(
            f"no target {name!r}; targets are: vggish, yamnet, small_encoder/TASK, and the path "
            "of a .keras file or of a SavedModel's folder"
        )
    target.weights, target.seed = weights, seed
    return target
