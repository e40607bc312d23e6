"""A training as long as it was asked to be: in epochs, in patches, or in minutes."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from tests import speech
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.inverters import run, training
from vggish_inversion.inverters.config import TrainConfig
from vggish_inversion.targets import loading
from vggish_inversion.training import clock, run_folder


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    target = loading.load_target("small_encoder/speech_commands", weights="untrained")
    utterances = corpora.read_corpus(speech.DEMO_SPEECH)
    caches = [
        log_mel_cache.cache_log_mel(some, target.log_mel, tmp_path_factory.mktemp("cache"))
        for some in (utterances[:6], utterances[6:])
    ]
    return target, *caches


def _train(parts, folder, callbacks=(), **settings):
    target, train, validation = parts
    return training.train_inverter(
        target,
        "layer_0",
        TrainConfig(batch_size=4, **settings),
        train=train,
        validation=validation,
        run_dir=folder,
        settings={},
        callbacks=callbacks,
    )


class _Now:
    """A clock in the place of `time.monotonic`: every look at it takes a while."""

    def __init__(self, seconds: float):
        self.now, self._seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self._seconds
        return self.now


class _Rates(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.rates = []

    def on_epoch_begin(self, epoch, logs=None):
        assert self.model is not None
        self.rates.append(float(np.asarray(self.model.optimizer.learning_rate)))


class _KilledError(Exception):
    pass


class _Kill(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise _KilledError


def test_patches(parts, tmp_path):
    _train(parts, tmp_path, num_patches=50)
    rows = run_folder.read_history(tmp_path)
    assert 50 <= int(rows[-1]["num_patches"]) < 50 + 4 * len(rows)
    with pytest.raises(run_folder.RunError, match="num_patches 50 -> 60"):
        _train(parts, tmp_path, num_patches=60)


def test_minutes_end_in_time_go_on_after_a_kill_and_with_more(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(clock.time, "monotonic", _Now(0.5))
    watch = _Rates()
    with pytest.raises(_KilledError):
        _train(parts, tmp_path, minutes=1, callbacks=[watch, _Kill()])
    killed = run_folder.read_history(tmp_path)
    assert len(killed) == 2
    assert not (tmp_path / "inverter.keras").exists()
    _train(parts, tmp_path, minutes=1, callbacks=[watch])
    rows = run_folder.read_history(tmp_path)
    assert rows[:2] == killed
    assert 60 <= float(rows[-1]["seconds"]) < 62, "the first step past the end is the last"
    steps = [int(float(row["num_steps"])) for row in rows]
    assert steps == sorted(set(steps))
    assert [4 * count for count in steps] == [int(row["num_patches"]) for row in rows]
    # half a cosine over time, from the peak to a hundredth of it
    seconds = [0.0, *(float(row["seconds"]) for row in rows[:-1])]
    cosine = [2e-3 * (0.01 + 0.99 * (1 + math.cos(math.pi * at / 60)) / 2) for at in seconds]
    np.testing.assert_allclose(watch.rates, cosine, atol=1e-4)
    made = (tmp_path / "inverter.keras").read_bytes()
    _train(parts, tmp_path, minutes=1)
    assert (tmp_path / "inverter.keras").read_bytes() == made, "nothing is left to do"
    _train(parts, tmp_path, minutes=1.5)
    more = run_folder.read_history(tmp_path)
    assert more[: len(rows)] == rows
    assert float(more[-1]["seconds"]) >= 90
    assert (tmp_path / "inverter.keras").read_bytes() != made
    held_out = np.asarray(training.held_out_patches(parts[2], TrainConfig(minutes=1)))
    inverted = run.read_run(tmp_path).load_model()(parts[0].up_to("layer_0")(held_out))
    l1 = float(np.mean(np.abs(np.asarray(inverted) - held_out / 10)))
    assert l1 == pytest.approx(float(more[-1]["val_loss"]), rel=1e-4)


def test_a_length_is_said_once():
    with pytest.raises(ValueError, match="num_patches 5 and minutes 1"):
        TrainConfig(num_patches=5, minutes=1)
    with pytest.raises(ValueError, match="more than 0"):
        TrainConfig(minutes=0)
    assert dataclasses.replace(TrainConfig(minutes=1), seed=1).describe()["num_epochs"] is None
