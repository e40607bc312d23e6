"""Reads the tensors in a file of `torch.save`, without PyTorch and without running what is in it.

Such a file is a pickle, which may name any function and have it called. The reader here knows six
names, those of which a state dict is made, and refuses a file that holds another. Of the tensors it
keeps where their values lie; these are checked against the file before they are read. Files of
PyTorch 1.6 on are zip archives (and have checksums); those of before are pickles, with the values
behind them.
"""

import collections
import contextlib
import dataclasses
import io
import math
import pathlib
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from vggish_inversion.files import archives, formats, integrity
from vggish_inversion.files.arrays import Arrays

_EXPECTED = "a PyTorch file of tensors"
_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "",  # NumPy has no such type
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_MAX_AXES = 32  # of NumPy
# Under which name trainers keep the weights, where these are a part of what they save.
_STATES = ("model_state", "model_state_dict", "state_dict", "model")


@dataclasses.dataclass(frozen=True)
class _Type:
    """Of the values of a storage; it stands for a class of PyTorch's, and cannot be called."""

    name: str


@dataclasses.dataclass(frozen=True)
class _Storage:
    """Values that lie side by side in the file; several tensors may be parts of one."""

    key: str
    type: _Type
    num_values: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """Which values of a storage a tensor is made of."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self):
        numbers = (self.offset, *self.shape, *self.strides)
        is_sound = (
            isinstance(self.storage, _Storage)
            and len(self.shape) == len(self.strides) <= _MAX_AXES
            and all(type(number) is int and number >= 0 for number in numbers)
        )
        if not is_sound:
            raise pickle.UnpicklingError("a tensor has no place in the file")
        steps = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((length - 1) * stride for length, stride in steps)
        num_values = math.prod(self.shape)
        if num_values and max(last + 1, num_values) > self.storage.num_values:
            raise pickle.UnpicklingError("a tensor is larger than its values")

    def of(self, values: np.ndarray) -> np.ndarray:
        """The tensor, from the values of its storage."""
        steps = [stride * values.itemsize for stride in self.strides]
        start = values[self.offset :] if math.prod(self.shape) else values[:0]
        return np.lib.stride_tricks.as_strided(start, self.shape, steps, writeable=False).copy()


def _rebuild_tensor(storage, offset, shape, strides, *_) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_KNOWN: dict[tuple[str, str], Callable] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
}


class _Unpickler(pickle._Unpickler):
    """Python's own, in Python, where an index of four bytes cannot ask for gigabytes of memo."""

    def __init__(self, file: io.BytesIO, path: pathlib.Path):
        super().__init__(file)
        self._path = path
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        if module in ("torch", "torch.storage") and name in _TYPES:
            return _Type(name)
        raise integrity.WeightsError(
            f"{self._path}: expected tensors alone, found {module[:80]}.{name[:80]}, which could "
            "run code; nothing was read: save the state dict, torch.save(model.state_dict(), ...)"
        )

    def persistent_load(self, pid: Any, /) -> _Storage:
        kind, storage_type, key, _, num_values, *view = pid
        if kind != "storage" or not isinstance(storage_type, _Type) or view not in ([], [None]):
            raise pickle.UnpicklingError("a storage of another kind")
        storage = _Storage(str(key), storage_type, num_values)
        if self.storages.setdefault(storage.key, storage) != storage:
            raise pickle.UnpicklingError(f"two storages are called {storage.key[:20]}")
        return storage


@contextlib.contextmanager
def open_arrays(path: pathlib.Path) -> Iterator[Arrays]:
    """Opens a `.pt`, `.pth` or `.bin` file of PyTorch that holds a state dict, or has one in it.

    Raises:
        WeightsError: if it is damaged, holds anything but tensors and plain values, or no tensors.
    """
    if zipfile.is_zipfile(path):
        with archives.open_archive(path, _EXPECTED) as archive:
            [pickled] = [name for name in archive.namelist() if name.endswith("data.pkl")]
            folder = pickled.removesuffix("data.pkl")
            if f"{folder}byteorder" in archive.namelist():
                _check_order(archive.read(f"{folder}byteorder") == b"little")
            tensors = _tensors(_Unpickler(io.BytesIO(archive.read(pickled)), path).load(), path)
            yield _arrays(tensors, lambda key: archive.read(f"{folder}data/{key}"), path)
        return
    with archives.damage_told(path, _EXPECTED):
        tensors, stored = _read_old(path)
        yield _arrays(tensors, stored.__getitem__, path)


def _read_old(path: pathlib.Path) -> tuple[dict[str, _Tensor], dict[str, memoryview]]:
    """Tensors, and the bytes of their storages: magic, protocol, system, content, keys, values."""
    content = path.read_bytes()
    file = io.BytesIO(content)
    _, _, system = (_Unpickler(file, path).load() for _ in range(3))
    _check_order(system["little_endian"] is True)
    unpickler = _Unpickler(file, path)
    tensors = _tensors(unpickler.load(), path)
    stored = {}
    for key in _Unpickler(file, path).load():
        storage = unpickler.storages[key]
        [num_values] = struct.unpack("<q", file.read(8))
        size = num_values * np.dtype(_TYPES[storage.type.name] or "<u2").itemsize
        if num_values != storage.num_values or file.tell() + size > len(content):
            raise EOFError(f"the values of {key} end early")
        stored[key] = memoryview(content)[file.tell() : file.tell() + size]
        file.seek(size, io.SEEK_CUR)
    return tensors, stored


def _check_order(is_little: bool) -> None:
    if not is_little:
        raise ValueError("its bytes are in the order of another machine")


def _tensors(content: Any, path: pathlib.Path) -> dict[str, _Tensor]:
    """The tensors of a state dict, or of the one that a trainer's file has in it."""
    inner = [content.get(name) for name in _STATES] if isinstance(content, Mapping) else []
    for state in (content, *inner):
        if isinstance(state, Mapping):
            found = {str(key): item for key, item in state.items() if isinstance(item, _Tensor)}
            if found:
                return found
    raise integrity.WeightsError(formats.refusal(path, "the tensors of a state dict"))


def _arrays(
    tensors: Mapping[str, _Tensor], read_storage: Callable[[str], Any], path: pathlib.Path
) -> Arrays:
    def read(name: str) -> np.ndarray:
        storage = tensors[name].storage
        if not _TYPES[storage.type.name]:
            raise integrity.WeightsError(
                f"{path}: expected float32, found {storage.type.name.removesuffix('Storage')} in "
                f"{name}; save the weights anew with tensor.float()"
            )
        values = np.frombuffer(read_storage(storage.key), _TYPES[storage.type.name])
        if len(values) != storage.num_values:
            raise EOFError(f"{len(values)} of the {storage.num_values} values of {name}")
        return tensors[name].of(values)

    return Arrays({name: item.shape for name, item in tensors.items()}, read)
