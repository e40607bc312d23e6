"""Tests of the page: numbers, pictures, words, escaping, and folders that are not whole."""

import base64
import hashlib
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys

import matplotlib
import matplotlib.image
import numpy as np
import tensorflow as tf

from tests import script_runner
from tests.report import document, results_folder
from vggish_inversion import report, results

_ROOT = pathlib.Path(__file__).parents[2]


class PageTest(tf.test.TestCase):
    """What a reader of the page gets, read back from its HTML."""

    def setUp(self):
        super().setUp()
        self.folder = results_folder.write_results_folder(pathlib.Path(self.get_temp_dir()))

    def _read(self, **options) -> document.Element:
        return document.parse(report.write_page(self.folder, **options).read_text("utf-8"))

    def _takes(self, page: document.Element, utterance: str) -> dict[str, document.Element]:
        """The rows of one utterance, by layer."""
        for section in page.find_all("section", class_="utterance"):
            if section.find_all("h3")[0].text == utterance:
                takes = section.find_all("li", class_="take")
                return {take.attributes["data-layer"]: take for take in takes}
        raise AssertionError(f"no section for {utterance}")

    def test_writes_index_html_or_the_page_asked_for(self):
        self.assertEqual(report.write_page(self.folder), self.folder / "index.html")
        other = self.folder / "site" / "page.html"
        self.assertEqual(report.write_page(self.folder, other, title="A & B"), other)
        page = document.parse(other.read_text("utf-8"))
        self.assertEqual([page.find_all(name)[0].text for name in ("title", "h1")], ["A & B"] * 2)

    def test_table_holds_the_numbers_of_summary_csv(self):
        (table,) = self._read().find_all("table", id_="summary-table")
        rows = table.find_all("tr")[1:]
        natural, true_log_mel, conv4, fc2 = [[cell.text for cell in row.children] for row in rows]
        self.assertEqual(natural[0], "natural reference: the recording")
        self.assertEqual(true_log_mel[0], "true log-mel reference: its log-mel, vocoded")
        self.assertEqual(
            natural[1:],
            ["3", "10.0 0.0 to 25.0", "4.0", "1.000 1.000 to 1.000", "1.000", "0.000", "1.000"],
        )
        self.assertEqual(
            true_log_mel[1:], ["3", "12.5 5.0 to 27.5", "5.1", "0.913", "0.841", "0.302", "–"]
        )
        self.assertEqual(
            conv4[1:],
            ["3", "52.2 40.4 to 64.9", "33.3", "0.751 0.701 to 0.800", "0.650", "0.614", "0.812"],
        )
        self.assertEqual(
            fc2,
            ["fc2", "2", "133.3 110.0 to 151.2", "87.6", "0.284", "0.150", "1.381", "0.300"],
        )
        exact = [float(x.attributes["value"]) for x in rows[2].find_all("data")]
        self.assertEqual(
            exact, [0.5217, 0.4035, 0.6489, 0.3333, 0.7511, 0.7011, 0.7999, 0.6502, 0.6144, 0.8123]
        )
        headings = [cell.text for cell in table.find_all("thead")[0].find_all("th")]
        expected = ["Layer", "n", "WER %", "CER %", "STOI", "ESTOI", "log-mel L1", "speaker cos."]
        self.assertEqual(headings, expected)

    def test_references_are_marked_and_layers_stay_in_order(self):
        page = self._read()
        (table,) = page.find_all("table", id_="summary-table")
        rows = table.find_all("tr")[1:]
        self.assertEqual(
            [(row.attributes["data-layer"], row.attributes.get("class")) for row in rows],
            [
                ("natural", "reference"),
                ("true_log_mel", "reference"),
                ("conv4", None),
                ("fc2", None),
            ],
        )
        order = ["natural", "true_log_mel", "conv4", "fc2"]
        self.assertEqual(list(self._takes(page, "tone-low")), order)

    def test_finding_states_the_summary(self):
        finding = self._read().find_all("p", class_="finding")[0].text
        self.assertIn("From conv4 to fc2", finding)
        told = ("52.2 % (40.4 to 64.9)", "133.3 %", "12.5 % (5.0 to 27.5)", "10.0 %")
        for words in (*told, "n = 2 to 3 utterances"):
            self.assertIn(words, finding)

    def test_scores_that_were_not_measured_are_dashes(self):
        rows = results_folder.read_table(self.folder / "summary.csv")
        rows[2] |= {"wer": "", "wer_low": "", "wer_high": "", "stoi": "nan"}
        columns = results_folder.SUMMARY_COLUMNS
        results_folder.write_table(self.folder / "summary.csv", columns, rows)
        (table,) = self._read().find_all("table", id_="summary-table")
        cells = [cell.text for cell in table.find_all("tr")[3].children]
        self.assertEqual(cells, ["conv4", "3", "–", "33.3", "–", "0.650", "0.614", "0.812"])

    def test_curves_describe_every_point_and_floor(self):
        figures = {x.attributes["data-measure"]: x for x in self._read().find_all("figure")}
        fields = ["wer", "stoi", "cer", "estoi", "log_mel_l1", "speaker_similarity"]
        self.assertEqual(list(figures), fields)
        told = {name: item.find_all("desc")[0].text for name, item in figures.items()}
        self.assertEqual(
            told["wer"],
            "reconstructed: conv4 52.2 (40.4 to 64.9), n = 3; fc2 133.3 (110.0 to 151.2), n = 2. "
            "natural 10.0 (0.0 to 25.0). true log-mel 12.5 (5.0 to 27.5).",
        )
        self.assertEqual(
            told["stoi"],
            "reconstructed: conv4 0.751 (0.701 to 0.800), n = 3; fc2 0.284, n = 2. "
            "natural 1.000 (1.000 to 1.000). true log-mel 0.913.",
        )
        self.assertEqual(
            told["speaker_similarity"],
            "reconstructed: conv4 0.812, n = 3; fc2 0.300, n = 2. "
            "same speaker, n = 7 pairs of recordings: 0.910 (0.880 to 0.950). "
            "other speaker, n = 14 pairs of recordings: 0.420.",
        )

    def test_no_figure_without_its_number_and_interval(self):
        notes = {
            figure.attributes["data-measure"]: figure.find_all("small")[0].text
            for figure in self._read().find_all("figure")
        }
        with_interval = "n = 2 to 3 utterances; bars and brackets: 95 % intervals"
        self.assertEqual(notes["wer"], with_interval)
        self.assertEqual(notes["stoi"], with_interval)
        self.assertEqual(notes["cer"], "n = 2 to 3 utterances; summary.csv has no intervals")

    def test_paired_tests_are_shown(self):
        page = self._read()
        (table,) = page.find_all("table", id_="differences-table")
        rows = [[x.text for x in row.children] for row in table.find_all("tr")]
        self.assertEqual(
            rows[1:],
            [
                ["Neighbouring layers"],
                ["conv4 vs fc2", "2", "−81.1 −110.0 to −50.0", "< 0.001", "< 0.001"],
                ["Against the true log-mel"],
                ["conv4 vs true log-mel", "3", "+39.7 −1.0 to 80.0", "0.200", "0.200"],
            ],
        )
        clear = [row.children[0].text for row in table.find_all("tr", class_="clear")]
        self.assertEqual(clear, ["conv4 vs fc2"])
        (self.folder / "comparisons.csv").unlink()
        self.assertEmpty(self._read().find_all("section", id_="differences"))

    def test_a_difference_is_clear_by_its_adjusted_p(self):
        first, second = results_folder.COMPARISONS
        rows = [first | {"p_value": "0.03", "p_adjusted": "0.06"}, second | {"p_adjusted": "0.04"}]
        columns = results_folder.COMPARISON_COLUMNS
        results_folder.write_table(self.folder / "comparisons.csv", columns, rows)
        page = self._read()
        (table,) = page.find_all("table", id_="differences-table")
        clear = [row.children[0].text for row in table.find_all("tr", class_="clear")]
        self.assertEqual(clear, ["conv4 vs true log-mel"])
        self.assertIn("1 of 2 differences are clear", page.text)

    def test_numbers_for_programs(self):
        page = self._read()
        links = {link.text: link for link in page.find_all("a") if "download" in link.attributes}
        self.assertCountEqual(links, ["summary.csv", "results.csv", "comparisons.csv", "run.json"])
        for name, link in links.items():
            kind = "application/json" if name.endswith("json") else "text/csv"
            contents = (self.folder / name).read_bytes()
            self.assertEqual(_decode(link.attributes["href"], kind), contents)
        numbers = json.loads((self.folder / "index.json").read_text("utf-8"))
        self.assertEqual(numbers["title"], page.find_all("h1")[0].text)
        conv4 = numbers["summary"][2]
        self.assertEqual(conv4["condition"]["layer"], "conv4")
        self.assertEqual(conv4["scores"]["stoi"], {"value": 0.7511, "low": 0.7011, "high": 0.7999})
        self.assertEqual(numbers["comparisons"][1]["difference"]["value"], 0.3967)
        self.assertLen(numbers["utterances"], 12)
        self.assertEqual(numbers["run"]["seed"], 7)

    def test_long_names_may_break(self):
        report.write_page(self.folder, title="a/b_c")
        text = (self.folder / "index.html").read_text("utf-8")
        self.assertEqual(re.findall("<h1>.*</h1>", text), ["<h1>a/<wbr>b_<wbr>c</h1>"])

    def test_curve_points_stand_where_the_ticks_say(self):
        chart = self._read().find_all("svg", class_="chart")[0]
        ticks = {
            float(text.text): float(text.attributes["y"])
            for text in chart.find_all("text")
            if text.attributes.get("class") == "tick"
        }
        lowest, highest = min(ticks), max(ticks)
        markers = chart.find_all("path", class_="marker")
        heights = [
            float(re.findall(r"[-\d.]+", marker.attributes["transform"])[1]) for marker in markers
        ]
        # a label's baseline is a little below its tick
        expected = np.interp(
            [52.17, 133.3], [lowest, highest], [ticks[lowest] - 4, ticks[highest] - 4]
        )
        self.assertAllClose(heights, expected, atol=0.2)

    def test_variants_of_one_layer_are_told_apart(self):
        for name, columns in (
            ("summary.csv", results_folder.SUMMARY_COLUMNS),
            ("results.csv", results_folder.RESULT_COLUMNS),
        ):
            rows = results_folder.read_table(self.folder / name)
            rows += [row | {"preset": "paper"} for row in rows if row["layer"] == "conv4"]
            results_folder.write_table(self.folder / name, columns, rows)
        for kind in ("audio", "log_mel"):
            layer_folder = self.folder / kind / "conv4"
            shutil.copytree(layer_folder / "large-l1", layer_folder / "paper-l1")
        page = self._read()
        (table,) = page.find_all("table", id_="summary-table")
        names = [row.find_all("th")[0].text for row in table.find_all("tr")[1:]]
        self.assertEqual(names[2:], ["conv4 · large", "fc2 · large", "conv4 · paper"])
        self.assertLen(page.find_all("audio"), 3 * 5 - 1)

    def test_every_clip_is_embedded_as_it_was_written(self):
        takes = self._takes(self._read(), "tone-low")
        for layer, take in takes.items():
            (audio,) = take.find_all("audio")
            contents = _decode(audio.attributes["src"], "audio/wav")
            path = self.folder / "audio" / results_folder.place_of(layer) / "tone-low.wav"
            self.assertEqual(contents, path.read_bytes())
            self.assertEqual(audio.attributes["data-seconds"], "1.5000")

    def test_spectrogram_has_a_pixel_per_value_and_frequency_upwards(self):
        for layer, take in self._takes(self._read(), "tone-high").items():
            (image,) = take.find_all("img")
            png = _decode(image.attributes["src"], "image/png")
            pixels = matplotlib.image.imread(io.BytesIO(png))[..., :3]
            self.assertEqual(pixels.shape, (64, 98, 3), layer)
            brightness = pixels.sum(axis=-1)
            # tone-high is the second utterance: its loud band is 20 of 64, counted from below
            self.assertAllEqual(brightness.argmax(axis=0), np.full(98, 63 - 20))
            self.assertIn("tone-high", image.attributes["alt"])
        # the scale runs from the quietest to the loudest value of the recordings: -4 to 2
        colors = matplotlib.colormaps["magma"]([0.0, 1.0])[:, :3]
        self.assertAllClose(pixels[0, 0], colors[0], atol=0.01)
        self.assertAllClose(pixels[63 - 20, 50], colors[1], atol=0.01)

    def test_word_errors_are_marked(self):
        takes = self._takes(self._read(), "tone-low")
        (transcript,) = takes["conv4"].find_all("p", class_="transcript")
        self.assertEqual(
            transcript.text, "the bat instead of cat sat missing: on the mat inserted: now"
        )
        kinds = [word.attributes["class"] for word in transcript.children if word != " "]
        self.assertEqual(
            kinds,
            [
                *("word", "word substitute", "word", "word delete"),
                *("word", "word", "word insert"),
            ],
        )
        self.assertEqual(
            takes["conv4"].find_all("p", class_="counts")[0].text,
            "6 words: 1 substituted, 1 missing, 1 inserted",
        )
        self.assertIn("Nothing was recognised.", takes["fc2"].text)
        self.assertLen(takes["fc2"].find_all("del", class_="delete"), 6)

    def test_words_are_compared_under_the_rules_that_they_were_scored_under(self):
        rows = results_folder.read_table(self.folder / "results.csv")
        rows = [row | {"reference": "Die Größe", "transcript": "die große"} for row in rows]
        for rules, marked in (
            (None, ""),  # a folder from before: English
            ("letters:abcdefghijklmnopqrstuvwxyzßäöü", "große instead of größe"),
            ("letters:abcdefghijklmnopqrstuvwxyz", ""),
            ("loud", "Not compared: no rules 'loud'"),
        ):
            columns = (*results_folder.RESULT_COLUMNS, *(["normalization"] if rules else []))
            ruled = [row | {"normalization": rules} if rules else row for row in rows]
            results_folder.write_table(self.folder / "results.csv", columns, ruled)
            text = self._takes(self._read(), "tone-low")["conv4"].text
            self.assertIn(marked, text)
            self.assertEqual("instead of" in text, "instead of" in marked)

    def test_utterance_without_a_text_shows_what_was_heard(self):
        rows = results_folder.read_table(self.folder / "results.csv")
        rows = [row | {"reference": "", "wer": "", "num_words": ""} for row in rows]
        columns = results_folder.RESULT_COLUMNS
        results_folder.write_table(self.folder / "results.csv", columns, rows)
        take = self._takes(self._read(), "tone-low")["natural"]
        self.assertEqual(take.find_all("p", class_="transcript")[0].text, "the cat sat on the mat")
        self.assertEmpty(take.find_all("ins"))

    def test_text_from_outside_stays_text(self):
        markup = results_folder.MARKUP
        rows = results_folder.read_table(self.folder / "results.csv")
        rows[0]["utterance"] = markup
        columns = results_folder.RESULT_COLUMNS
        results_folder.write_table(self.folder / "results.csv", columns, rows)
        (self.folder / "run.json").write_text('{"command": "</pre><script>x</script>"}')
        path = report.write_page(self.folder, title=markup)
        page = document.parse(path.read_text("utf-8"))
        self.assertLen(page.find_all("script"), 1)
        self.assertEmpty(page.find_all("main")[0].find_all("script"))
        self.assertEqual(page.find_all("h1")[0].text, markup)
        self.assertIn(markup, [heading.text for heading in page.find_all("h3")])
        self.assertIn(markup, [text.text for text in page.find_all("p", class_="said-text")])
        self.assertEqual(page.find_all("pre")[0].text, "</pre><script>x</script>")

    def test_page_refers_to_nothing_outside_of_itself(self):
        text = report.write_page(self.folder).read_text("utf-8")
        for address in re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", text):
            self.assertRegex(address, "^(#|data:)")
        self.assertNotRegex(text, r"url\(|@import|fetch\(|https?://")
        script = document.parse(text).find_all("script")[0].children[0]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        self.assertIn(f"script-src 'sha256-{digest}'", text)

    def test_failures_are_shown_with_their_reason(self):
        page = self._read()
        (failures,) = page.find_all("details", class_="failures")
        self.assertIn("1 of 12 reconstructions failed", failures.text)
        self.assertIn(f"tone-short, fc2: {results_folder.FAILURE}", failures.text)
        take = self._takes(page, "tone-short")["fc2"]
        self.assertIn(f"Failed: {results_folder.FAILURE}", take.text)
        self.assertEmpty(take.find_all("audio"))

    def test_missing_and_broken_media_are_said_in_their_cell(self):
        (self.folder / "audio" / "conv4" / "large-l1" / "tone-low.wav").unlink()
        (self.folder / "log_mel" / "conv4" / "large-l1" / "tone-low.npy").unlink()
        (self.folder / "audio" / "fc2" / "large-l1" / "tone-low.wav").write_bytes(b"RIFF")
        (self.folder / "log_mel" / "fc2" / "large-l1" / "tone-low.npy").write_bytes(b"not an array")
        (self.folder / "run.json").unlink()
        page = self._read()
        takes = self._takes(page, "tone-low")
        self.assertIn("No audio in the results folder.", takes["conv4"].text)
        self.assertIn("No log-mel in the results folder.", takes["conv4"].text)
        self.assertIn("Audio unreadable", takes["fc2"].text)
        self.assertIn("Log-mel unreadable", takes["fc2"].text)
        self.assertLen(takes["natural"].find_all("audio"), 1)
        self.assertIn("run.json is missing", page.text)

    def test_utterance_missing_at_a_layer_is_said(self):
        rows = results_folder.read_table(self.folder / "results.csv")
        columns = results_folder.RESULT_COLUMNS
        results_folder.write_table(self.folder / "results.csv", columns, rows[:-5])
        (section, *_) = self._read().find_all("section", class_="utterance")[1:]
        self.assertIn("fc2 Not evaluated", section.text)

    def test_large_folders_keep_their_words_and_say_what_is_left_out(self):
        page = self._read(max_media_megabytes=0.2)
        self.assertIn("the first 1 of 3 utterances can be heard", page.text)
        self.assertLen(page.find_all("audio"), 4)
        self.assertIn("a instead of the", self._takes(page, "tone-short")["true_log_mel"].text)

    def test_utterance_id_cannot_name_a_file_elsewhere(self):
        secret = self.folder / "secret.wav"
        secret.write_bytes((self.folder / "audio/natural/tone-low.wav").read_bytes())
        rows = results_folder.read_table(self.folder / "results.csv")
        rows[0]["utterance"] = "../../secret"
        columns = results_folder.RESULT_COLUMNS
        results_folder.write_table(self.folder / "results.csv", columns, rows)
        take = self._takes(self._read(), "../../secret")["natural"]
        self.assertIn("No audio in the results folder.", take.text)

    def test_run_is_shown(self):
        page = self._read()
        self.assertEqual(
            page.find_all("pre")[0].text, "python scripts/evaluate.py '--data_dir=my speech'"
        )
        cells = {row.children[0].text: row.children[1].text for row in _run_rows(page)}
        self.assertEqual(
            cells,
            {
                **{"seed": "7", "data.split": "test", "data.layers": "conv4, fc2"},
                **{
                    f"speaker_similarity.{name}": str(value)
                    for name, value in results_folder.SIMILARITY_OF_RECORDINGS.items()
                },
                "keras": "3.15.1",
            },
        )

    def test_everything_seen_or_pressed_has_a_name(self):
        page = self._read()
        for image in page.find_all("img"):
            self.assertNotEmpty(image.attributes["alt"])
        for audio in page.find_all("audio"):
            self.assertNotEmpty(audio.attributes["aria-label"])
        for button in page.find_all("button"):
            self.assertNotEmpty(button.attributes.get("aria-label") or button.text)

    def test_needs_no_tensorflow(self):
        program = (
            "import sys; from vggish_inversion import report;"
            "report.write_page(sys.argv[1]);"
            "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
        )
        command = [sys.executable, "-c", program, str(self.folder)]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "[]")


