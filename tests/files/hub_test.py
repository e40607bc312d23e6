"""Model files: each form is written by its own library and read back; then each way to fail."""

import contextlib
import functools
import hashlib
import http.server
import io
import pathlib
import shutil
import socket
import tarfile
import tempfile
import threading
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion.files import download, hub

_VALUES = {
    "net/conv/weights": np.arange(36, dtype=np.float32).reshape(3, 3, 1, 4),
    "net/conv/biases": np.array([0.5, -1.0, 2.0, 0.0], np.float32),
    "net/fc/weights": np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3),
}
_SHAPES = {name: value.shape for name, value in _VALUES.items()}
_V1, _V2 = tf.compat.v1.train.SaverDef.V1, tf.compat.v1.train.SaverDef.V2


def _write_checkpoint(path: pathlib.Path, values=_VALUES, *, write_version=_V2) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [
            tf.compat.v1.get_variable(name, initializer=value) for name, value in values.items()
        ]
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(variables, write_version=write_version)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
    return path


class _ListModule(tf.Module):
    """Keeps its variables in a list: the keys in its file say nothing about their names."""

    def __init__(self, values):
        super().__init__()
        self._variables = [tf.Variable(value, name=name) for name, value in values.items()]


def _write_saved_model(folder: pathlib.Path, values=_VALUES) -> pathlib.Path:
    tf.saved_model.save(_ListModule(values), str(folder))
    return folder


def _truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


class _TarHandler(http.server.BaseHTTPRequestHandler):
    """Answers as tfhub.dev does when it is asked for the compressed format."""

    def __init__(self, *args, folder: pathlib.Path):
        self._folder = folder
        super().__init__(*args)

    def do_GET(self):
        found = self.path == "/google/net/1?tf-hub-format=compressed"
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            contents = io.BytesIO()
            with tarfile.open(fileobj=contents, mode="w:gz") as tar:
                tar.add(self._folder, arcname=".")
            self.wfile.write(contents.getvalue())

    def log_message(self, format, *args):  # noqa: A002 (the base class names it)
        pass


