"""The pipeline's tables are those of evaluate.py."""

import hashlib
import json
import pathlib
import tempfile
from unittest import mock

import pytest
import tensorflow as tf

from tests import speech
from vggish_inversion import asr, evaluation
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import beam
from vggish_inversion.files import hub
from vggish_inversion.inverters import origin, search

_TARGET = origin.TargetSource("small_encoder/speech_commands")


class _Ear:
    """A recogniser of no time."""

    name, fingerprint, rules = "ear", "1", "letters"

    def transcribe_all(self, waveforms):
        return ["words" for _ in waveforms]


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
        runs = search.find_runs(hub.models_dir(), target, layers=["layer_1"])
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

    def test_a_worker_says_which_recording_it_measured(self):
        """What runs on a worker, without a pipeline around it."""
        [run_folder] = hub.models_dir().glob("inverter/*/speech_commands/layer_1/paper-l1/1")
        worker = beam.MeasureUtterance(_TARGET, [str(run_folder)], evaluation.Grid(), None)
        utterance = corpora.read_corpus(speech.DEMO_SPEECH)[0]
        with mock.patch.object(asr, "load_transcriber", lambda *_, **__: _Ear()):
            worker.setup()
        rows = [json.loads(row) for _, row in worker.process((7, utterance))]
        digest = hashlib.sha256(utterance.path.read_bytes()).hexdigest()[:16]
        self.assertEqual([row["layer"] for row in rows], ["natural", "true_log_mel", "layer_1"])
        self.assertEqual({row["audio_sha256"] for row in rows}, {digest})

    def test_a_recogniser_that_breaks_fails_one_row(self):
        class BreakingEar(_Ear):
            def transcribe_all(self, waveforms):
                for _ in waveforms:
                    self.heard += 1
                    if self.heard == 2:
                        raise RuntimeError("the decoder fell over")
                    yield "words"

            heard = 0

        [run_folder] = hub.models_dir().glob("inverter/*/speech_commands/layer_1/paper-l1/1")
        worker = beam.MeasureUtterance(_TARGET, [str(run_folder)], evaluation.Grid(), None)
        with mock.patch.object(asr, "load_transcriber", lambda *_, **__: BreakingEar()):
            worker.setup()
        made = worker.process((7, corpora.read_corpus(speech.DEMO_SPEECH)[0]))
        rows = [json.loads(row) for _, row in made]
        self.assertLen(rows, 3)
        [failed] = [row["status"] for row in rows if row["status"] != "ok"]
        self.assertIn("the decoder fell over", failed)

    def test_without_beam_one_line_says_so(self):
        with (
            mock.patch.object(beam, "apache_beam", None),
            self.assertRaisesRegex(ValueError, "Beam is not installed: pip install"),
        ):
            beam.evaluate_with_beam([], _TARGET, [], output_dir="none", settings={})


if __name__ == "__main__":
    tf.test.main()
