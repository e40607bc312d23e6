"""Fills a network's layers with weights from a file, whatever names the file uses."""

import itertools
from collections.abc import Collection, Mapping

import keras
from absl import logging

from vggish_inversion.files import integrity, weights

Layers = Mapping[str, Mapping[str, keras.Variable]]


def assign(
    layers: Layers,
    source: integrity.Source,
    *,
    locate: weights.Locate,
    alternative: str = "",
    ones: str = "",
) -> dict[str, str]:
    """Fills a network's layers; a file may lack the last of them.

    Args:
        layers: of a network, in its order: the variables of each, by their names in its release.
        source: see `files.weights.read_variables`.
        locate: which variable an array of the file is.
        alternative: another place to download the same weights from, for the error message.
        ones: how the names of variables end that the network does not have, and that a file may
            have if they are all one: the scale of batch norm, for example.

    Returns:
        The layers without weights in the file, and the reason in words.

    Raises:
        WeightsError: if the weights are missing, damaged or another network's, or if a layer is
            missing before one that is there.
    """
    variables = {name: item for layer in layers.values() for name, item in layer.items()}
    values = weights.read_variables(
        source,
        shapes={name: tuple(variable.shape) for name, variable in variables.items()},
        locate=locate,
        reach=lambda names: _first_layers(layers, names),
        alternative=alternative,
        ones=ones,
    )
    absent = [name for name, layer in layers.items() if not layer.keys() <= values.keys()]
    for name in list(values):
        variables[name].assign(values.pop(name))  # popped, for each may be 200 MB
    if absent:
        logging.warning("%s holds no weights of %s: what lies before can be inverted", source,
                        ", ".join(absent))  # fmt: skip
    return {name: f"{source} holds no weights of {', '.join(absent)}" for name in absent}


def _first_layers(layers: Layers, names: Collection[str]) -> list[str]:
    """The variables of the layers up to the first that is missing, if no later one is there."""
    there = set(names)
    first = itertools.takewhile(lambda layer: layer.keys() <= there, layers.values())
    reached = [name for layer in first for name in layer]
    return reached if there <= set(reached) else []  # which asks for all of them


def up_to(model: keras.Model, outputs: Collection[str]) -> keras.Model:
    """The same network with some of its outputs, and nothing that lies behind them."""
    return keras.Model(model.input, {name: model.output[name] for name in outputs}, name=model.name)
