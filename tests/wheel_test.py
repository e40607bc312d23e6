"""A wheel, away from the checkout, has the models and the programs, and they work."""

import csv
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import unittest
import zipfile

import pytest

from tests import speech

_ROOT = pathlib.Path(__file__).parents[1]
_SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
_FOLDERS = ("vggish_inversion", "scripts", "hub_models")


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
        sources = cls.folder / "sources"  # a copy, for builds leave folders behind
        sources.mkdir()
        for name in _SOURCES:
            shutil.copy(_ROOT / name, sources)
        for name in _FOLDERS:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(_ROOT / name, sources / name, ignore=ignore)
        options = ["--no-deps", "--no-build-isolation", "--quiet"]
        command = [sys.executable, "-m", "pip", "wheel", sources, *options, "-w", cls.folder]
        subprocess.run(command, check=True)
        [cls.wheel] = cls.folder.glob("*.whl")

    def test_it_holds_what_the_checkout_holds(self):
        names = zipfile.ZipFile(self.wheel).namelist()
        held = {name for name in names if ".dist-info/" not in name}
        expected = {f"vggish_inversion/{name}" for name in _files_below(_ROOT / "vggish_inversion")}
        for folder in ("scripts", "hub_models"):
            below = _files_below(_ROOT / folder)
            self.assertGreater(len(below), 10)
            expected |= {f"vggish_inversion/{folder}/{name}" for name in below}
        self.assertEqual(held, expected)
        self.assertLess(self.wheel.stat().st_size, 25e6)

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
        for clip in speech.CLIPS[:2]:
            shutil.copy(clip, empty / "speech")
        shutil.copy(speech.DEMO_SPEECH / "transcripts.csv", empty / "speech")

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
        where = "import vggish_inversion.targets.hub as hub; print(hub.models_dir())"
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


class MainTest(unittest.TestCase):
    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(_ROOT / "vggish_inversion" / "__main__.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_names_and_exit_codes(self):
        done = self._run()
        self.assertEqual(done.returncode, 0)
        self.assertIn("\n  reconstruct\n", done.stdout)
        self.assertNotIn("training_flags", done.stdout)
        done = self._run("absent")
        self.assertEqual(done.returncode, 2)
        self.assertIn("error: no script 'absent'", done.stderr)
        done = self._run("evaluate", "--no_such_flag")  # the script's own word for bad flags
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no_such_flag", done.stderr)


if __name__ == "__main__":
    unittest.main()
