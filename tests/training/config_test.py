"""Settings that no training can run with are refused when they are written down."""

import math

import pytest

from vggish_inversion.inverters import config as inverter_config
from vggish_inversion.vocoders import config as vocoder_config


@pytest.mark.parametrize("name", ["num_epochs", "batch_size", "num_views"])
def test_counts_of_an_inverter(name):
    assert getattr(inverter_config.TrainConfig(**{name: 1}), name) == 1
    with pytest.raises(ValueError, match=f"{name} is -3; expected 1 or more"):
        inverter_config.TrainConfig(**{name: -3})


@pytest.mark.parametrize(
    ("name", "least"),
    [("num_epochs", 1), ("steps_per_epoch", 1), ("batch_size", 1), ("segment_frames", 7)],
)
def test_counts_of_a_vocoder(name, least):
    assert getattr(vocoder_config.VocoderConfig(**{name: least}), name) == least
    with pytest.raises(ValueError, match=f"{name} is {least - 1}; expected {least} or more"):
        vocoder_config.VocoderConfig(**{name: least - 1})


@pytest.mark.parametrize("rate", [0.0, -1e-3, math.nan, math.inf])
@pytest.mark.parametrize("kind", [inverter_config.TrainConfig, vocoder_config.VocoderConfig])
def test_rates(kind, rate):
    with pytest.raises(ValueError, match="learning_rate is .*; expected more than 0"):
        kind(learning_rate=rate)


def test_what_is_not_given_is_the_networks_own():
    assert inverter_config.TrainConfig(num_views=None).num_views is None
    assert vocoder_config.VocoderConfig(width=None).width is None
    with pytest.raises(ValueError, match="width is 4; expected 8 or more"):
        vocoder_config.VocoderConfig(width=4)
