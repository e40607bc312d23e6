"""Damaged and malicious model files: each is refused in one line, or loads exactly as it was.

A table of forms, each a file that its own library wrote, goes through a table of damages. Nothing
here is larger than a few kilobytes: what is tested is the readers, not the networks.
"""

import contextlib
import gzip
import http.server
import io
import json
import os
import pathlib
import pickle
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from tests.files import hub_test
from vggish_inversion.files import hub, integrity

_NUM_FLIPS = 40

_VALUES = {
    "net/conv/weights": np.random.default_rng(0).normal(size=(3, 3, 8, 16)).astype(np.float32),
    "net/conv/biases": np.array([0.5, -1.0, 2.0, 0.0], np.float32),
}
_DATA_SHARD = "variables/variables.data-00000-of-00001"


def _build_model() -> keras.Model:
    dense = keras.layers.Dense(16, name="dense")
    return keras.Sequential([keras.Input((24,)), dense], name="net")


class _Form:
    """A way to keep weights.

    Attributes:
        write: writes files into a folder, and returns the one to damage.
        load: reads what lies in the folder, as a list of arrays.
        covered: whether a checksum covers every byte that says what is loaded.
    """

    def __init__(self, write, load, *, covered: bool = True):
        self.write: Callable[[pathlib.Path], pathlib.Path] = write
        self.load: Callable[[pathlib.Path], list[np.ndarray]] = load
        self.covered = covered


def _write_checkpoint(folder, *, suffix="", **options):
    prefix = hub_test._write_checkpoint(folder / "model.ckpt", _VALUES, **options)
    return prefix.with_name(prefix.name + suffix)


def _write_saved_model(folder, name):
    return hub_test._write_saved_model(folder, _VALUES) / name


def _write_npz(folder):
    np.savez(folder / "net.npz", **_VALUES)
    return folder / "net.npz"


def _write_keras(folder, name, *, digest=False):
    keras.utils.set_random_seed(0)
    model, path = _build_model(), folder / name
    save = keras.Model.save if path.suffix == ".keras" else keras.Model.save_weights
    save(model, path)
    if digest:
        hub.write_digest(path)
    return path


def _write_safetensors(folder):
    save_file(_VALUES, folder / "net.safetensors")
    return folder / "net.safetensors"


def _write_hdf5(folder):
    """A network in HDF5, as Keras 1 and 2 wrote them."""
    _build_model().save(folder / "net.h5")
    return folder / "net.h5"


def _load_variables(folder, name=""):
    return [value for _, value in sorted(hub.read_variables(folder / name).items())]


def _load_keras_weights(folder, name):
    model = _build_model()
    hub.load_keras_weights(model, folder / name)
    return model.get_weights()


def _bind(function, *arguments, **options):
    return lambda folder: function(folder, *arguments, **options)


_SHARD_SUFFIX = ".data-00000-of-00001"
_V1 = tf.compat.v1.train.SaverDef.V1
_FORMS = {
    "checkpoint": _Form(_bind(_write_checkpoint, suffix=_SHARD_SUFFIX), _load_variables),
    "checkpoint's index": _Form(_bind(_write_checkpoint, suffix=".index"), _load_variables),
    "checkpoint in one file": _Form(_bind(_write_checkpoint, write_version=_V1), _load_variables),
    "SavedModel": _Form(_bind(_write_saved_model, _DATA_SHARD), _load_variables),
    "SavedModel's index": _Form(
        _bind(_write_saved_model, "variables/variables.index"), _load_variables
    ),
    "npz": _Form(_write_npz, _bind(_load_variables, "net.npz")),
    "weights of .keras": _Form(
        _bind(_write_keras, "net.keras"), _bind(_load_keras_weights, "net.keras")
    ),
    "model of .keras": _Form(
        _bind(_write_keras, "net.keras"),
        lambda folder: hub.read_keras_model(folder / "net.keras").get_weights(),
    ),
    ".weights.h5 with its digest": _Form(
        _bind(_write_keras, "net.weights.h5", digest=True),
        _bind(_load_keras_weights, "net.weights.h5"),
    ),
    # As Keras alone leaves it: HDF5 has no checksum over what is not compressed.
    ".weights.h5": _Form(
        _bind(_write_keras, "net.weights.h5"),
        _bind(_load_keras_weights, "net.weights.h5"),
        covered=False,
    ),
    # Neither has a checksum.
    "safetensors": _Form(
        _write_safetensors, _bind(_load_variables, "net.safetensors"), covered=False
    ),
    "arrays of .h5": _Form(_write_hdf5, _bind(_load_variables, "net.h5"), covered=False),
    "network of .h5": _Form(
        _write_hdf5,
        lambda folder: hub.read_keras_model(folder / "net.h5").get_weights(),
        covered=False,
    ),
}


