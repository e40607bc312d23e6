"""Statistics of batch normalisation against the data's own, by NumPy."""

import keras
import numpy as np
import pytest

from tests import speech
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.features import unscale_log_mel
from vggish_inversion.inverters import training
from vggish_inversion.targets import loading
from vggish_inversion.training import batch_norm


def _network() -> keras.Model:
    frozen = keras.layers.BatchNormalization(name="frozen", trainable=False)
    inner = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(name="learns")])
    return keras.Sequential([keras.Input((3,)), frozen, keras.layers.Dense(3), inner])


def test_they_are_the_means_of_the_batches_own():
    network = _network()
    rng = np.random.default_rng(0)
    batches = [rng.normal(5, 3, (64, 3)).astype(np.float32) for _ in range(7)]
    assert batch_norm.reestimate(network, batches) == 7
    (learns,) = batch_norm.normalizations(network)
    kernel, bias = network.layers[1].get_weights()
    before = [batch / np.sqrt(1 + 1e-3) @ kernel + bias for batch in batches]
    np.testing.assert_allclose(learns.moving_mean, np.mean([b.mean(0) for b in before], 0), 1e-4)
    np.testing.assert_allclose(learns.moving_variance, np.mean([b.var(0) for b in before], 0), 1e-4)
    assert learns.momentum == keras.layers.BatchNormalization().momentum
    frozen = network.layers[0]
    np.testing.assert_array_equal(frozen.moving_mean, np.zeros(3))
    np.testing.assert_array_equal(frozen.moving_variance, np.ones(3))


def test_momentum_is_given_back_whatever_happens():
    network = _network()
    with pytest.raises(ValueError):
        batch_norm.reestimate(network, [np.ones((2, 3)), np.ones((2, 5))])
    (learns,) = batch_norm.normalizations(network)
    assert learns.momentum == keras.layers.BatchNormalization().momentum


def test_a_network_without_any_is_left_alone():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert batch_norm.reestimate(network, iter([])) == 0


@pytest.mark.parametrize("loss", ["l1", pytest.param("gan", marks=pytest.mark.slow)])
def test_a_few_recordings_do_not_train_to_noise(tmp_path, loss, caplog):
    target = loading.load_target("small_encoder/speech_commands", weights="untrained")
    utterances = corpora.read_corpus(speech.DEMO_SPEECH)[:6]
    cache = log_mel_cache.cache_log_mel(utterances, target.log_mel, tmp_path / "cache")
    config = training.TrainConfig(num_epochs=12, batch_size=4, loss=loss)
    inverter = training.train_inverter(
        target,
        "layer_0",
        config,
        train=cache,
        validation=cache,
        run_dir=tmp_path / "run",
        settings={},
    )
    patches = cache.grid_patches()
    activations = target.up_to("layer_0")(patches)
    distances = [
        float(np.mean(np.abs(unscale_log_mel(inverter(activations, training=mode)) - patches)))
        for mode in (False, True)
    ]
    assert distances[0] < 1.1 * distances[1], "as good as with the batch's own statistics"
    rows = (tmp_path / "run" / "history.csv").read_text().splitlines()
    last = dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))
    assert float(last["val_loss"]) * 10 == pytest.approx(distances[0], rel=0.02)
    assert "of speech: under 500 steps or 10 minutes" in caplog.text
