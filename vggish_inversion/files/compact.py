"""Writes a model to a `.keras` file of less than half the size, which Keras reads as any other.

Kernels are rounded to the significant bits of a smaller type, biases and batch norm keep all
theirs. What a rounded float32 has left compresses best with its bytes sorted by their place (HDF5's
shuffle filter): the last are zeros, and the first, sign and exponent, much alike.
"""

import io
import pathlib
import zipfile

import h5py
import keras
import numpy as np

_WEIGHTS = "model.weights.h5"
_SMALL = 64  # values that are not worth a filter


def write_compact(model: keras.Model, path: pathlib.Path, *, precision: str = "float16") -> None:
    """Writes `model`, which is left as it is, to `path`.

    Args:
        model: of float32 weights.
        path: a `.keras` file.
        precision: the kernels keep its significant bits: "float16" 11, "bfloat16" 8, which is all
            that computing in mixed_bfloat16 sees of them. They keep all where it cannot hold them.
    """
    exact = model.get_weights()
    kernels = [_rounded(weight, precision) if weight.ndim > 1 else weight for weight in exact]
    if not all(np.isfinite(kernel).all() for kernel in kernels):
        kernels = exact
    unfinished = path.with_suffix(".unfinished.keras")
    try:
        model.set_weights(kernels)
        model.save(unfinished)
        with zipfile.ZipFile(unfinished) as source, zipfile.ZipFile(path, "w") as compact:
            for name in source.namelist():
                content = source.read(name)
                if name == _WEIGHTS:
                    content = _shuffled(content)
                compact.writestr(name, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    finally:
        model.set_weights(exact)
        unfinished.unlink(missing_ok=True)


def significant_bits(model: keras.Model) -> int:
    """How many the kernels of a model that was read keep: 8, 11 or 24."""
    kernels = [weight for weight in model.get_weights() if weight.ndim > 1]
    for precision, bits in (("bfloat16", 8), ("float16", 11)):
        if all(np.array_equal(kernel, _rounded(kernel, precision)) for kernel in kernels):
            return bits
    return 24


def _rounded(weight: np.ndarray, precision: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        rounded = keras.ops.cast(keras.ops.cast(weight, precision), "float32")
    return np.asarray(keras.ops.convert_to_numpy(rounded))


def _shuffled(content: bytes) -> bytes:
    """An HDF5 file whose arrays have the first bytes of all values first."""
    made = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as source, h5py.File(made, "w") as compact:

        def copy(name: str, item) -> None:
            if isinstance(item, h5py.Dataset):
                values = np.asarray(item[()])
                shuffled = {"shuffle": True, "chunks": values.shape}
                filters = shuffled if values.size > _SMALL else {}
                new = compact.create_dataset(name, data=values, **filters)
            else:
                new = compact.require_group(name)
            new.attrs.update(item.attrs)

        compact.attrs.update(source.attrs)
        source.visititems(copy)
    return made.getvalue()
