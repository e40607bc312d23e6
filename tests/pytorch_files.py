"""Writes what `torch.save` writes, before and since PyTorch 1.6, where there is no PyTorch."""

import collections
import io
import pathlib
import pickle
import struct
import sys
import types
import zipfile
from collections.abc import Mapping
from typing import Any
from unittest import mock

import numpy as np

_TYPES = {
    "f2": "HalfStorage",
    "f4": "FloatStorage",
    "f8": "DoubleStorage",
    "i8": "LongStorage",
    "u2": "BFloat16Storage",
}


class Tensor:
    """A part of a flat array, as PyTorch's tensors are of their storages."""

    def __init__(self, values, *, offset=0, shape=None, strides=None):
        self.values = np.ravel(values)
        self.offset = offset
        self.shape = np.shape(values) if shape is None else shape
        steps = np.empty(self.shape, np.int8).strides if strides is None else strides
        self.strides = tuple(steps)

    def __reduce__(self):
        """As PyTorch has tensors pickled."""
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        place = (_Storage(self.values), self.offset, self.shape, self.strides)
        return rebuild, (*place, False, collections.OrderedDict())


class _Storage:
    def __init__(self, values):
        self.values = values


class _Pickler(pickle.Pickler):
    """Names each storage, and keeps its values for the file."""

    def __init__(self, file, *, old: bool):
        super().__init__(file, 2)
        self.stored: dict[str, np.ndarray] = {}
        self._old = old
        self._keys: dict[int, str] = {}

    def persistent_id(self, item):
        if not isinstance(item, _Storage):
            return None
        key = self._keys.setdefault(id(item.values), str(len(self._keys)))
        self.stored[key] = item.values
        kind = getattr(sys.modules["torch"], _TYPES[item.values.dtype.str[1:]])
        return ("storage", kind, key, "cuda:0", item.values.size, *([None] * self._old))


def write_pytorch(path: pathlib.Path, content: Any, *, old: bool = False) -> None:
    """Writes what may hold arrays and `Tensor`s; mappings of them become OrderedDicts."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def rebuild(*_):
        raise AssertionError("nothing is rebuilt here")

    rebuild.__module__ = "torch._utils"
    rebuild.__name__ = rebuild.__qualname__ = "_rebuild_tensor_v2"
    setattr(utils, rebuild.__name__, rebuild)
    for name in _TYPES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        pickled = io.BytesIO()
        pickler = _Pickler(pickled, old=old)
        pickler.dump(_with_tensors(content))
        if old:
            parts = (
                0x1950A86A20F9469CFC6C,
                1001,
                {"protocol_version": 1001, "little_endian": True},
            )
            with open(path, "wb") as file:
                for part in parts:
                    pickle.dump(part, file, 2)
                file.write(pickled.getvalue())
                pickle.dump(sorted(pickler.stored), file, 2)
                for _, values in sorted(pickler.stored.items()):
                    file.write(struct.pack("<q", values.size) + values.tobytes())
            return
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/byteorder", b"little")
        for key, values in pickler.stored.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", b"3\n")


def _with_tensors(content: Any) -> Any:
    if isinstance(content, Mapping):
        return collections.OrderedDict((key, _with_tensors(item)) for key, item in content.items())
    return Tensor(content) if isinstance(content, np.ndarray) else content
