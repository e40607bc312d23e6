"""The names of YAMNet's weights in files: the release's, Keras' numbers, PyTorch's."""

import re

from vggish_inversion.files import arrays

NUM_LAYERS = 14

# The release names its layers but the last, whose number then depends on what Keras had built
# before; and a module around the network may put its own name in front. Keras 3 takes no slash.
_NAMED = re.compile(
    r"^(?:.*/)?(?:layer(\d+)[/_](conv|depthwise_conv|pointwise_conv)(?:[/_](bn))?"
    r"|dense(?:_\d+)?|logits)/(\w+)$"
)
# Where a file numbers the layers of each class.
_NUMBERED = re.compile(
    r"^(?:.*/)?(?:layers|_layer_checkpoint_dependencies)/"
    r"(conv2d|depthwise_conv2d|batch_normalization|dense)(?:_(\d+))?/vars/(\d)$"
)
# Of torch_audioset and the ports that follow it.
_TORCH = re.compile(
    r"^(?:.*\.)?(?:layer(\d+)\.(fused|depthwise_conv|pointwise_conv)\.(conv|bn)|classifier)"
    r"\.(weight|bias|running_mean|running_var)$"
)

_SCOPES = ("layer1/conv",) + tuple(
    f"layer{number}/{kind}_conv"
    for number in range(2, NUM_LAYERS + 1)
    for kind in ("depthwise", "pointwise")
)
_BY_CLASS = {
    "conv2d": [scope for scope in _SCOPES if "depthwise" not in scope],
    "depthwise_conv2d": [scope for scope in _SCOPES if "depthwise" in scope],
    "batch_normalization": [f"{scope}/bn" for scope in _SCOPES],
    "dense": ["logits"],
}
_VARIABLES = {
    "conv2d": ["kernel"],
    "depthwise_conv2d": ["depthwise_kernel"],
    "batch_normalization": ["beta", "moving_mean", "moving_variance"],
    "dense": ["kernel", "bias"],
}
_TORCH_BATCH_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def locate(stored_name: str) -> arrays.Place | None:
    """Finds the release's variable of an array by the array's name in a file.

    >>> locate("yamnet/layer2/depthwise_conv/bn/beta").name
    'layer2/depthwise_conv/bn/beta'
    >>> locate("layer2.depthwise_conv.conv.weight")
    Place(name='layer2/depthwise_conv/depthwise_kernel', axes=(2, 3, 0, 1))
    >>> locate("layers/conv2d_1/vars/0").name, locate("dense_1/bias").name
    ('layer2/pointwise_conv/kernel', 'logits/bias')
    """
    if match := _TORCH.match(stored_name):
        return _locate_torch(*match.groups())
    if match := _NUMBERED.match(stored_name):
        kind, number, variable = match.groups()
        scope = dict(enumerate(_BY_CLASS[kind])).get(int(number or 0))
        leaf = dict(enumerate(_VARIABLES[kind])).get(int(variable))
        return arrays.Place(f"{scope}/{leaf}") if scope and leaf else None
    if match := _NAMED.match(stored_name):
        number, kind, batch_norm, leaf = match.groups()
        scope = f"layer{number}/{kind}" if number else "logits"
        return arrays.Place(f"{scope}/bn/{leaf}" if batch_norm else f"{scope}/{leaf}")
    return None


def _locate_torch(number: str | None, kind: str, part: str, leaf: str) -> arrays.Place | None:
    if number is None:
        if leaf == "weight":
            return arrays.Place("logits/kernel", arrays.DENSE_AXES)
        return arrays.Place("logits/bias") if leaf == "bias" else None
    scope = f"layer{number}/{'conv' if kind == 'fused' else kind}"
    if part == "bn":
        return arrays.Place(f"{scope}/bn/{_TORCH_BATCH_NORM[leaf]}")
    if kind == "depthwise_conv":
        return arrays.Place(f"{scope}/depthwise_kernel", arrays.DEPTHWISE_AXES)
    return arrays.Place(f"{scope}/kernel", arrays.CONV_AXES)
