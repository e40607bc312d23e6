"""Wav2Vec2 on small models of the published structure: batches, masks, CTC, and what is missing."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from tests import networks, speech
from tests.asr import wav2vec2_folder
from vggish_inversion import asr
from vggish_inversion.asr import wav2vec2, wav2vec2_network


class Wav2Vec2Test(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        wav2vec2_network.import_transformers()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.models = {
            masked: wav2vec2_folder.write_model(cls.folder / f"masked-{masked}", masked=masked)
            for masked in (False, True)
        }
        cls.transcribers = {
            masked: wav2vec2.Wav2Vec2Transcriber(str(model)) for masked, model in cls.models.items()
        }
        clip = speech.read_clip()
        # Two of one length, then lengths that are no multiples of anything.
        spans = [(0, 16000), (9000, 25000), (5000, 17345), (20000, 29991), (0, 33333)]
        cls.waveforms = [clip[start:stop] for start, stop in spans]

    @parameterized.parameters(False, True)
    def test_batched_equals_single(self, masked):
        transcriber = self.transcribers[masked]
        single = [transcriber(waveform) for waveform in self.waveforms]
        self.assertLen(set(single), len(single))
        self.assertGreater(min(map(len, single)), 1)
        self.assertEqual(list(transcriber.transcribe_all(iter(self.waveforms))), single)
        tight = wav2vec2.Wav2Vec2Transcriber(str(self.models[masked]), max_batch_seconds=2.5)
        self.assertEqual(list(tight.transcribe_all(self.waveforms[::-1])), single[::-1])

    @parameterized.parameters(False, True)
    def test_equals_the_library_on_one_waveform(self, masked):
        """Logits of the library's own call, collapsed here by hand."""
        import transformers

        model = self.models[masked]
        network = transformers.TFWav2Vec2ForCTC.from_pretrained(model)
        for waveform in self.waveforms:
            values = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-7)
            ids = np.argmax(network(values[np.newaxis]).logits[0], axis=-1)
            self.assertLen(ids, self.transcribers[masked].num_frames(len(waveform)))
            kept = [now for before, now in zip([-1, *ids], ids, strict=False) if now != before]
            tokens = [wav2vec2_folder.VOCABULARY[index] for index in kept]
            tokens = [token for token in tokens if not token.startswith("<")]
            expected = " ".join("".join(tokens).replace("|", " ").lower().split())
            heard = " ".join(self.transcribers[masked](waveform).split())
            self.assertEqual(heard, expected)

    def test_the_mask_hides_the_padding(self):
        transcriber = self.transcribers[True]
        values = np.zeros((2, 33333), np.float32)
        mask = np.zeros(values.shape, np.int32)
        for row, waveform in enumerate(self.waveforms[3:]):
            values[row, : len(waveform)], mask[row, : len(waveform)] = waveform, 1
        network = transcriber._network
        both = network(values, attention_mask=mask).logits
        for row, waveform in enumerate(self.waveforms[3:]):
            ones = np.ones((1, len(waveform)), np.int32)
            alone = network(waveform[np.newaxis], attention_mask=ones).logits[0]
            self.assertAllClose(both[row, : len(alone)], alone, atol=1e-4)

    def test_one_trace_serves_all_lengths(self):
        for transcriber in self.transcribers.values():
            list(transcriber.transcribe_all(self.waveforms))
            self.assertEqual(transcriber._predict.experimental_get_tracing_count(), 1)

    def test_greedy_collapse(self):
        number = {token: index for index, token in enumerate(wav2vec2_folder.VOCABULARY)}
        table = {
            "": "",
            "_ _": "",
            "H H _ I": "hi",
            "B E _ E E": "bee",
            "A | | B": "a b",
            "A | _ | B": "a  b",  # as the tokenizer has it; scoring joins the spaces
            "_ D O N ' _ T T _": "don't",
        }
        for frames, text in table.items():
            ids = [number["<pad>" if token == "_" else token] for token in frames.split()]
            self.assertEqual(self.transcribers[False].decode(ids).split(), text.split(), frames)

    @parameterized.parameters(False, True)
    def test_faults_stay_with_their_waveform(self, masked):
        transcriber = self.transcribers[masked]
        good = self.waveforms[0]
        bad = [np.full(16000, np.nan, np.float32), np.zeros((2, 16000), np.float32)]
        silent = [np.zeros(0), np.zeros(16000), np.full(399, 0.1)]
        results = list(transcriber.transcribe_all([good, *bad, *silent, good]))
        self.assertEqual(results[0], results[-1])
        self.assertIn("NaN", str(results[1]))
        self.assertIn("expected [samples]", str(results[2]))
        self.assertEqual(results[3:6], ["", "", ""])
        with self.assertRaisesRegex(ValueError, "NaN"):
            transcriber(bad[0])

    def test_a_batch_that_fails_is_tried_one_by_one(self):
        transcriber = self.transcribers[True]
        expected = list(transcriber.transcribe_all(self.waveforms[:-1]))
        predict = transcriber._predict

        def limited(values, mask):  # an accelerator with little memory
            if values.size > 30000:
                raise tf.errors.ResourceExhaustedError(None, None, "out of memory\nand pages more")
            return predict(values, mask)

        with mock.patch.object(transcriber, "_predict", limited):
            results = list(transcriber.transcribe_all(self.waveforms))
        self.assertEqual(results[:-1], expected)
        self.assertIsInstance(results[-1], asr.TranscriptionError)
        self.assertEqual(str(results[-1]), "Wav2Vec2 gave up: out of memory")

    def test_transcribe_all_is_lazy(self):
        taken = []

        def waveforms():
            for number in range(1000):
                taken.append(number)
                yield np.zeros(16, np.float32)

        next(self.transcribers[False].transcribe_all(waveforms()))
        self.assertLess(len(taken), 100)

    def test_weights_in_pytorchs_layout(self):
        self._check_pytorchs_layout(masked=True)

    @pytest.mark.slow
    def test_weights_in_pytorchs_layout_of_a_network_without_mask(self):
        self._check_pytorchs_layout(masked=False)

    def _check_pytorchs_layout(self, *, masked):
        model = wav2vec2_folder.write_model(
            self.folder / f"pytorch-{masked}", masked=masked, weights="model.safetensors"
        )
        transcriber = wav2vec2.Wav2Vec2Transcriber(str(model))
        for waveform in self.waveforms:
            self.assertEqual(transcriber(waveform), self.transcribers[masked](waveform))

    def test_mixed_precision_is_near(self):
        self._check_precision(True, "mixed_float16")

    @pytest.mark.slow
    def test_every_mixed_precision_is_near(self):
        for case in ((True, "mixed_bfloat16"), (False, "mixed_float16"), (False, "mixed_bfloat16")):
            self._check_precision(*case)

    def _check_precision(self, masked, precision):
        model = str(self.models[masked])
        transcriber = asr.load_transcriber("wav2vec2", model=model, precision=precision)
        self.assertEqual(transcriber.name, f"wav2vec2:masked-{masked}+{precision}")
        values = self.waveforms[2][np.newaxis] * 8
        mask = np.ones(values.shape, np.int32) if masked else None
        half = transcriber._network(values, attention_mask=mask).logits
        self.assertEqual(half.dtype.size, 2)
        full = self.transcribers[masked]._network(values, attention_mask=mask).logits
        self.assertEqual(full.dtype, tf.float32)
        half, full = np.asarray(half, np.float32), np.asarray(full)
        self.assertLess(np.abs(half - full).mean(), 0.05 * np.abs(full).mean())
        self.assertIsInstance(transcriber(self.waveforms[0]), str)

    def test_the_name_tells_the_model_and_not_where_it_lies(self):
        self.assertEqual(self.transcribers[True].name, "wav2vec2:masked-True")
        self.assertNotEqual(*(item.fingerprint for item in self.transcribers.values()))

    def test_the_fingerprint_is_of_every_file_that_is_read(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "model"
        shutil.copytree(self.models[True], folder)
        files = wav2vec2._FILES
        before = files.digests(folder)
        self.assertContainsSubset(files.required, before)
        for name in before:
            with open(folder / name, "ab") as file:
                file.write(b" ")
            after = files.digests(folder)
            self.assertEqual({key for key in before if before[key] != after[key]}, {name})
            before = after

    def test_keras_3_stays_what_it_was(self):
        self.assertNotIn("TF_USE_LEGACY_KERAS", os.environ)
        self.assertEqual(keras.mixed_precision.dtype_policy().name, "float32")
        patches = np.zeros((1, 96, 64), np.float32)
        self.assertEqual(networks.small_cnn()(patches).shape, (1, 3))

    def test_no_network_and_no_folder(self):
        """In a process of its own, with an empty cache, and a hub that does not answer."""
        code = "from vggish_inversion import asr; asr.load_transcriber('wav2vec2')"
        quiet = {"HF_HOME": str(self.folder / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}
        processes = [  # at one time: the second waits for a hub more than it works
            subprocess.Popen(
                [sys.executable, "-c", code],
                env={**os.environ, **quiet, **fault, "PYTHONPATH": os.pathsep.join(sys.path)},
                stderr=subprocess.PIPE,
                text=True,
            )
            for fault in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"})
        ]
        for process in processes:
            # it ends by itself; the hub's own tries would go on for ever
            error = process.communicate(timeout=600)[1].strip().splitlines()[-1]
            self.assertStartsWith(error, "ValueError: the Wav2Vec2 model facebook/wav2vec2-base")
            for part in ("vocab.json", "tf_model.h5", "https://huggingface.co/", "--asr_model="):
                self.assertIn(part, error)

    def test_folders_that_lack_something(self):
        empty = self.folder / "empty"
        empty.mkdir()
        with self.assertRaisesRegex(ValueError, "lacks config.json, .* tf_model.h5 or"):
            wav2vec2.Wav2Vec2Transcriber(str(empty))
        broken = wav2vec2_folder.write_model(self.folder / "broken", masked=False)
        (broken / "tf_model.h5").write_bytes(b"no weights")
        with self.assertRaisesRegex(ValueError, "cannot be read as a Wav2Vec2 model"):
            wav2vec2.Wav2Vec2Transcriber(str(broken))
        headless = wav2vec2_folder.write_model(self.folder / "bare", masked=False, head=False)
        with self.assertRaisesRegex(ValueError, "lm_head.*only pre-trained"):
            wav2vec2.Wav2Vec2Transcriber(str(headless))
        with self.assertRaisesRegex(ValueError, "no precision 'half': expected one of float32"):
            asr.load_transcriber("wav2vec2", precision="half")


if __name__ == "__main__":
    tf.test.main()
