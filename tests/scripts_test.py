"""The programs as a user runs them: exit codes, one clear line, and the rest of the batch done."""

import csv
import pathlib
import tempfile

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests import speech
from tests.script_runner import run
from vggish_inversion.files import hub

_SCRIPTS = pathlib.Path(__file__).parents[1] / "scripts"
_INVERTER = "inverter/small_encoder/speech_commands/layer_0/paper-l1"


class ScriptsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.output = self.folder / "out"

    def _assert_one_line(self, result, exit_code: int, *parts: str):
        self.assertEqual(result.returncode, exit_code, result.stderr)
        lines = [line for line in result.stderr.splitlines() if line.startswith("error:")]
        self.assertLen(lines, 1, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        for part in parts:
            self.assertIn(part, lines[0])

    def test_reconstruct_does_the_rest_of_a_bad_batch(self):
        bad = self.folder / "in"
        bad.mkdir()
        waveform = speech.read_clip()
        soundfile.write(bad / "good.wav", waveform, 16000)
        soundfile.write(bad / "silence.wav", np.zeros(32000), 16000)
        soundfile.write(bad / "short.wav", waveform[:8000], 16000)
        waveform[100] = np.nan
        soundfile.write(bad / "nan.wav", waveform, 16000, subtype="FLOAT")
        (bad / "text.wav").write_text("these are words, not samples")
        (bad / "corrupt.flac").write_bytes(speech.CLIPS[0].read_bytes()[:4000])
        (bad / "empty.mp3").write_bytes(b"")
        result = run(
            "reconstruct.py",
            f"--inverter={hub.find_model(_INVERTER)}",
            f"--input={bad}",
            f"--output_dir={self.output}",
        )
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("2 of 7 reconstructed", result.stdout)
        with open(self.output / "reconstruct.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        status = {pathlib.Path(row["input"]).name: row["status"] for row in rows}
        self.assertEqual(status["good.wav"], "ok")
        self.assertEqual(status["silence.wav"], "ok")
        self.assertIn("too short", status["short.wav"])
        for name in ("nan.wav", "text.wav", "corrupt.flac", "empty.mp3"):
            self.assertIn(name, status[name])
        self.assertEqual(
            {path.name for path in self.output.glob("*.wav")}, {"good.wav", "silence.wav"}
        )
        made, rate = soundfile.read(self.output / "good.wav")
        self.assertEqual((len(made), rate), (len(waveform), 16000))
        silence, _ = soundfile.read(self.output / "silence.wav")
        self.assertAllInRange(silence, -0.02, 0.02)

    def test_reconstruct_of_nothing(self):
        result = run(
            "reconstruct.py",
            f"--inverter={hub.find_model(_INVERTER)}",
            f"--input={self.folder}",
            f"--output_dir={self.output}",
        )
        self._assert_one_line(result, 1, "no audio in", str(self.folder))

    def test_a_training_has_one_length(self):
        needed = ["--layer=layer_0", "--data_dir=x", f"--output_dir={self.output}"]
        for given in (["--epochs=3", "--minutes=1"], ["--patches=64", "--epochs=1"]):
            result = run("train_inverter.py", *needed, *given)
            self._assert_one_line(result, 2, "give one of --epochs, --patches and --minutes")

    def test_listen_checks_before_it_writes(self):
        speech_dir = f"--speech={speech.DEMO_SPEECH}"
        for given, part in (
            (["--target=small_encoder/speech_commands", f"--speech={self.folder}/no"], "no folder"),
            (["--target=small_encoder/speech_commands", speech_dir, "--layers=layer_9"], "layer_9"),
            ([f"--target={self.folder}/absent.keras", speech_dir], "absent.keras"),
        ):
            result = run("listen.py", *given, f"--output_dir={self.output}")
            self._assert_one_line(result, 1, part)
        self.assertFalse(self.output.exists())

    def test_an_absent_inverter(self):
        result = run(
            "reconstruct.py",
            f"--inverter={self.folder}",
            "--input=x",
            f"--output_dir={self.output}",
        )
        self._assert_one_line(result, 1, "no trained inverter in", "expected inverter.keras")

    def _train(self, *flags: str):
        return run(
            "train_inverter.py",
            f"--data_dir={speech.DEMO_SPEECH}",
            f"--output_dir={self.output}",
            *flags,
        )

    def test_an_unknown_layer(self):
        result = self._train("--layer=conv9", "--target=small_encoder/speech_commands")
        self._assert_one_line(result, 1, "no layer 'conv9'", "layer_0 layer_1")
        self.assertFalse(self.output.exists())

    def test_absent_weights(self):
        result = self._train("--layer=conv4", f"--target_weights={self.folder / 'absent'}")
        self._assert_one_line(result, 1, "absent", "--target_weights")

    def test_no_network_for_tf_hub(self):
        result = self._train("--layer=conv4", "--target_weights=http://127.0.0.1:9/google/vggish/1")
        self._assert_one_line(result, 1, "cannot be fetched", "--target_weights=")

    def test_a_grid_is_trained_once_and_does_not_stop_at_a_failure(self):
        flags = ("--target=small_encoder/speech_commands", "--layers=layer_0,layer_6")
        flags += (f"--data_dir={speech.DEMO_SPEECH}", f"--output_dir={self.output}")
        flags += ("--epochs=1", "--batch_size=4", "--presets=large,huge")
        result = run("train_all.py", *flags)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("no preset 'huge'", result.stderr)
        made = {path.parent for path in self.output.rglob("inverter.keras")}
        expected = {self.output / layer / "large-l1" for layer in ("layer_0", "layer_6")}
        self.assertEqual(made, expected)
        times = {path: (path / "checkpoint.npz").stat().st_mtime_ns for path in made}
        again = run("train_all.py", *flags)
        self.assertIn("run 4 of 4", again.stdout)
        self.assertEqual(
            {path: (path / "checkpoint.npz").stat().st_mtime_ns for path in made}, times
        )

    def test_a_table_of_several_targets(self):
        table = self.folder / "table.csv"
        table.write_text(
            "target,target_weights,layer,preset\nyamnet,absent.npz,layer6,paper\n"
            "small_encoder/speech_commands,,layer_6,paper\n"
        )
        flags = (f"--data_dir={speech.DEMO_SPEECH}", "--epochs=1", "--batch_size=4")
        result = run("train_all.py", f"--table={table}", *flags, f"--output_dir={self.output}")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("absent.npz", result.stderr)
        made = [path.parent for path in self.output.rglob("inverter.keras")]
        run_dir = self.output / "small_encoder" / "speech_commands" / "layer_6" / "paper-l1"
        self.assertEqual(made, [run_dir])

    def test_bad_flags(self):
        self._assert_one_line(run("evaluate.py"), 2, "--data_dir", "must have a value")

    @pytest.mark.slow  # front_ends_test has the same road of other networks
    def test_train_then_reconstruct_then_evaluate(self):
        flags = ("--target=small_encoder/speech_commands", "--layer=layer_1")
        result = self._train(*flags, "--epochs=1", "--batch_size=4")
        self.assertEqual(result.returncode, 0, result.stderr)
        made = {path.name for path in self.output.iterdir()}
        self.assertContainsSubset(
            {"config.json", "checkpoint.npz", "history.csv", "inverter.keras", "tensorboard"}, made
        )
        result = run(
            "reconstruct.py",
            f"--inverter={self.output}",
            f"--input={speech.CLIPS[0]}",
            f"--output_dir={self.folder / 'wavs'}",
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "wavs" / f"{speech.CLIPS[0].stem}.wav").is_file())
        result = run(
            "evaluate.py",
            flags[0],
            "--layers=layer_1",
            f"--inverters_dir={self.output}",
            f"--data_dir={speech.DEMO_SPEECH}",
            "--split=all",
            "--limit=1",
            f"--output_dir={self.folder / 'results'}",
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("true_log_mel", result.stdout)
        result = run("make_report.py", f"--results_dir={self.folder / 'results'}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "results" / "index.html").is_file())