@contextlib.contextmanager
def _serve(folder: pathlib.Path):
    handler = functools.partial(_TarHandler, folder=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _FilesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        cache = {"TFHUB_CACHE_DIR": str(self.folder / "cache")}
        self.enterContext(mock.patch.dict("os.environ", cache))

    @contextlib.contextmanager
    def assert_refused(self, *parts: str):
        """The block raises one line that contains all `parts`."""
        with self.assertRaises(hub.WeightsError) as caught:
            yield
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for part in parts:
            self.assertIn(part, message)


class ReadVariablesTest(_FilesTest):
    """TensorFlow's forms, from a file, a folder or a URL."""

    def assert_read(self, source, **options):
        variables = hub.read_variables(source, **options)
        self.assertEqual(set(variables), set(_VALUES))
        for name, value in _VALUES.items():
            self.assertEqual(variables[name].dtype, np.float32)
            self.assertAllEqual(variables[name], value)

    def test_checkpoint_by_path_shard_or_folder(self):
        prefix = _write_checkpoint(self.folder / "net" / "model.ckpt")
        self.assert_read(prefix)
        self.assert_read(str(prefix), shapes=_SHAPES)
        self.assert_read(f"{prefix}.index")
        self.assert_read(f"{prefix}.data-00000-of-00001")
        self.assert_read(prefix.parent)

    def test_checkpoint_in_one_file(self):
        prefix = _write_checkpoint(self.folder / "net" / "model.ckpt", write_version=_V1)
        self.assertTrue(prefix.is_file())
        self.assert_read(prefix)
        self.assert_read(prefix.parent, shapes=_SHAPES)

    def test_saved_model(self):
        self.assert_read(_write_saved_model(self.folder / "net"), shapes=_SHAPES)
        keys = dict(tf.train.list_variables(str(self.folder / "net/variables/variables")))
        self.assertNotIn("net/conv/weights", keys)  # or the test would show nothing

    def test_only_what_is_asked_for(self):
        prefix = _write_checkpoint(self.folder / "model.ckpt")
        variables = hub.read_variables(prefix, shapes={"net/conv/biases": (4,)})
        self.assertEqual(list(variables), ["net/conv/biases"])

    def test_url_is_fetched_once(self):
        with _serve(_write_saved_model(self.folder / "net")) as server:
            self.assert_read(f"{server}/google/net/1", shapes=_SHAPES)
        self.assert_read(f"{server}/google/net/1")  # the server is gone

    def test_url_that_is_not_there(self):
        with _serve(self.folder) as server:
            url = f"{server}/google/other/1"
            with self.assert_refused(url, "404", "--target_weights="):
                hub.read_variables(url)

    def test_no_network(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))  # bound, but not listening
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/google/net/1"
            with self.assert_refused(
                f"download {url}?tf-hub-format=compressed",
                "or download https://example.org/net.ckpt",
                "--target_weights=",
            ):
                hub.read_variables(url, alternative="https://example.org/net.ckpt")

    def test_silent_server(self):
        timeout = mock.patch.object(download, "_TIMEOUT_SECONDS", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as silent, timeout:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/google/net/1"
            with self.assert_refused(url, "timed out"):
                hub.read_variables(url)
        self.assertIsNone(socket.getdefaulttimeout())

    def test_missing(self):
        for name in ("nowhere", "nowhere/model.ckpt", "nowhere.ckpt.index"):
            with self.assert_refused(f"{self.folder / name}: no such file", "--target_weights="):
                hub.read_variables(self.folder / name)

    def test_folder_without_or_with_several_checkpoints(self):
        with self.assert_refused("expected a SavedModel or one file of weights", "found neither"):
            hub.read_variables(self.folder)
        _write_checkpoint(self.folder / "one.ckpt")
        _write_checkpoint(self.folder / "two.ckpt")
        with self.assert_refused("found one.ckpt, two.ckpt"):
            hub.read_variables(self.folder)

    def test_saved_model_without_variables(self):
        shutil.rmtree(_write_saved_model(self.folder / "net") / "variables")
        with self.assert_refused("net/variables/variables: no such file"):
            hub.read_variables(self.folder / "net")

    def test_missing_variable(self):
        prefix = _write_checkpoint(self.folder / "model.ckpt")
        with self.assert_refused("net/fc/biases [3]", "found 3 others", "net/conv/biases"):
            hub.read_variables(prefix, shapes=_SHAPES | {"net/fc/biases": (3,)})

    def test_wrong_shape(self):
        folder = _write_saved_model(self.folder / "net")
        with self.assert_refused("net/fc/weights to have the shape [4, 5], found [4, 3]"):
            hub.read_variables(folder, shapes=_SHAPES | {"net/fc/weights": (4, 5)})

    def test_not_finite(self):
        for bad in (np.nan, np.inf):
            value = np.array([0.0, bad, 0.0, -bad], np.float32)
            prefix = _write_checkpoint(self.folder / "bad.ckpt", {"net/conv/biases": value})
            with self.assert_refused("NaN or infinity in net/conv/biases"):
                hub.read_variables(prefix)

    def test_truncated(self):
        one_file = _write_checkpoint(self.folder / "one/model.ckpt", write_version=_V1)
        _truncate(one_file)
        with self.assert_refused(f"{one_file}: expected weights (a TensorFlow", "copy the file"):
            hub.read_variables(one_file)
        for name in ("model.ckpt.index", "model.ckpt.data-00000-of-00001"):
            prefix = _write_checkpoint(self.folder / "sharded/model.ckpt")
            _truncate(prefix.with_name(name))
            with self.assert_refused(f"{prefix}: expected a TensorFlow checkpoint"):
                hub.read_variables(prefix)

    def test_truncated_in_the_cache(self):
        with _serve(_write_saved_model(self.folder / "net")) as server:
            url = f"{server}/google/net/1"
            hub.read_variables(url)
        cached = self.folder / "cache" / hashlib.sha1(url.encode()).hexdigest()
        _truncate(cached / "variables/variables.data-00000-of-00001")
        with self.assert_refused(f"delete {cached} to fetch {url} again"):
            hub.read_variables(url)

    def test_not_a_checkpoint(self):
        path = self.folder / "notes.txt"
        path.write_text("hello")
        with self.assert_refused("expected weights", "found a text; check where it comes from"):
            hub.read_variables(path)


class KerasWeightsTest(_FilesTest):
    """Keras' own files."""

    def _model(self, width: int = 3) -> keras.Model:
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(width)], name="net")

    def test_round_trip(self):
        model = self._model()
        model.save_weights(self.folder / "net.weights.h5")
        model.save(self.folder / "net.keras")
        for name in ("net.weights.h5", "net.keras"):
            loaded = self._model()
            hub.load_keras_weights(loaded, self.folder / name)
            self.assertAllEqual(loaded.get_weights()[0], model.get_weights()[0])

    def test_refused(self):
        with self.assert_refused("no such file", "weights of net"):
            hub.load_keras_weights(self._model(), self.folder / "none.keras")
        for name in ("net.weights.h5", "net.keras"):
            path = self.folder / name
            save = keras.Model.save if path.suffix == ".keras" else keras.Model.save_weights
            save(self._model(width=5), path)
            with self.assert_refused(str(path), "weights of net", "cannot load"):
                hub.load_keras_weights(self._model(), path)
            _truncate(path)
            with self.assert_refused(str(path), "cannot load"):
                hub.load_keras_weights(self._model(width=5), path)

    def test_not_finite(self):
        model = self._model()
        model.layers[0].bias.assign([0.0, np.nan, 0.0])
        model.save_weights(self.folder / "net.weights.h5")
        with self.assert_refused("NaN or infinity", "bias"):
            hub.load_keras_weights(self._model(), self.folder / "net.weights.h5")


class ModelStoreTest(_FilesTest):
    """hub_models/ and its digests."""

    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.dict("os.environ", {hub.MODELS_VARIABLE: str(self.folder)}))

    def test_finds(self):
        for model in ("small_encoder/speech_commands/1", "small_encoder/speech_commands/2"):
            (self.folder / model).mkdir(parents=True)
        name = "small_encoder/speech_commands"
        self.assertEqual(hub.find_model(name), self.folder / name / "1")
        self.assertEqual(hub.find_model(name, version=2), self.folder / name / "2")
        with self.assert_refused(
            f"expected the model {name}/3, found {name}/1 {name}/2;", hub.MODELS_VARIABLE
        ):
            hub.find_model(name, version=3)

    def test_empty_or_missing_store(self):
        with self.assert_refused("found no models"):
            hub.find_model("melgan")
        missing = {hub.MODELS_VARIABLE: str(self.folder / "none")}
        with mock.patch.dict("os.environ", missing), self.assert_refused("found no models"):
            hub.find_model("melgan")

    def test_default_root_is_beside_the_package(self):
        root = pathlib.Path(__file__).resolve().parents[2] / "hub_models"
        unset = {hub.MODELS_VARIABLE: ""}
        with mock.patch.dict("os.environ", unset), self.assert_refused(f"{root}: expected"):
            hub.find_model("no_such_model")

    def test_sha256(self):
        path = self.folder / "abc"
        path.write_bytes(b"abc")  # the example of FIPS 180-2, appendix B.1
        self.assertEqual(
            hub.sha256(path), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )


if __name__ == "__main__":
    tf.test.main()
