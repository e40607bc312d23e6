"""Tests of PocketSphinx on the bundled demo clips."""

import csv
import importlib.metadata
import pathlib
import subprocess
import sys
import tempfile
import time
from unittest import mock

import numpy as np
import soundfile
import tensorflow as tf

from vggish_inversion import asr, metrics
from vggish_inversion.asr import pocketsphinx, processes

_DEMO = pathlib.Path(__file__).parents[2] / "scripts" / "demo_speech"


def _read_demo(num_clips):
    """Returns waveforms and texts, taking the speakers in turn."""
    with open(_DEMO / "transcripts.csv", encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    rows = [row for start in range(3) for row in rows[start::3]][:num_clips]
    clips = [soundfile.read(_DEMO / f"{row['utterance']}.flac", dtype="float32") for row in rows]
    return [waveform for waveform, _ in clips], [row["text"] for row in rows]


class PocketSphinxTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.waveforms, cls.texts = _read_demo(3)
        cls.transcribe = asr.load_transcriber("pocketsphinx")
        # A second of each is enough where the words do not matter.
        cls.snippets = [waveform[:16000] for waveform in cls.waveforms]
        cls.transcripts = [cls.transcribe(snippet) for snippet in cls.snippets]

    def test_the_fingerprint_is_of_the_model_too(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "words.dict").write_text("one W AH N\n")
        prints = [self.transcribe.fingerprint, pocketsphinx.load().fingerprint]
        with mock.patch.object(pocketsphinx.pocketsphinx, "get_model_path", lambda: str(folder)):
            for content in ("one W AH N\n", "two T UW\n"):
                (folder / "words.dict").write_text(content)
                prints.append(pocketsphinx.load().fingerprint)
        self.assertEqual(prints[0], prints[1])
        self.assertLen(set(prints), 3)
        self.assertStartsWith(prints[0], f"{importlib.metadata.version('pocketsphinx')} ")

    def test_hears_the_demo(self):
        errors = [
            metrics.word_errors(text, self.transcribe(waveform))
            for text, waveform in zip(self.texts, self.waveforms, strict=True)
        ]
        self.assertLess(metrics.pooled_rate(errors), 0.3)

    def test_same_waveform_same_transcript_after_anything(self):
        def words_and_score(waveform):
            transcript = self.transcribe(waveform)
            return transcript, self.transcribe._decoder.hyp().score  # moves before words do

        expected = words_and_score(self.snippets[1])
        noise = 0.3 * np.random.default_rng(0).standard_normal(8000)
        for before in (noise, np.zeros(800), np.zeros(0), np.full(3, 0.5), self.snippets[2]):
            self.transcribe(before.astype(np.float32))
            self.assertEqual(words_and_score(self.snippets[1]), expected)
        fresh = pocketsphinx.PocketSphinxTranscriber()
        self.assertEqual(fresh(self.snippets[1]), expected[0])
        self.assertEqual(fresh._decoder.hyp().score, expected[1])

    def test_silence_is_empty(self):
        for num_samples in (0, 1, 400, 16000):
            self.assertEqual(self.transcribe(np.zeros(num_samples, np.float32)), "")
        self.assertIsInstance(self.transcribe(np.full(5, 0.1, np.float32)), str)

    def test_loud_waveforms_are_clipped_not_wrapped(self):
        square = np.where(self.waveforms[0][:4800] < 0, -1.0, 1.0).astype(np.float32)
        self.assertEqual(self.transcribe(3 * square), self.transcribe(square))

    def test_bad_waveforms(self):
        with self.assertRaisesRegex(ValueError, "expected .samples."):
            self.transcribe(np.zeros((2, 100), np.float32))
        with self.assertRaisesRegex(ValueError, "NaN"):
            self.transcribe(np.array([0.0, np.nan], np.float32))

    def test_transcribe_all_keeps_order_and_faults(self):
        bad = np.array([np.inf], np.float32)
        waveforms = [self.snippets[0], bad, self.snippets[1], np.zeros(9, np.float32)]
        for num_processes in (1, 2):
            with self.subTest(num_processes=num_processes):
                results = list(
                    self.transcribe.transcribe_all(iter(waveforms), num_processes=num_processes)
                )
                self.assertEqual(results[0], self.transcripts[0])
                self.assertIsInstance(results[1], ValueError)
                self.assertIn("NaN", str(results[1]))
                self.assertEqual(results[2:], [self.transcripts[1], ""])

    def test_transcribe_all_is_lazy_and_may_be_left(self):
        taken = []

        def waveforms():
            for number in range(100):
                taken.append(number)
                yield np.zeros(16, np.float32)

        results = self.transcribe.transcribe_all(waveforms(), num_processes=2)
        self.assertEqual(next(results), "")
        self.assertLess(len(taken), 20)
        results.close()

    def test_processes_are_kept_and_end_with_the_recogniser(self):
        transcriber = pocketsphinx.PocketSphinxTranscriber()
        silence = [np.zeros(16, np.float32)] * 4
        children = []
        for _ in range(2):
            self.assertEqual(list(transcriber.transcribe_all(silence, num_processes=1)), [""] * 4)
            self.assertEqual(list(transcriber.transcribe_all(silence, num_processes=2)), [""] * 4)
            workers = list(transcriber._processes._idle)
            children.append({worker._process for worker in workers})
        self.assertNotEmpty(children[0])
        self.assertContainsSubset(children[0], children[1])
        self.assertLessEqual(len(children[1]), 2)
        del transcriber, workers
        for process in children[1]:
            self.assertIsNotNone(process.wait(timeout=120))

    def test_the_longest_of_what_is_there_is_begun_first(self):
        lengths = [8000, 100, 16000, 12000]
        begun = []

        class Slow(processes.Worker):
            def __call__(self, waveform):
                while len(begun) == 0 and len(pulled) < len(lengths):
                    time.sleep(0.001)  # all are there before the second is chosen
                begun.append(len(waveform))
                return str(len(waveform))

        pulled = []

        def waveforms():
            for length in lengths:
                pulled.append(length)
                yield np.zeros(length, np.float32)

        with mock.patch.object(processes, "Worker", Slow):
            heard = list(processes.Processes("pass").map(waveforms(), 1))
        self.assertEqual(heard, [str(length) for length in lengths])
        self.assertEqual(begun, [8000, 16000, 12000, 100])

    def test_fault_of_the_source_comes_through(self):
        def waveforms():
            yield np.zeros(16, np.float32)
            raise KeyError("source")

        with self.assertRaisesRegex(KeyError, "source"):
            list(self.transcribe.transcribe_all(waveforms(), num_processes=2))
        with self.assertRaisesRegex(ValueError, "at least 1"):
            self.transcribe.transcribe_all([], num_processes=0)
        self.assertEqual(list(self.transcribe.transcribe_all([], num_processes=2)), [])

    def test_a_process_that_dies_costs_one_result(self):
        worker = processes.Worker("from vggish_inversion.asr import pocketsphinx as p; p.serve()")
        silence = np.zeros(16, np.float32)
        self.assertEqual(worker(silence), "")
        process = worker._process
        assert process is not None
        process.kill()
        process.wait()
        self.assertIsInstance(worker(silence), asr.TranscriptionError)
        self.assertEqual(worker(silence), "")
        self.assertEqual(worker.close(), 0)

    def test_unknown_name(self):
        with self.assertRaisesRegex(ValueError, "no recogniser 'sphinx': .* pocketsphinx"):
            asr.load_transcriber("sphinx")

    def test_import_leaves_tensorflow_alone(self):
        code = (
            "import sys, vggish_inversion.asr.pocketsphinx; sys.exit('tensorflow' in sys.modules)"
        )
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)


if __name__ == "__main__":
    tf.test.main()
