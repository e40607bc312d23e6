"""Names, folders, archives and URLs lead to what reconstructs; the table is the folders'."""

import functools
import http.server
import pathlib
import shutil
import tarfile
import tempfile
import threading
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

import vggish_inversion as vi
from tests import script_runner, speech
from vggish_inversion import vocoders
from vggish_inversion.files import hub
from vggish_inversion.inverters import run, search
from vggish_inversion.reconstruction import saved_model, store

_TARGET = "small_encoder/speech_commands"
_INVERTER = f"inverter/{_TARGET}/layer_1/paper-l1"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class LoadReconstructorTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.waveform = speech.read_clip()[:20000]

    def test_the_best_preset_or_the_one_that_is_named(self):
        runs = [run.read_run(hub.find_model(_INVERTER)) for _ in range(1)]
        runs += [run.read_run(hub.find_model(_INVERTER.replace("paper", "large")))]
        self.assertLess(runs[1].held_out_nats, runs[0].held_out_nats)
        self.assertEqual(search.best_runs(runs)["layer_1"].preset, "large")
        self.assertEqual(search.best_runs(runs, preset="paper")["layer_1"].preset, "paper")
        with self.assertRaisesRegex(ValueError, "no inverter of layer_1 .* there is: paper large"):
            search.best_runs(runs, preset="huge")
        widths = {
            preset: vi.load_reconstructor(_TARGET, layer="layer_1", preset=preset).road.parts
            for preset in ("paper", None)
        }
        self.assertLess(len(widths["paper"]), len(widths[None]))

    def test_all_layers(self):
        reconstructor = vi.load_reconstructor(_TARGET)
        self.assertEqual(list(reconstructor.road.names), [f"layer_{i}" for i in range(7)])

    def test_what_is_not_there(self):
        with self.assertRaisesRegex(ValueError, f"no inverters for 'vggish'.*{_TARGET}"):
            vi.load_reconstructor("vggish", layer="conv4")
        with self.assertRaisesRegex(ValueError, "has no layer 'conv4'; its layers are: layer_0"):
            vi.load_reconstructor(_TARGET, layer="conv4")
        with self.assertRaisesRegex(ValueError, "layer_1/paper-l1/1 inverts layer_1, not layer_2"):
            vi.load_reconstructor(str(hub.find_model(_INVERTER)), layer="layer_2")
        with self.assertRaisesRegex(ValueError, "expected a SavedModel or a run's folder"):
            vi.load_reconstructor(str(self.folder))
        (self.folder / "bad.tar.gz").write_bytes(b"no archive")
        with self.assertRaisesRegex(ValueError, "bad.tar.gz: cannot be unpacked"):
            vi.load_reconstructor(str(self.folder / "bad.tar.gz"))

    def test_a_folder_of_several_runs_names_them(self):
        runs = self.folder / "runs"
        for layer, preset in (("layer_1", "paper"), ("layer_1", "large"), ("layer_6", "paper")):
            source = hub.models_dir() / f"inverter/{_TARGET}/{layer}/{preset}-l1/1"
            shutil.copytree(source, runs / layer / preset)
        for given in (runs, str(runs)):
            with self.assertRaisesRegex(
                ValueError,
                "expected one model, there are 3: layer_1/large, layer_1/paper, layer_6/paper; "
                f"name the folder of one, such as {runs}/layer_1/large",
            ):
                vi.load_reconstructor(given)
        with self.assertRaisesRegex(ValueError, "expected one model of layer_1, there are 2"):
            vi.load_reconstructor(runs, layer="layer_1")
        with self.assertRaisesRegex(ValueError, "one model of layer_2, there are others: layer_1"):
            vi.load_reconstructor(runs, layer="layer_2")
        for given, choice in (
            (runs, {"layer": "layer_6"}),  # the only one of its layer
            (runs, {"layer": "layer_1", "preset": "paper"}),
            (runs / "layer_6", {}),  # the only one below
            (runs / "layer_6" / "paper" / "inverter.keras", {}),
        ):
            names = vi.load_reconstructor(given, **choice).road.names
            self.assertEqual(names, (choice.get("layer", "layer_6"),))

    def test_names_that_are_nearly_right(self):
        with self.assertRaisesRegex(ValueError, f"did you mean {_TARGET} or"):
            vi.load_reconstructor("small_encoder/speech_comands")
        with self.assertRaisesRegex(ValueError, "no folder|no inverters for 'runs'"):
            vi.load_reconstructor(pathlib.Path("runs"))
        names = vi.load_reconstructor("Small_Encoder/Speech_Commands", layer="layer_6").road.names
        self.assertEqual(names, ("layer_6",))

    @pytest.mark.slow
    def test_a_run_a_saved_model_an_archive_and_a_url(self):
        source = hub.find_model(_INVERTER)
        live = vi.load_reconstructor(str(source))
        expected = live(self.waveform, names=["layer_1"])["layer_1"]

        trained = run.read_run(source)
        saved = saved_model.export_saved_model(
            trained,
            self.folder / "saved",
            target=trained.load_target(),
            vocoder=vocoders.load_vocoder("griffin_lim", live.target.log_mel),
        )
        for name, folder in (("run", source), ("saved", saved)):
            with tarfile.open(self.folder / f"{name}.tar.gz", "w:gz") as archive:
                archive.add(folder, arcname="." if name == "saved" else "model")
        handler = functools.partial(_Handler, directory=str(self.folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        sources = [str(saved), str(self.folder / "run.tar.gz"), f"{url}/saved.tar.gz"]
        with mock.patch.dict("os.environ", TFHUB_CACHE_DIR=str(self.folder / "cache")):
            for name in sources:
                made = vi.load_reconstructor(name, layer="layer_1")(self.waveform)["layer_1"]
                self.assertAllClose(made.waveform, expected.waveform, rtol=0, atol=1e-5)
                self.assertAllClose(made.log_mel, expected.log_mel, rtol=0, atol=1e-5)
            with self.assertRaisesRegex(ValueError, "absent.tar.gz: cannot be fetched.*404"):
                vi.load_reconstructor(f"{url}/absent.tar.gz")
        reconstructor = vi.load_reconstructor(str(saved))
        self.assertEqual(reconstructor(self.waveform, names=["layer_0"]), {})
        with self.assertRaisesRegex(ValueError, "0.06 s is too short; one patch needs 0.975 s"):
            reconstructor(np.zeros(1000, np.float32))
        with self.assertRaisesRegex(ValueError, "exported with patches 96 frames apart, not 48"):
            vi.load_reconstructor(str(saved), patch_hop_frames=48)
        (saved / "config.json").unlink()
        with self.assertRaisesRegex(ValueError, "cannot be read as a SavedModel of scripts"):
            vi.load_reconstructor(str(saved))


class TableTest(tf.test.TestCase):
    def test_rows_are_the_folders(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(hub.find_model(_INVERTER), pathlib.Path(folder, "with"))
            shutil.copytree(hub.find_model(_INVERTER), pathlib.Path(folder, "without"))
            pathlib.Path(folder, "without", "history.csv").unlink()
            lines = store.format_table(folder).splitlines()
        self.assertLen(lines, 3)
        size = sum(path.stat().st_size for path in hub.find_model(_INVERTER).iterdir())
        megabytes = f"{size / 1e6:.2f}"
        own = [_TARGET, "layer_1", "paper", "l1", "1"]
        self.assertEqual(lines[1].split(), [*own, "230,400", "0.305", megabytes])
        self.assertEqual(lines[2].split(), [*own, megabytes])

    def test_the_script_lists_the_store(self):
        done = script_runner.run("list_models.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.rstrip("\n"), store.format_table())


if __name__ == "__main__":
    tf.test.main()
