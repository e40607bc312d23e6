"""A vocoder from training to the ear, as a user runs the programs."""

import json
import pathlib
import tempfile

import pytest
import soundfile
import tensorflow as tf

from tests import script_runner, speech
from vggish_inversion.files import hub

_ROOT = pathlib.Path(__file__).parents[2]
_INVERTER = "inverter/small_encoder/speech_commands/layer_0/paper-l1"


class ScriptsTest(tf.test.TestCase):
    @pytest.mark.slow
    def test_from_training_to_the_ear(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        data_dir = speech.write_ljspeech(folder / "LJSpeech-1.1", ["LJ001-0001", "LJ001-0002"])
        inverter = hub.find_model(_INVERTER)
        small = ["--vocoder=vocos", "--width=8", "--steps_per_epoch=2", "--batch_size=2"]
        trained = script_runner.run(
            "scripts/train_melgan.py",
            f"--data_dir={data_dir}",
            f"--output_dir={folder / 'run'}",
            f"--inverter={inverter}",
            "--epochs=1",
            *small,
        )
        self.assertEqual(trained.returncode, 0, trained.stderr)
        self.assertIn("val_stoi", (folder / "run" / "history.csv").read_text())
        stored = script_runner.run(
            "tools/store_vocoder.py",
            f"--run_dir={folder / 'run'}",
            f"--models_dir={folder / 'store'}",
        )
        self.assertEqual(stored.returncode, 0, stored.stderr)
        vocoder = folder / "store" / "vocoder" / "vocos" / "1"
        self.assertEqual(stored.stdout.strip(), str(vocoder))
        self.assertEqual(json.loads((vocoder / "config.json").read_text())["width"], 8)
        heard = script_runner.run(
            "scripts/reconstruct.py",
            f"--inverter={inverter}",
            f"--vocoder={vocoder}",
            f"--input={speech.CLIPS[0]}",
            f"--output_dir={folder / 'out'}",
        )
        self.assertEqual(heard.returncode, 0, heard.stderr)
        waveform, rate = soundfile.read(folder / "out" / f"{speech.CLIPS[0].stem}.wav")
        self.assertEqual((len(waveform), rate), (len(speech.read_clip()), 16000))

    def test_one_line_where_there_are_no_weights(self):
        flags = [f"--inverter={hub.find_model(_INVERTER)}", f"--input={speech.CLIPS[0]}"]
        flags += ["--output_dir=unused", "--vocoder=melgan"]
        result = script_runner.run("scripts/reconstruct.py", *flags)
        self.assertEqual(result.returncode, 1)
        lines = [line for line in result.stderr.splitlines() if line.startswith("error:")]
        self.assertLen(lines, 1, result.stderr)
        self.assertIn("scripts/train_melgan.py --vocoder=melgan", lines[0])
