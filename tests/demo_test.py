"""The demo as a newcomer runs it, and its page in a real browser; in the small by default."""

import csv
import json
import os
import pathlib
import shutil
import tempfile

import pytest
import tensorflow as tf

from tests import script_runner, speech
from tests.report import browser
from vggish_inversion import results
from vggish_inversion.files import documents, hub

_INVERTERS = [(f"layer_{index}", preset) for index in range(7) for preset in ("large", "paper")]
_PART = [("layer_0", "paper"), ("layer_3", "large"), ("layer_6", "paper")]
_TARGET = "small_encoder/speech_commands"


def _leave_an_earlier_demo(folder: pathlib.Path) -> None:
    """Its results, of another inverter, and what a user put beside them."""
    row = dict.fromkeys(results.RESULT_COLUMNS, "")
    row |= {"layer": "layer_9", "preset": "old", "loss": "l1", "utterance": "awb-doctor"}
    results.write_table(folder / "results.csv", results.RESULT_COLUMNS, [row])
    documents.write_json(folder / "run.json", {"made_by": "demo"})
    (folder / "notes.txt").write_text("what I heard")
    (folder / "audio" / "layer_9" / "old-l1").mkdir(parents=True)
    (folder / "audio" / "layer_9" / "old-l1" / "awb-doctor.wav").write_bytes(b"")


def _copy_a_part(folder: pathlib.Path, clips: list[str]) -> tuple[pathlib.Path, pathlib.Path]:
    """The demo with fewer clips, and a store with fewer inverters: the script, and the store."""
    script, store = folder / "scripts" / "demo.py", folder / "store"
    (script.parent / "demo_speech").mkdir(parents=True)
    for name in ("demo.py", "command.py"):
        shutil.copy(speech.DEMO_SPEECH.parent / name, script.parent)
    for name in ("transcripts.csv", *clips):
        shutil.copy(speech.DEMO_SPEECH / name, script.parent / "demo_speech")
    for place in (_TARGET, *(f"inverter/{_TARGET}/{layer}/{kind}-l1" for layer, kind in _PART)):
        shutil.copytree(script_runner.ROOT / "hub_models" / place, store / place)
    return script, store


class _DemoTest(tf.test.TestCase):
    """What holds of any; `run_demo` runs one into `folder`."""

    inverters: list[tuple[str, str]]
    num_clips: int

    @classmethod
    def run_demo(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        _leave_an_earlier_demo(cls.folder)
        cls.result = cls.run_demo()
        with open(cls.folder / "summary.csv", newline="") as file:
            cls.summary = {(row["layer"], row["preset"]): row for row in csv.DictReader(file)}

    def test_every_layer_beside_the_references(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)
        references = [("natural", ""), ("true_log_mel", "")]
        self.assertEqual(list(self.summary), references + self.inverters)
        for (layer, preset), row in self.summary.items():
            self.assertEqual(int(row["num_utterances"]), self.num_clips)
            self.assertIn(layer, self.result.stdout)
            folder = self.folder / "audio" / layer / (f"{preset}-l1" if preset else "")
            wavs = list(folder.rglob("*.wav"))
            self.assertLen(wavs, self.num_clips)

    def test_an_earlier_demo_is_replaced_and_notes_stay(self):
        self.assertEqual((self.folder / "notes.txt").read_text(), "what I heard")
        self.assertFalse((self.folder / "audio" / "layer_9").exists())
        settings = json.loads((self.folder / "run.json").read_text())
        self.assertEqual(settings["made_by"], "demo")

    def test_the_page_opens_in_a_browser(self):
        num_players = browser.check_page(self.folder / "index.html")
        self.assertEqual(num_players, len(self.summary) * self.num_clips)


class SmallDemoTest(_DemoTest):
    inverters = _PART
    num_clips = 2

    @classmethod
    def run_demo(cls):
        scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        script, store = _copy_a_part(scratch, [clip.name for clip in speech.CLIPS[:2]])
        environment = os.environ | {hub.MODELS_VARIABLE: str(store)}
        return script_runner.run(script, f"--output_dir={cls.folder}", env=environment)

    def test_the_words_fade_with_depth(self):
        stoi = [float(row["stoi"]) for key, row in self.summary.items() if key in self.inverters]
        self.assertLen(stoi, 3)
        self.assertEqual(stoi, sorted(stoi, reverse=True))


@pytest.mark.slow
class DemoTest(_DemoTest):
    inverters = _INVERTERS
    num_clips = len(speech.CLIPS)

    @classmethod
    def run_demo(cls):
        return script_runner.run("demo.py", f"--output_dir={cls.folder}")

    def test_the_words_fade_with_depth(self):
        rows = {key[0]: row for key, row in self.summary.items() if key[1] != "large"}
        stoi = {layer: float(row["stoi"]) for layer, row in rows.items()}
        wer = {layer: float(row["wer"]) for layer, row in rows.items()}
        self.assertGreater(stoi["layer_0"], stoi["true_log_mel"] - 0.05)
        for shallow, deep in (("layer_0", "layer_2"), ("layer_2", "layer_4")):
            self.assertGreater(stoi[shallow], stoi[deep])
        self.assertLess(wer["natural"], 0.35)
        self.assertGreater(wer["layer_6"], 0.8)

    def test_the_large_preset_is_nearer_than_the_papers(self):
        for layer in dict(_INVERTERS):
            large, paper = (self.summary[layer, preset] for preset in ("large", "paper"))
            self.assertGreater(float(large["stoi"]), float(paper["stoi"]))
            self.assertLess(float(large["log_mel_l1"]), 0.95 * float(paper["log_mel_l1"]))


del _DemoTest  # what both are, not a test
