"""A wheel, away from the checkout, has the models and the programs, and they work."""

import ast
import csv
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import unittest
import zipfile

import pytest

import vggish_inversion as vi
from tests import speech
from vggish_inversion import __main__ as main

_ROOT = pathlib.Path(__file__).parents[1]
_SOURCES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "NOTICE")
_FOLDERS = ("vggish_inversion", "scripts", "hub_models")


# Setuptools alone, for `build` and its environment would have to be fetched.
_BUILD_SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"

# The quick start of the README, on a layer of the store and on what was exported.
_THREE_LINES = """
import sys
import vggish_inversion as vi

reconstructor = vi.load_reconstructor(sys.argv[1], layer="layer_1")
print(vi.word_error_rates(reconstructor, vi.bundled_speech()[:1]))
"""


def _build_wheel(sources: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", folder]
    subprocess.run([sys.executable, "-m", "pip", "wheel", sources, *options], check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def _contents(wheel: pathlib.Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _files_below(folder: pathlib.Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


class WheelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.sources = cls.folder / "sources"  # a copy, for builds leave folders behind
        cls.sources.mkdir()
        for name in _SOURCES:
            shutil.copy(_ROOT / name, cls.sources)
        for name in _FOLDERS:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(_ROOT / name, cls.sources / name, ignore=ignore)
        cls.wheel = _build_wheel(cls.sources, cls.folder)

    def test_it_holds_what_the_checkout_holds(self):
        names = zipfile.ZipFile(self.wheel).namelist()
        held = {name for name in names if ".dist-info/" not in name}
        expected = {f"vggish_inversion/{name}" for name in _files_below(_ROOT / "vggish_inversion")}
        for folder in ("scripts", "hub_models"):
            below = _files_below(_ROOT / folder)
            self.assertGreater(len(below), 10)
            expected |= {f"vggish_inversion/{folder}/{name}" for name in below}
        self.assertEqual(held, expected)
        self.assertIn("vggish_inversion/targets/yamnet_class_map.csv", held)
        self.assertTrue([name for name in names if name.endswith("NOTICE")])
        self.assertLess(self.wheel.stat().st_size, 32e6)
        self.assertEqual(self.wheel.name.split("-")[1], vi.__version__)

    @pytest.mark.slow
    def test_an_sdist_makes_the_same_wheel(self):
        build = [sys.executable, "-c", _BUILD_SDIST, self.folder]
        subprocess.run(build, cwd=self.sources, check=True, capture_output=True)
        [sdist] = self.folder.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(self.folder / "unpacked", filter="data")
        [sources] = (self.folder / "unpacked").iterdir()
        wheel = _build_wheel(sources, self.folder / "again")
        self.assertEqual(_contents(wheel), _contents(self.wheel))

    @pytest.mark.slow
    def test_it_works_away_from_the_checkout(self):
        venv, empty = self.folder / "venv", self.folder / "empty"
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = ["-m", "pip", "install", "--no-deps", "--quiet", str(self.wheel)]
        environment = {"PATH": "/usr/bin:/bin"}
        subprocess.run([venv / "bin" / "python", *install], check=True, env=environment)
        # The libraries of this environment, but not its editable installs: a path alone. After
        # the installation, for pip would find this package there.
        own = sysconfig.get_path("purelib", vars={"base": str(venv)})
        pathlib.Path(own, "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (empty / "speech").mkdir(parents=True)
        texts = {item.id: item.text for item in vi.bundled_speech()}
        for index, clip in enumerate(speech.CLIPS[:2]):
            path = empty / "speech" / f"{clip.stem}.wav"
            vi.write_wav(path, speech.read_clip(index))
            path.with_suffix(".txt").write_text(texts[clip.stem])

        def run(name: str, *flags: str) -> str:
            done = subprocess.run(
                [venv / "bin" / "vggish-inversion", name, *flags],
                cwd=empty,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        self.assertIn("small_encoder/speech_commands  layer_1", run("list_models"))
        flags = ["--target=small_encoder/speech_commands", "--layer=layer_1"]
        run("export_saved_model", *flags, "--preset=paper", "--output_dir=saved")
        self.assertTrue((empty / "saved" / "saved_model.pb").is_file())
        where = "import vggish_inversion.files.hub as hub; print(hub.models_dir())"
        python = [venv / "bin" / "python", "-c", where]
        models = subprocess.run(
            python, capture_output=True, text=True, check=True, cwd=empty, env=environment
        )
        self.assertIn(str(venv), models.stdout)
        inverter = "inverter/small_encoder/speech_commands/layer_1/paper-l1/1"
        inverter = f"--inverter={models.stdout.strip()}/{inverter}"
        run("reconstruct", inverter, "--input=speech", "--output_dir=made")
        made = {path.name for path in (empty / "made").iterdir()}
        wavs = {clip.with_suffix(".wav").name for clip in speech.CLIPS[:2]}
        self.assertEqual(made, wavs | {"reconstruct.csv"})
        flags = [flags[0], "--layers=layer_1", "--data_dir=speech", "--split=all"]
        run("evaluate", *flags, "--output_dir=results")
        with open(empty / "results" / "summary.csv", newline="") as file:
            rows = {(row["layer"], row["preset"]) for row in csv.DictReader(file)}
        shipped = {("layer_1", "paper"), ("layer_1", "large")}
        self.assertEqual(rows, {("natural", ""), ("true_log_mel", "")} | shipped)
        run("make_report", "--results_dir=results")
        self.assertTrue((empty / "results" / "index.html").is_file())
        run("export_tflite", inverter, "--output_dir=tflite", "--precisions=float16")
        made = {path.name for path in (empty / "tflite").iterdir()}
        self.assertEqual(made, {"inverter.float16.tflite", "patch.float16.tflite"})
        for source in ("small_encoder/speech_commands", "saved"):
            python = [venv / "bin" / "python", "-c", _THREE_LINES, source]
            done = subprocess.run(
                python, capture_output=True, text=True, check=True, cwd=empty, env=environment
            )
            rates = ast.literal_eval(done.stdout)
            self.assertLess(rates["natural"], 0.5)
            self.assertLess(rates["layer_1"], 0.8)


class MainTest(unittest.TestCase):
    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(_ROOT / "vggish_inversion" / "__main__.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_names_and_exit_codes(self):
        done = self._run()
        self.assertEqual(done.returncode, 0)
        self.assertIn("\nMeasure it:\n  evaluate             Measures how many words", done.stdout)
        self.assertNotIn("training_flags", done.stdout)
        self.assertNotIn("store_inverters", done.stdout)
        done = self._run("absent")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, "error: no script 'absent'\nsee: vggish-inversion --help\n")
        done = self._run("evaluate", "--no_such_flag")  # the script's own word for bad flags
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no_such_flag", done.stderr)

    def test_every_script_is_in_one_group_with_a_line_of_its_own(self):
        grouped = [name for names in main.GROUPS.values() for name in names]
        self.assertCountEqual(grouped, main.programs())
        lines = main.overview().splitlines()
        for name in grouped:
            [line] = [line for line in lines if line.split()[:1] == [name]]
            said = line.split(maxsplit=1)[1]
            self.assertTrue(said[0].isupper() and said[-1] in ".:?", line)
        self.assertLessEqual(max(map(len, lines)), 120)

    def test_a_slip_of_the_pen_is_told_the_nearest_name(self):
        for typed, meant in (("evalute", "evaluate"), ("reconstuct", "reconstruct")):
            done = self._run(typed, "--x=1")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"no script '{typed}'; did you mean {meant}", done.stderr)
        for typed in ("list-taps", "list_taps.py"):
            done = self._run(typed, "--no_such_flag")
            self.assertIn("no_such_flag", done.stderr)

    def test_version(self):
        done = self._run("--version")
        self.assertEqual(done.stdout, f"vggish-inversion {vi.__version__}\n")
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
