"""Files of PyTorch are read without PyTorch, and nothing of what they say is run."""

import os
import pathlib
import pickle
import zipfile

import numpy as np
import pytest

from tests import pytorch_files
from vggish_inversion.files import hub, pytorch_file, weights

_OLD_AND_NEW = pytest.mark.parametrize("old", [True, False], ids=["before 1.6", "since 1.6"])


def _state() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "features.0.weight": rng.normal(size=(4, 1, 3, 3)).astype(np.float32),
        "features.0.bias": rng.normal(size=4).astype(np.float16),
        "scale": np.array(2.5),
        "empty": np.zeros((0, 3), np.float32),
    }


@_OLD_AND_NEW
@pytest.mark.parametrize("inside", ["", "model_state", "state_dict", "model"])
def test_a_state_dict_is_read(tmp_path, old, inside):
    state = _state()
    others = {"step": 3, "optimizer_state": {"state": {0: {"exp_avg": np.ones(2)}}}}
    content = {**others, inside: state} if inside else state
    pytorch_files.write_pytorch(tmp_path / "net.pt", content, old=old)
    found = weights.read_variables(tmp_path / "net.pt")
    assert found.keys() == state.keys()
    for name, values in state.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype
    [bias] = weights.read_variables(tmp_path / "net.pt", shapes={"features.0.bias": (4,)}).values()
    np.testing.assert_array_equal(bias, state["features.0.bias"])


@_OLD_AND_NEW
def test_tensors_that_share_values(tmp_path, old):
    """As cuDNN keeps an LSTM's weights: parts of one array; and a transposed view."""
    values = np.arange(12, dtype=np.float32)
    content = {
        "all": pytorch_files.Tensor(values, shape=(3, 4)),
        "part": pytorch_files.Tensor(values, offset=4, shape=(2, 3)),
        "turned": pytorch_files.Tensor(values, shape=(4, 3), strides=(1, 4)),
    }
    for tensor in content.values():
        tensor.values = values
    pytorch_files.write_pytorch(tmp_path / "net.pt", content, old=old)
    with pytorch_file.open_arrays(tmp_path / "net.pt") as arrays:
        assert arrays.shapes == {"all": (3, 4), "part": (2, 3), "turned": (4, 3)}
        np.testing.assert_array_equal(arrays.read("all"), values.reshape(3, 4))
        np.testing.assert_array_equal(arrays.read("part"), values[4:10].reshape(2, 3))
        np.testing.assert_array_equal(arrays.read("turned"), values.reshape(3, 4).T)


class _Runs:
    """What an attacker writes: a call that leaves a file."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return os.mkdir, (str(self._path),)


@_OLD_AND_NEW
def test_nothing_is_run(tmp_path, old):
    trap = tmp_path / "was run"
    for content in ({"a": np.ones(3), "b": _Runs(trap)}, _Runs(trap)):
        pytorch_files.write_pytorch(tmp_path / "net.pt", content, old=old)
        with pytest.raises(hub.WeightsError, match=r"found posix\.mkdir, which could run code"):
            weights.read_variables(tmp_path / "net.pt")
        assert not trap.exists()


def _zip_of(path: pathlib.Path, pickled: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickled)
        archive.writestr("a/data/0", bytes(16))


def _tensor_of(place: tuple, storage: tuple) -> bytes:
    """A state dict of one tensor, by the opcodes, so that nothing in it needs to be true."""
    kind = b"ctorch\nFloatStorage\n"
    items = [pickle.dumps(item, 2)[2:-1] for item in storage]
    pid = b"(" + items[0] + kind + b"".join(items[1:]) + b"tQ"
    arguments = b"".join(pickle.dumps(item, 2)[2:-1] for item in place)
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + pid + arguments + b"tR"
    return b"\x80\x02}" + pickle.dumps("w", 2)[2:-1] + tensor + b"s."


_STORAGE = ("storage", "0", "cpu", 4)


@pytest.mark.parametrize(
    ("place", "storage"),
    [
        ((0, (5,), (1,)), _STORAGE),
        ((1, (4,), (1,)), _STORAGE),
        ((0, (2, 2), (3, 1)), _STORAGE),
        ((-1, (2,), (1,)), _STORAGE),
        ((0, (2,), (-1,)), _STORAGE),
        ((0, (-2,), (1,)), _STORAGE),
        ((0, (2, 2), (1,)), _STORAGE),
        ((0, (10**12,), (0,)), _STORAGE),
        ((0, (2.0,), (1,)), _STORAGE),
        ((0, (True,), (1,)), _STORAGE),
        ((0, (1,) * 40, (1,) * 40), _STORAGE),
        ((0, (100,), (1,)), ("storage", "0", "cpu", 100)),
        ((0, (4,), (1,)), ("module", "0", "cpu", 4)),
        ((0, (4,), (1,)), ("storage", "1", "cpu", 4)),
        ((0, (4,), (1,)), ("storage", "../../a", "cpu", 4)),
        ((0, (4,), (1,)), ("storage", "0", "cpu", "four")),
        ((0,), _STORAGE),
    ],
)
def test_tensors_that_lie_nowhere(tmp_path, place, storage):
    _zip_of(tmp_path / "good.pt", _tensor_of((0, (2, 2), (2, 1)), _STORAGE))
    assert weights.read_variables(tmp_path / "good.pt")["w"].shape == (2, 2)
    _zip_of(tmp_path / "net.pt", _tensor_of(place, storage))
    with pytest.raises(hub.WeightsError, match="expected a PyTorch file of tensors, cannot read"):
        weights.read_variables(tmp_path / "net.pt")


def test_a_memo_of_four_gigabytes_is_not_made(tmp_path):
    """LONG_BINPUT 2^32 - 1, of which Python's own reader in C makes a table so long."""
    _zip_of(tmp_path / "net.pt", b"\x80\x02}r\xff\xff\xff\xff.")
    with pytest.raises(hub.WeightsError, match="expected the tensors of a state dict, found a Py"):
        weights.read_variables(tmp_path / "net.pt")


def test_a_type_that_numpy_has_not(tmp_path):
    pytorch_files.write_pytorch(tmp_path / "net.pt", {"w": np.zeros(3, np.uint16)})
    with pytest.raises(hub.WeightsError, match=r"found BFloat16 in w; .*tensor.float\(\)"):
        weights.read_variables(tmp_path / "net.pt")
    pytorch_files.write_pytorch(tmp_path / "net.pt", {"w": np.zeros(3, np.int64)})
    with pytest.raises(hub.WeightsError, match="expected floating-point numbers, found int64 in w"):
        weights.read_variables(tmp_path / "net.pt")


@_OLD_AND_NEW
def test_damage_is_told(tmp_path, old):
    """Cut anywhere, or with any byte changed, it is refused in one line, or read."""
    pytorch_files.write_pytorch(tmp_path / "net.pt", _state(), old=old)
    content = (tmp_path / "net.pt").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        place = int(rng.integers(len(content)))
        if rng.random() < 0.5:
            del damaged[place:]
        else:
            damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "cut.pt").write_bytes(damaged)
        try:
            weights.read_variables(tmp_path / "cut.pt")
        except hub.WeightsError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 75


def test_files_of_a_network_and_of_nothing(tmp_path):
    for content in ({}, [1.0], {"a": {"b": {"c": np.ones(2)}}}, {"step": 3}, 7):
        pytorch_files.write_pytorch(tmp_path / "net.pt", content)
        with pytest.raises(hub.WeightsError, match="expected the tensors of a state dict, found"):
            weights.read_variables(tmp_path / "net.pt")
