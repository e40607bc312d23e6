"""The pipeline's tables are those of evaluate.py."""

import json
import pathlib
import tempfile
from unittest import mock

import pytest
import tensorflow as tf

from tests import speech
from vggish_inversion import evaluation
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import beam
from vggish_inversion.files import hub
from vggish_inversion.inverters import run

_TARGET = beam.TargetSpec("small_encoder/speech_commands")


class BeamTest(tf.test.TestCase):
    def test_equals_evaluate(self):
        pytest.importorskip("apache_beam")
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        broken = folder / "text.wav"
        broken.write_text("no audio at all")
        utterances = [
            *corpora.read_corpus(speech.DEMO_SPEECH)[:2],
            corpora.Utterance("broken", broken, "some words"),
        ]
        target = _TARGET.load()
        runs = run.find_runs(hub.models_dir(), target, layers=["layer_1"])
        settings = {"data_dir": ["demo_speech"], "split": "all"}
        plain, piped = folder / "plain", folder / "piped"
        evaluation.evaluate_runs(utterances, target, runs, output_dir=plain, settings=settings)
        rows = beam.evaluate_with_beam(
            utterances, _TARGET, runs, output_dir=piped, settings=settings
        )
        self.assertLen(rows, 4 * len(utterances))
        for name in ("results.csv", "summary.csv", "comparisons.csv"):
            self.assertEqual((piped / name).read_text(), (plain / name).read_text(), name)
        files = [{path.relative_to(root) for path in root.rglob("*.*")} for root in (plain, piped)]
        self.assertEqual(*files)
        settings = [json.loads((root / "run.json").read_text()) for root in (plain, piped)]
        for entry in settings:
            del entry["seconds"]
        self.assertEqual(*settings)
        with self.assertRaisesRegex(ValueError, "holds results already"):
            beam.evaluate_with_beam(
                utterances, _TARGET, runs, output_dir=piped, settings=settings[0]
            )

    def test_without_beam_one_line_says_so(self):
        with (
            mock.patch.object(beam, "apache_beam", None),
            self.assertRaisesRegex(ValueError, "Beam is not installed: pip install"),
        ):
            beam.evaluate_with_beam([], _TARGET, [], output_dir="none", settings={})


if __name__ == "__main__":
    tf.test.main()
