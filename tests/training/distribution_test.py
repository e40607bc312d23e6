"""Replicas on one machine, and workers in two processes, learn as one process does."""

import csv
import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests import script_runner
from vggish_inversion.training import distribution

_RUN = """
import sys

import tensorflow as tf

strategy, run_dir, batch_size, loss = sys.argv[1:]
if strategy == "mirrored":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
import numpy as np

from vggish_inversion import features
from vggish_inversion.data import log_mel_cache
from vggish_inversion.inverters import training
from vggish_inversion.training import distribution
from vggish_inversion.targets import loading

frames = np.random.default_rng(0).normal(0, 0.3, (2400, 64)).cumsum(axis=0).clip(-4, 4)
frames = frames.astype(np.float16)
cache = log_mel_cache.LogMelCache(frames, np.array([1500, 900]), features.LogMelParams(), "noise")
config = training.TrainConfig(
    num_epochs=3, batch_size=int(batch_size), learning_rate=1e-3, optimizer="muon", loss=loss
)
with distribution.scope(strategy):
    target = loading.load_target("small_encoder/speech_commands", weights="untrained")
    training.train_inverter(
        target, "layer_1", config, train=cache, validation=cache, run_dir=run_dir, settings={}
    )
"""


def _run(strategy: str, run_dir: pathlib.Path, *, batch_size=8, loss="l1"):
    """In a process that has no devices yet; returns its exit code and what it said."""
    program = run_dir.with_suffix(".py")
    program.write_text(_RUN)
    done = script_runner.run(program, strategy, run_dir, batch_size, loss)
    return done.returncode, done.stdout + done.stderr


def _train(*args, **kwargs) -> None:
    code, said = _run(*args, **kwargs)
    assert code == 0, said


def _start_worker(run_dir: pathlib.Path, tf_config: dict) -> subprocess.Popen:
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_CONFIG": json.dumps(tf_config)}
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, "multi_worker", str(run_dir), "8", "l1"],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _curve(run_dir: pathlib.Path) -> np.ndarray:
    with open(run_dir / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row["loss"]), float(row["val_loss"])] for row in rows])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> np.ndarray:
    """The curve of one process."""
    folder = tmp_path_factory.mktemp("one") / "run"
    _train("none", folder)
    curve = _curve(folder)
    assert curve.shape == (3, 2)
    assert curve[-1, 0] < curve[0, 0]
    return curve


def _assert_equal_curve(run_dir: pathlib.Path, expected: np.ndarray) -> None:
    curve = _curve(run_dir)
    # The last validation of one process follows batch norm's statistics taken anew, which
    # replicas keep as moving averages.
    np.testing.assert_allclose(curve.flat[:-1], expected.flat[:-1], rtol=1e-3)
    assert curve[-1, 1] < curve[0, 1]


def test_replicas_have_the_curve_of_one_process(tmp_path, one):
    _train("mirrored", tmp_path / "run")
    _assert_equal_curve(tmp_path / "run", one)


@pytest.mark.slow
def test_workers_have_the_curve_of_one_process(tmp_path, one):
    cluster = {"worker": [f"127.0.0.1:{_free_port()}" for _ in range(2)]}
    workers = [
        _start_worker(
            tmp_path / "workers",
            {"cluster": cluster, "task": {"type": "worker", "index": index}},
        )
        for index in range(2)
    ]
    outputs = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    _assert_equal_curve(tmp_path / "workers", one)
    assert (tmp_path / "workers" / "inverter.keras").is_file()


@pytest.mark.slow
def test_rec_gan_on_two_replicas_learns(tmp_path):
    _train("mirrored", tmp_path / "run", loss="gan")
    curve = _curve(tmp_path / "run")
    assert curve[-1, 0] < curve[0, 0]


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    code, output = _run("mirrored", tmp_path / "run", batch_size=5)
    assert code != 0
    assert "a batch of 5 cannot be shared by 2 replicas; use a multiple" in output


def _enter(strategy: str) -> None:
    with distribution.scope(strategy):
        assert distribution.is_chief()
        assert not distribution.is_distributed()


def test_bad_strategies(monkeypatch):
    _enter("none")
    with pytest.raises(ValueError, match="no strategy 'many'; strategies are: none mirrored"):
        _enter("many")
    monkeypatch.setenv("TF_CONFIG", "{}")
    with pytest.raises(ValueError, match="reads the machines from TF_CONFIG, such as"):
        _enter("multi_worker")
