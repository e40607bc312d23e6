"""The benchmarks run and report; a smoke test, at a size where the figures mean nothing."""

import json
import math
import pathlib
import re
import tempfile

import pytest
import tensorflow as tf

import figures
from tests import script_runner
from tests.asr import whisper_folder

_ROOT = pathlib.Path(__file__).resolve().parents[1]

# Multiply-adds of VGGish's convolutions up to pool4, by hand: places x 9 x inputs x outputs.
_VGGISH_POOL4 = 9 * (
    96 * 64 * 1 * 64
    + 48 * 32 * 64 * 128
    + 24 * 16 * (128 * 256 + 256 * 256)
    + 12 * 8 * (256 * 512 + 512 * 512)
)


@pytest.mark.parametrize(
    "path", sorted((_ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem
)
def test_each_knows_its_flags(path):
    """It is run as far as its flags, of which one is wrong or missing."""
    done = script_runner.run(f"benchmarks/{path.name}", "--no_such_flag=1")
    assert done.returncode in (1, 2), done.stderr
    assert re.search("no_such_flag|required: --", done.stderr), done.stderr


class TargetsTest(tf.test.TestCase):
    def test_last_line_is_json(self):
        flags = ["--targets=vggish", "--taps=conv1,pool4", "--batch_size=1", "--num_turns=1"]
        done = script_runner.run("benchmarks/targets.py", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertLen(lines, 5)  # the machine, the heading, two taps, the JSON
        result = json.loads(lines[-1])
        rows = result["targets"]["vggish"]
        self.assertEqual(list(rows), ["conv1", "pool4"])
        self.assertEqual(result["vggish_pool4_efficiency"], rows["pool4"]["efficiency"])
        self.assertAlmostEqual(rows["pool4"]["gflop_per_patch"], 2 * _VGGISH_POOL4 / 1e9)
        for row in rows.values():
            for value in row.values():
                self.assertTrue(math.isfinite(value) and value > 0, row)


@pytest.mark.slow
class VocodersTest(tf.test.TestCase):
    def test_last_line_is_json(self):
        flags = ["--limit=1", "--num_iterations=8", "--wer_of=true_log_mel,layer_6"]
        done = script_runner.run("benchmarks/vocoders.py", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((result["num_clips"], result["num_iterations"]), (1, 8))
        self.assertGreater(result["griffin_lim_speedup"], 1.0)
        self.assertGreater(result["neural_times_realtime"], 0.0)
        for name in ("griffin_lim", "librosa", "neural"):  # all are aligned with the recording
            self.assertGreater(result[f"{name}_stoi"], 0.9)
            self.assertLess(result[f"{name}_log_mel_l1"], 0.3)
            self.assertIn(f"{name}_pesq", result)
            wer = result[f"{name}_wer"]
            self.assertLess(wer["true_log_mel"]["wer"], wer["layer_6"]["wer"])


class SpeakerVerificationTest(tf.test.TestCase):
    def test_last_line_is_json(self):
        flags = ["--data_dirs=scripts/demo_speech"]
        done = script_runner.run("benchmarks/speaker_verification.py", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLen(done.stdout.splitlines(), 4)  # the heading, two rows, the JSON
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((result["num_recordings"], result["natural_num_speakers"]), (9, 3))
        self.assertEqual(result["natural_num_other_trials"], 18)
        self.assertLess(result["natural_eer"], 0.2)
        self.assertGreater(result["planted_eer"], 0.5)


@pytest.mark.slow
class EndToEndTest(tf.test.TestCase):
    def test_last_line_is_json(self):
        flags = ["--limit=2", "--layers=layer_0", "--num_iterations=8", "--num_turns=1"]
        done = script_runner.run("benchmarks/end_to_end.py", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((result["num_clips"], result["num_iterations"]), (2, 8))
        [row] = result["taps"]
        self.assertEqual(result["speedup"], row["speedup"])
        self.assertGreater(row["speedup"], 1.0)
        self.assertLess(result["l1_ratio"], 1.0)
        # The recipe is aligned with the recording, and hears what it was given.
        self.assertLess(row["published_log_mel_l1"], 0.4)
        self.assertLess(row["published_vocoder_l1"], 0.2)


@pytest.mark.slow
class TrainingTest(tf.test.TestCase):
    def test_last_line_is_json(self):
        flags = ["--seconds=1", "--num_steps=2", "--num_turns=1", "--every=1", "--layer=layer_0"]
        done = script_runner.run("benchmarks/training.py", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertGreater(result["input_efficiency"], 0.0)
        self.assertGreater(result["speedup_to_same_loss"], 1.0)


class RecognisersTest(tf.test.TestCase):
    def test_last_line_is_json(self):
        done = script_runner.run("benchmarks/recognisers.py", "--limit=2", "--num_turns=1")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(result["num_clips"], 2)
        self.assertEqual(list(result["recognisers"]), ["pocketsphinx:1", "pocketsphinx"])
        alone, several = result["recognisers"].values()
        self.assertEqual((alone["speedup"], several["speedup"]), (1, result["speedup"]))
        for name in ("wer", "wer_low", "wer_high", "insertion_rate", "num_gated"):
            self.assertEqual(alone[name], several[name])
        self.assertBetween(alone["wer"], alone["wer_low"], alone["wer_high"])
        for row in (alone, several):
            self.assertGreater(row["times_realtime"], 0)
            self.assertGreater(row["cpu_seconds_per_second"], 0)


class GatesTest(tf.test.TestCase):
    def test_each_condition_is_scored_with_and_without_gates(self):
        pytest.importorskip("ctranslate2")
        scratch = self.enterContext(tempfile.TemporaryDirectory())
        folder = whisper_folder.write_whisper_folder(pathlib.Path(scratch))
        flags = [f"--data_dirs={_ROOT / 'scripts' / 'demo_speech'}", "--limit=2"]
        flags += ["--layer=layer_6", f"--asr_model={folder}"]
        done = script_runner.run("benchmarks/gates.py", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        names = ["natural", "true_log_mel", "layer_6", "white noise", "pink noise", "hum"]
        self.assertCountEqual(result["conditions"], names)
        for row in result["conditions"].values():  # random weights repeat themselves
            gated = {"wer": 1, "insertion_rate": 0, "heard": 0, "num_gated": 2}
            self.assertEqual(row["gated"], gated)
            self.assertGreater(row["open"]["heard"], 1)
            self.assertEqual(row["open"]["num_gated"], 0)
            self.assertEqual(sum(row["reasons"].values()), 2)


@pytest.mark.slow
class EvaluationTest(tf.test.TestCase):
    def test_last_line_is_json(self):
        flags = ["--limit=1", "--layers=layer_0", "--num_turns=1"]
        done = script_runner.run("benchmarks/evaluation.py", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((result["num_clips"], result["num_renderings"]), (1, 3))
        # Which of the two is longer, a busy machine may turn round on one clip.
        alone, whole = result["alone_seconds"], result["evaluation_seconds"]
        self.assertGreater(alone, 0)
        self.assertNear(result["overhead"], 1 - alone / whole, 0.1)


if __name__ == "__main__":
    tf.test.main()


class FiguresTest(tf.test.TestCase):
    def test_each_kept_figure_is_compared(self):
        kept = figures.read_figures(_ROOT / "benchmarks" / "kept" / "LJ050.csv")
        self.assertEqual(figures.compare(kept, kept), [])
        for key in kept:
            for name in kept[key]:
                moved = {row: dict(cells) for row, cells in kept.items()}
                moved[key][name] += "1"
                self.assertLen(figures.compare(kept, moved), 1)
        self.assertLen(figures.compare(kept, {}), sum(map(len, kept.values())))
