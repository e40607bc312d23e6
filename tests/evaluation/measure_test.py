"""Every utterance has its row, whatever happens, and the summary is what the rows say."""

import csv
import json
import pathlib
import shutil
import tempfile

import jiwer
import numpy as np
import soundfile
import tensorflow as tf

from tests import speech
from vggish_inversion import audio, evaluation, results
from vggish_inversion.data import corpora
from vggish_inversion.files import hub
from vggish_inversion.inverters import search
from vggish_inversion.targets import loading

_TARGET = "small_encoder/speech_commands"


def _read(path: pathlib.Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class EvaluationTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = loading.load_target(_TARGET)
        runs = search.find_runs(hub.models_dir(), cls.target, layers=["layer_0", "layer_6"])
        cls.runs = [item for item in runs if item.preset == "paper"]
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        text = cls.folder / "text.wav"
        text.write_text("no audio at all")
        *spoken, last = speech.begin(cls.folder, 3)
        cls.utterances = [
            *spoken,
            corpora.Utterance("broken", text, "some words"),
            corpora.Utterance("untold", last.path),
        ]
        cls.results = cls.folder / "results"
        cls.rows = cls._evaluate(cls.results)

    @classmethod
    def _evaluate(cls, folder, *, shard=None):
        return evaluation.evaluate_runs(
            cls.utterances,
            cls.target,
            cls.runs,
            shard=shard,
            output_dir=folder,
            settings={"data_dir": ["demo_speech"], "split": "all"},
        )

    def _condition(self, layer):
        return {row["utterance"]: row for row in self.rows if row["layer"] == layer}

    def test_a_row_for_each(self):
        rows = _read(self.results / "results.csv")
        self.assertLen(rows, 4 * len(self.utterances))
        self.assertEqual(tuple(rows[0]), results.RESULT_COLUMNS)
        layers = {row["layer"] for row in rows}
        self.assertEqual(layers, {"natural", "true_log_mel", "layer_0", "layer_6"})

    def test_a_failure_is_a_row_with_its_reason(self):
        for layer in ("natural", "true_log_mel", "layer_0", "layer_6"):
            row = self._condition(layer)["broken"]
            self.assertIn("text.wav", row["status"])
            self.assertEqual((row["num_utterances"], row["wer"]), ("0", ""))

    def test_errors_are_those_of_the_transcripts(self):
        spoken = [item.id for item in self.utterances[:2]]
        for row in (self._condition("layer_0")[name] for name in spoken):
            words = jiwer.process_words(row["reference"].lower().rstrip("."), row["transcript"])
            self.assertEqual(int(row["substitutions"]), words.substitutions)
            self.assertEqual(int(row["insertions"]), words.insertions)
            self.assertAllClose(float(row["wer"]), words.wer, atol=1e-6)

    def test_without_a_text_there_is_no_wer(self):
        row = self._condition("true_log_mel")["untold"]
        self.assertEqual((row["wer"], row["num_words"], row["status"]), ("", "", "ok"))
        self.assertGreater(float(row["stoi"]), 0.6)

    def test_the_summary_pools_errors_over_words(self):
        summary = {row["layer"]: row for row in _read(self.results / "summary.csv")}
        self.assertEqual(list(summary), ["natural", "true_log_mel", "layer_0", "layer_6"])
        self.assertEqual(tuple(summary["natural"]), results.SUMMARY_COLUMNS)
        for layer, entry in summary.items():
            rows = [row for row in self._condition(layer).values() if row["num_words"]]
            errors = sum(
                int(row[kind])
                for row in rows
                for kind in ("substitutions", "deletions", "insertions")
            )
            num_words = sum(int(row["num_words"]) for row in rows)
            self.assertAllClose(float(entry["wer"]), errors / num_words, atol=1e-4)
            self.assertEqual(entry["num_utterances"], "3")
            self.assertLessEqual(float(entry["wer_low"]), float(entry["wer"]))
            self.assertGreaterEqual(float(entry["wer_high"]), float(entry["wer"]))

    def test_what_survives_falls_with_depth(self):
        summary = {row["layer"]: row for row in _read(self.results / "summary.csv")}
        self.assertAllClose(float(summary["natural"]["stoi"]), 1.0, atol=1e-6)
        self.assertEqual(float(summary["natural"]["log_mel_l1"]), 0.0)
        stoi = [float(summary[layer]["stoi"]) for layer in ("true_log_mel", "layer_0", "layer_6")]
        self.assertGreater(stoi[0], 0.75)
        self.assertGreater(stoi[1], stoi[0] - 0.05)
        self.assertLess(stoi[2], stoi[1] - 0.2)

    def test_audio_and_log_mel_lie_where_they_should(self):
        natural = audio.read_audio(self.utterances[0].path)
        name = self.utterances[0].id
        folders = ("natural", "true_log_mel", "layer_0/paper-l1", "layer_6/paper-l1")
        for folder in folders:
            waveform, rate = soundfile.read(self.results / "audio" / folder / f"{name}.wav")
            self.assertEqual((len(waveform), rate), (len(natural), 16000))
        for folder in folders[1:]:
            log_mel = np.load(self.results / "log_mel" / folder / f"{name}.npy")
            self.assertEqual(log_mel.shape, (self.target.log_mel.num_frames(len(natural)), 64))

    def test_goes_on_where_it_was_killed(self):
        folder = self.folder / "killed"
        shutil.copytree(self.results, folder)
        lines = (folder / "results.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / "results.csv").write_text("".join(lines[:5]) + lines[5][:30], encoding="utf-8")
        rows = self._evaluate(folder)
        self.assertEqual(rows, self.rows)
        self.assertEqual(_read(folder / "results.csv"), self.rows)
        self.assertEqual(_read(folder / "summary.csv"), _read(self.results / "summary.csv"))

    def test_stages_are_timed(self):
        seconds = json.loads((self.results / "run.json").read_text())["seconds"]
        stages = {"loading", "reading", "inverting", "vocoding", "scoring", "writing"}
        self.assertContainsSubset(stages | {"recognising", "comparing", "total"}, seconds)
        parts = sum(value for name, value in seconds.items() if name != "total")
        self.assertAllClose(parts, seconds["total"], atol=0.02)
        self.assertGreater(min(seconds.values()), -0.01)

    def test_differences_are_compared(self):
        rows = _read(self.results / "comparisons.csv")
        self.assertEqual(tuple(rows[0]), results.COMPARISON_COLUMNS)
        kinds = [(row["comparison"], row["layer_a"], row["layer_b"]) for row in rows]
        expected = [("layer", "layer_0", "layer_6")]
        expected += [("true_log_mel", layer, "true_log_mel") for layer in ("layer_0", "layer_6")]
        self.assertEqual(kinds, expected)
        summary = {row["layer"]: row for row in _read(self.results / "summary.csv")}
        for row in rows:
            self.assertEqual(row["num_utterances"], "2")
            for side in "ab":
                self.assertEqual(row[f"wer_{side}"], summary[row[f"layer_{side}"]]["wer"])
            difference = float(row["wer_a"]) - float(row["wer_b"])
            self.assertAllClose(float(row["difference"]), difference, atol=2e-4)

    def test_optional_columns_come_last(self):
        first = ("target", "layer", "preset", "loss", "vocoder", "asr", "num_utterances", "wer")
        first += ("wer_low", "wer_high", "cer", "stoi", "estoi", "log_mel_l1")
        self.assertEqual(results.SUMMARY_COLUMNS[: len(first)], first)
        self.assertEqual(results.RESULT_COLUMNS[: len(first)], first)
        summary = {row["layer"]: row for row in _read(self.results / "summary.csv")}
        values = [float(summary[layer]["spectral_convergence"]) for layer in summary]
        self.assertEqual(values, sorted(values))
        self.assertEqual({row["pesq"] for row in summary.values()}, {""})

    def test_shards_merge_into_the_whole(self):
        folder = self.folder / "shards"
        for index in (1, 2):
            shard = evaluation.Shard(index, 2)
            self._evaluate(folder / shard.folder, shard=shard)
        merged = self.folder / "merged"
        self.assertEqual(evaluation.merge_results([folder], merged), self.rows)
        for name in ("results.csv", "summary.csv", "comparisons.csv"):
            self.assertEqual(_read(merged / name), _read(self.results / name))
        for kind in ("audio", "log_mel"):
            names = [
                {path.relative_to(root) for path in (root / kind).rglob("*.*")}
                for root in (merged, self.results)
            ]
            self.assertEqual(*names)
        one, two = sorted(folder.iterdir())
        with self.assertRaisesRegex(ValueError, "shard.s. 2 of 2 are missing"):
            evaluation.merge_results([one], self.folder / "no")
        with self.assertRaisesRegex(ValueError, "shard.s. 1 of 2 are there twice"):
            evaluation.merge_results([one, one, two], self.folder / "no")
        with self.assertRaisesRegex(ValueError, "is no shard; expected results of .*--shard"):
            evaluation.merge_results([self.results], self.folder / "no")
        with self.assertRaisesRegex(ValueError, "holds results already"):
            evaluation.merge_results([folder], merged)
        with self.assertRaisesRegex(ValueError, "no results folders were named"):
            evaluation.merge_results([], self.folder / "no")
        with self.assertRaisesRegex(ValueError, "no results in"):
            evaluation.merge_results([self.folder / "absent"], self.folder / "no")
        self._edit(two, split="test")
        with self.assertRaisesRegex(ValueError, "not of one evaluation .different: split"):
            evaluation.merge_results([one, two], self.folder / "no")
        self._edit(two, split="all")
        lines = (two / "results.csv").read_text().splitlines(keepends=True)
        (two / "results.csv").write_text("".join(lines[:-1]))
        with self.assertRaisesRegex(ValueError, "is unfinished: 7 of 8 rows"):
            evaluation.merge_results([one, two], self.folder / "no")
        self.assertFalse((self.folder / "no").exists())

    def _edit(self, folder, **changes):
        settings = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(settings | changes))

    def test_a_shard_is_index_of_count(self):
        for text in ("0/3", "4/3", "3", "a/b", "1/0", "-1/2"):
            with self.assertRaisesRegex(ValueError, "expected INDEX/COUNT"):
                evaluation.Shard.parse(text)
        parts = [evaluation.Shard(index, 3).of(range(11)) for index in (1, 2, 3)]
        self.assertEqual(sorted(sum(parts, [])), list(range(11)))
        self.assertEqual(evaluation.Shard.parse("3/16").folder, "shard-03-of-16")
        with self.assertRaisesRegex(ValueError, "use fewer shards"):
            self._evaluate(self.folder / "few", shard=evaluation.Shard(9, 9))

    def test_results_of_other_weights_are_not_mixed_in(self):
        folder = self.folder / "mixed"
        folder.mkdir()
        settings = json.loads((self.results / "run.json").read_text())
        settings["inverters"]["layer_0/paper-l1"] = "another"
        (folder / "run.json").write_text(json.dumps(settings))
        with self.assertRaisesRegex(ValueError, "different: inverter layer_0/paper-l1"):
            self._evaluate(folder)

    def test_another_table_is_not_overwritten(self):
        folder = self.folder / "other"
        folder.mkdir()
        (folder / "results.csv").write_text("a,b\n1,2\n")
        with self.assertRaisesRegex(ValueError, "use another output folder"):
            self._evaluate(folder)
        self.assertEqual((folder / "results.csv").read_text(), "a,b\n1,2\n")
