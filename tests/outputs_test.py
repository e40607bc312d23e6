"""Output folders that are full, read-only or another's: one line, and nothing half done."""

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

import pytest
import tensorflow as tf

from tests import script_runner, speech
from tests.report import results_folder
from vggish_inversion.files import folders

_ROOT = pathlib.Path(__file__).parents[1]
_INVERTER = _ROOT / "hub_models/inverter/small_encoder/speech_commands/layer_6/paper-l1/1"
_TARGET = "--target=small_encoder/speech_commands"


def _commands(output: pathlib.Path, scratch: pathlib.Path) -> dict[str, list[str]]:
    """What writes: script -> flags that give it a place to write and a small job."""
    data_dir = f"--data_dir={speech.DEMO_SPEECH}"
    return {
        "reconstruct": [f"--inverter={_INVERTER}", f"--input={speech.CLIPS[0]}"],
        "make_report": [f"--results_dir={scratch / 'results'}", f"--output={output}/index.html"],
        "prepare_dataset": [_TARGET, data_dir],
        "train_inverter": [_TARGET, "--layer=layer_6", data_dir, "--epochs=1", "--batch_size=4"],
        "evaluate": [_TARGET, "--layers=layer_6", data_dir, "--split=all", "--limit=1"],
        "export_saved_model": [f"--inverter={_INVERTER}"],
        "export_tflite": [f"--inverter={_INVERTER}", "--precisions=float32"],
        "train_melgan": [
            *("--vocoder=vocos", "--width=32", data_dir, "--epochs=1", "--steps_per_epoch=2"),
            *("--batch_size=2", f"--cache_dir={scratch / 'segments'}"),
        ],
    }


_QUICK = ("reconstruct", "make_report", "prepare_dataset")
_SLOW = ("train_inverter", "evaluate", "export_saved_model", "export_tflite", "train_melgan")
_LOCKING = ("train_inverter", "evaluate", "train_melgan")


class OutputsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        results_folder.write_results_folder(self.scratch / "results")

    def _mount(self, options: str) -> pathlib.Path:
        """A file system of our own; the test is skipped where there can be none."""
        place = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if os.name != "posix" or subprocess.run(command, capture_output=True).returncode:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(place)], check=True)
        return place

    def _run(self, scripts, outputs) -> list[tuple[int, str]]:
        """Exit code and stderr of each script, given its output folder."""
        results = []
        for script, output in zip(scripts, outputs, strict=True):
            flags = _commands(output, self.scratch)[script]
            if script != "make_report":
                flags = [*flags, f"--output_dir={output}"]
            done = script_runner.run(f"{script}.py", *flags, cwd=_ROOT)
            results.append((done.returncode, done.stderr))
        return results

    def _assert_one_line(self, script: str, result: tuple[int, str], *parts: str):
        code, said = result
        self.assertEqual(code, 1, f"{script}: {said}")
        self.assertNotIn("Traceback", said)
        lines = re.findall("error: .+", said)  # a bar of progress may stand before it
        self.assertLen(lines, 1, f"{script}: {said}")
        for part in parts:
            self.assertIn(part, lines[0])

    def _check_full(self, scripts):
        outputs = [self._mount("size=16k") / "out" for _ in scripts]
        for script, output, result in zip(
            scripts, outputs, self._run(scripts, outputs), strict=True
        ):
            self._assert_one_line(script, result)
            self.assertRegex(result[1].lower(), "no space|cannot be written|could be written")
            # What there is may be the first of several files, but each of its kind is whole.
            kept = {path.name for path in output.parent.rglob("*") if path.is_file()}
            whole = {".lock", "config.json", "run.json", "reconstruct.csv", "results.csv"}
            whole |= {"index.json"}
            events = {name for name in kept if name.startswith("events.out.tfevents")}
            self.assertEqual(kept - whole - events, set(), script)

    def _check_read_only(self, scripts):
        outputs = [self._mount("ro") / "out" for _ in scripts]
        for script, result in zip(scripts, self._run(scripts, outputs), strict=True):
            self._assert_one_line(script, result, "Read-only file system")

    def test_a_full_disk(self):
        self._check_full(_QUICK)

    def test_a_read_only_folder(self):
        self._check_read_only(_QUICK)

    @pytest.mark.slow
    def test_a_full_disk_while_training_and_exporting(self):
        self._check_full(_SLOW)

    @pytest.mark.slow
    def test_a_read_only_folder_for_training_and_exporting(self):
        self._check_read_only(_SLOW)

    def test_a_file_in_the_folders_place(self):
        (self.scratch / "file").write_text("words")
        outputs = [self.scratch / "file" / "out"] * len(_QUICK)
        for script, result in zip(_QUICK, self._run(_QUICK, outputs), strict=True):
            self._assert_one_line(script, result, str(self.scratch / "file"))

    @pytest.mark.slow
    def test_a_folder_that_another_process_writes(self):
        outputs = [self.scratch / script for script in _LOCKING]
        with contextlib.ExitStack() as stack:
            for output in outputs:
                stack.enter_context(folders.sole_writer(output))
            results = self._run(_LOCKING, outputs)
        for script, output, result in zip(_LOCKING, outputs, results, strict=True):
            self._assert_one_line(script, result, f"{output} is being written by another process")
            written = {path.name for path in output.iterdir()}
            self.assertEqual(written - {".lock", "log_mel_cache"}, set(), script)


if __name__ == "__main__":
    tf.test.main()