class ReportErrorTest(tf.test.TestCase):
    """Folders that no page can be made of."""

    def setUp(self):
        super().setUp()
        self.folder = results_folder.write_results_folder(pathlib.Path(self.get_temp_dir()))

    def _assert_error(self, *parts: str):
        with self.assertRaises(results.ResultsError) as raised:
            report.write_page(self.folder)
        message = str(raised.exception)
        self.assertNotIn("\n", message)
        for part in parts:
            self.assertIn(part, message)
        self.assertFalse((self.folder / "index.html").exists())
        self.assertFalse((self.folder / "index.json").exists())

    def test_no_folder(self):
        self.folder = self.folder / "nowhere"
        self._assert_error("nowhere", "expected a results folder")

    def test_missing_table(self):
        for name in ("summary.csv", "results.csv"):
            (self.folder / name).rename(self.folder / "aside")
            self._assert_error(name, "expected a table, found none")
            (self.folder / "aside").rename(self.folder / name)

    def test_table_without_rows(self):
        columns = results_folder.RESULT_COLUMNS
        results_folder.write_table(self.folder / "results.csv", columns, [])
        self._assert_error("results.csv", "expected at least one row")

    def test_table_without_its_columns(self):
        (self.folder / "results.csv").write_text("a,b\n1,2\n")
        self._assert_error("results.csv", "lacks the column(s)", "utterance")

    def test_table_that_is_not_text(self):
        (self.folder / "results.csv").write_bytes(b"\xe9\x00\xff\x01")
        self._assert_error("results.csv", "UTF-8")

    def test_word_for_a_number(self):
        rows = results_folder.read_table(self.folder / "summary.csv")
        rows[1]["wer"] = "high"
        columns = results_folder.SUMMARY_COLUMNS
        results_folder.write_table(self.folder / "summary.csv", columns, rows)
        self._assert_error("summary.csv, row 2", "number in wer", "'high'")


class MakeReportTest(tf.test.TestCase):
    """The script, as it is run."""

    def _run(self, *flags: str) -> subprocess.CompletedProcess:
        return script_runner.run("make_report.py", *flags)

    def test_exit_codes(self):
        folder = results_folder.write_results_folder(pathlib.Path(self.get_temp_dir()))
        page = folder / "page.html"
        done = self._run(f"--results_dir={folder}", f"--output={page}")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, str(page)))
        self.assertTrue(page.is_file())
        done = self._run(f"--results_dir={folder / 'none'}")
        self.assertEqual(done.returncode, 1)
        self.assertLen(done.stderr.strip().splitlines(), 1)
        self.assertEqual(self._run("--no_such_flag").returncode, 2)
        self.assertEqual(self._run().returncode, 2)


def _decode(address: str, media_type: str) -> bytes:
    start = f"data:{media_type};base64,"
    assert address.startswith(start), address[:40]
    return base64.b64decode(address[len(start) :], validate=True)


def _run_rows(page: document.Element) -> list[document.Element]:
    tables = page.find_all("div", class_="pairs")[0].find_all("tbody")
    return [row for table in tables for row in table.find_all("tr")]


if __name__ == "__main__":
    tf.test.main()