class _TestCase(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def assert_one_line(self, error: hub.WeightsError, *parts: str):
        for part in parts:
            self.assertIn(part, str(error))
        self.assertNotIn("\n", str(error))

    @contextlib.contextmanager
    def assert_refused(self, *parts: str):
        with self.assertRaises(hub.WeightsError) as caught:
            yield
        self.assert_one_line(caught.exception, *parts)


class DamagedFileTest(_TestCase):
    """Every form through every damage."""

    @contextlib.contextmanager
    def _each_form(self) -> Iterator[list]:
        forms = []
        for index, (name, form) in enumerate(_FORMS.items()):
            folder = self.root / str(index)
            folder.mkdir()
            forms.append((name, form, folder, form.write(folder)))
        yield forms

    def test_flipped_bits(self):
        rng = np.random.default_rng(0)
        with self._each_form() as forms:
            for name, form, folder, path in forms:
                whole, expected = path.read_bytes(), form.load(folder)
                num_refused = 0
                for position in rng.integers(len(whole), size=_NUM_FLIPS):
                    damaged = bytearray(whole)
                    damaged[position] ^= 1 << int(rng.integers(8))
                    path.write_bytes(damaged)
                    try:
                        loaded = form.load(folder)
                    except hub.WeightsError as error:
                        self.assert_one_line(error, str(folder))
                        num_refused += 1
                        continue
                    self.assertLen(loaded, len(expected))
                    if form.covered:
                        for one, other in zip(loaded, expected, strict=True):
                            np.testing.assert_array_equal(one, other, f"{name}, byte {position}")
                self.assertGreater(num_refused, _NUM_FLIPS // 3 if form.covered else 0, name)
                path.write_bytes(whole)
                form.load(folder)  # the damage was all that was wrong

    def test_cut_short(self):
        with self._each_form() as forms:
            for name, form, folder, path in forms:
                whole = path.read_bytes()
                for length in (0, 1, len(whole) // 2, len(whole) - 1):
                    path.write_bytes(whole[:length])
                    with self.subTest(f"{name}, {length} bytes"), self.assert_refused(str(folder)):
                        form.load(folder)

    def test_pickle_is_not_unpickled(self):
        marker = self.root / "executed"
        payload = pickle.dumps(_Payload(marker))
        pickle.loads(payload)
        self.assertTrue(marker.exists())  # or the test would show nothing
        marker.unlink()
        with self._each_form() as forms:
            for name, form, folder, path in forms:
                path.write_bytes(payload)
                with self.subTest(name), self.assert_refused(str(folder)):
                    form.load(folder)
        for name in ("net.pkl", "net.ckpt"):
            (self.root / name).write_bytes(payload)
            with self.assert_refused(str(self.root / name)):
                hub.read_variables(self.root / name)
        for name in ("net.h5", "net.weights.h5", "net.keras"):
            (self.root / name).write_bytes(payload)
            with self.assert_refused(str(self.root / name)):
                hub.load_keras_weights(_build_model(), self.root / name)
        self.assertFalse(marker.exists())

    def test_arrays_of_objects_are_not_unpickled(self):
        marker = self.root / "executed"
        path = self.root / "net.npz"
        np.savez(path, **_VALUES, extra=np.array([_Payload(marker)], dtype=object))
        with self.assert_refused(str(path), "pickled"):
            hub.read_variables(path)
        self.assertFalse(marker.exists())


class _Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: pathlib.Path):
        self.marker = marker

    def __reduce__(self):
        return os.open, (str(self.marker), os.O_CREAT)


class MaliciousKerasTest(_TestCase):
    """`.keras` files whose settings name code; Keras itself must not run it."""

    def _write(self, layer: dict) -> pathlib.Path:
        """A sound file, but for one layer of its settings."""
        path = _write_keras(self.root, "net.keras")
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(members["config.json"])
        config["config"]["layers"][1] = layer
        members["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, contents in members.items():
                archive.writestr(name, contents)
        return path

    def test_function_of_another_module(self):
        marker = self.root / "executed"
        for module, name in (("os", "mkdir"), ("builtins", "open"), ("subprocess", "getoutput")):
            settings = {"module": module, "class_name": name, "registered_name": name}
            path = self._write({**settings, "config": {"name": "x", "args": [f"mkdir {marker}"]}})
            with self.assert_refused(str(path)):
                hub.read_keras_model(path)
            function = {**settings, "class_name": "function", "config": name}
            path = self._write(
                {
                    "module": "keras.layers",
                    "class_name": "Lambda",
                    "registered_name": None,
                    "config": {"name": "x", "function": function, "arguments": {"path": "x"}},
                }
            )
            with self.assert_refused(str(path)):
                hub.read_keras_model(path)
        self.assertFalse(marker.exists())

    def test_lambda(self):
        marker = self.root / "executed"
        path = self.root / "lambda.keras"
        inputs = keras.Input((4,))
        # The file carries the bytecode of a lambda, without what its defaults or closure hold.
        payload = eval(f"lambda x: [__import__('os').mkdir({str(marker)!r}), x][1]")
        layer = keras.layers.Lambda(payload, output_shape=(4,))
        keras.Model(inputs, layer(inputs)).save(path)
        model = keras.saving.load_model(path, safe_mode=False)
        assert model is not None  # as Keras' own annotation would have it
        model(np.zeros((1, 4), np.float32))
        marker.rmdir()  # it was there: the payload works
        with self.assert_refused(str(path), "Lambda"):
            hub.read_keras_model(path)
        self.assertFalse(marker.exists())

    def test_digest_of_another_file(self):
        path = _write_keras(self.root, "net.keras", digest=True)
        digest_path = path.with_name("net.keras.sha256")
        self.assertEqual(digest_path.read_text(), f"{hub.sha256(path)}  net.keras\n")
        hub.read_keras_model(path)
        for text in ("0" * 64 + "  net.keras\n", "", "\x00\xff"):
            digest_path.write_text(text)
            with self.assert_refused(str(path), "SHA-256", "net.keras.sha256"):
                hub.read_keras_model(path)

    def test_shipped_models_have_their_digests(self):
        root = pathlib.Path(__file__).resolve().parents[2] / "hub_models"
        paths = sorted(root.rglob("*.keras"))
        self.assertNotEmpty(paths)
        for path in paths:
            self.assertTrue(path.with_name(f"{path.name}.sha256").is_file(), f"{path}.sha256")
            integrity.check_digest(path)


def _add(tar: tarfile.TarFile, name: str, contents: bytes = b"", *, kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, len(contents)
    tar.addfile(member, io.BytesIO(contents))


class DownloadTest(_TestCase):
    """Archives over http; whatever is wrong with one, the cache stays empty."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        hub_test._write_saved_model(folder, _VALUES)
        cls.saved_model = folder
        cls.body = b""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(cls.body)

            def log_message(self, format, *args):  # noqa: A002 (the base class names it)
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{server.server_address[1]}/google/net/1"

    def setUp(self):
        super().setUp()
        # The cache lies deep, so that what climbs out of it still lands in the test's folder.
        self.cache = self.root / "a" / "b" / "cache"
        self.enterContext(mock.patch.dict("os.environ", {"TFHUB_CACHE_DIR": str(self.cache)}))

    def _archive(self, *first_members, without: str = "") -> bytes:
        contents = io.BytesIO()
        with tarfile.open(fileobj=contents, mode="w") as tar:
            for name, options in first_members:
                _add(tar, name, **options)
            for path in sorted(self.saved_model.rglob("*")):
                name = path.relative_to(self.saved_model).as_posix()
                if name != without:
                    tar.add(path, arcname=name, recursive=False)
        return contents.getvalue()

    def assert_nothing_written(self):
        self.assertEmpty([path for path in self.root.rglob("*") if not path.is_dir()])
        self.assertEmpty(list(self.cache.iterdir()))

    def assert_not_cached(self, body: bytes, **options):
        type(self).body = body
        with self.assert_refused(self.url, "cannot be fetched"):
            hub.read_variables(self.url, **options)
        self.assert_nothing_written()

    def test_whole_archive(self):
        type(self).body = gzip.compress(self._archive())
        for _ in range(2):  # from the network, and from the cache
            variables = hub.read_variables(self.url)
            for name, value in _VALUES.items():
                self.assertAllEqual(variables[name], value)
            type(self).body = b""
        # TF-Hub itself finds it.
        import tensorflow_hub

        self.assertEqual(pathlib.Path(tensorflow_hub.resolve(self.url)).parent, self.cache)

    def test_flipped_bits(self):
        whole = gzip.compress(self._archive(), mtime=0)
        rng = np.random.default_rng(0)
        for position in rng.integers(10, len(whole), size=_NUM_FLIPS):  # past gzip's header
            damaged = bytearray(whole)
            damaged[position] ^= 1 << int(rng.integers(8))
            with self.subTest(f"byte {position}"):
                self.assert_not_cached(bytes(damaged))

    def test_cut_short(self):
        whole = gzip.compress(self._archive())
        for length in (0, 1, 20, len(whole) // 2, len(whole) - 9, len(whole) - 1):
            with self.subTest(f"{length} bytes"):
                self.assert_not_cached(whole[:length])

    def test_tar_cut_short_inside_a_whole_gzip(self):
        tar = self._archive()
        for length in (512, 1024, 4096, len(tar) // 2):
            with self.subTest(f"{length} bytes"):
                self.assert_not_cached(gzip.compress(tar[:length]))

    def test_not_an_archive(self):
        bodies = [b"<html>Not here</html>", pickle.dumps([1]), gzip.compress(b"hello"), b"\x1f\x8b"]
        for body in bodies:
            with self.subTest(str(body)):
                self.assert_not_cached(body)

    def test_members_outside_of_the_archive(self):
        evil = {"contents": b"evil"}
        for members in (
            [("../evil", evil)],
            [("variables/../../evil", evil)],
            [("../../evil", evil)],
            [("link", {"kind": tarfile.SYMTYPE, "link": str(self.root)}), ("link/evil", evil)],
            [("link", {"kind": tarfile.LNKTYPE, "link": "/etc/hostname"})],
            [("pipe", {"kind": tarfile.FIFOTYPE})],
            [("device", {"kind": tarfile.CHRTYPE})],
        ):
            with self.subTest(members[0][0]):
                self.assert_not_cached(gzip.compress(self._archive(*members)))

    def test_absolute_member_stays_inside(self):
        evil = self.root / "evil"
        type(self).body = gzip.compress(self._archive((str(evil), {"contents": b"evil"})))
        with contextlib.suppress(hub.WeightsError):
            hub.read_variables(self.url)
        self.assertFalse(evil.exists())

    def test_another_model(self):
        body = gzip.compress(self._archive())
        self.assert_not_cached(body, shapes={"net/conv/biases": (5,)})
        self.assert_not_cached(body, shapes={"net/fc/biases": (4,)})

    def test_without_its_variables(self):
        for name in (_DATA_SHARD, "variables/variables.index"):
            self.assert_not_cached(gzip.compress(self._archive(without=name)))


if __name__ == "__main__":
    tf.test.main()
