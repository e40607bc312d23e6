"""Tables, pictures and pages of several results folders."""

import json
import pathlib
import re

import matplotlib.image
import soundfile
import tensorflow as tf
from selenium.webdriver.common.by import By

from tests.report import browser, document, results_folder
from vggish_inversion import report, results

_ROOT = pathlib.Path(__file__).parents[2]


class TablesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())

    def _folder(
        self, name: str, *, patches: int | None = None, views: int | None = None, **cells: str
    ) -> pathlib.Path:
        """A results folder of its own corpus or length of training; conv4's row with `cells`."""
        folder = results_folder.write_results_folder(self.root / name)
        rows = results_folder.read_table(folder / "summary.csv")
        rows[2] |= cells
        columns = results_folder.SUMMARY_COLUMNS
        results_folder.write_table(folder / "summary.csv", columns, rows)
        run = {"data_dir": [f"somewhere/{name.split('_')[0]}"], "split": "test"}
        run |= {"command": ["python", "scripts/evaluate.py", "--split=test"]}
        run |= {"patches_seen": {"conv4/large-l1": patches}} if patches else {}
        run |= {"views": {"conv4/large-l1": views}} if views else {}
        (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
        return folder

    def _read(self, *folders: pathlib.Path) -> list:
        return [results.read_results(folder) for folder in folders]

    def test_a_table_per_clips_and_a_column_per_recogniser_and_inverter(self):
        folders = self._folder("lj"), self._folder("dev"), self._folder("dev_2", preset="paper")
        whisper = self._folder("lj_2", wer="0.25", wer_low="0.2", wer_high="0.3", asr="whisper")
        titles, tables = self._tables(report.results_table(self._read(*folders, whisper)))
        self.assertEqual(titles, [
            "**vggish**, lj, test, griffin_lim, n = 2 to 3: WER % (95 %)",
            "**vggish**, dev, test, griffin_lim, n = 2 to 3: WER % (95 %)",
        ])  # fmt: skip
        lj, dev = tables
        self.assertEqual(lj[0], ["tap", "pocketsphinx, large", "whisper, large"])
        self.assertEqual(dev[0], ["tap", "pocketsphinx, large", "pocketsphinx, paper"])
        rows = {row[0]: row[1:] for row in lj[2:]}
        self.assertEqual(list(rows), ["natural", "true_log_mel", "conv4", "fc2"])
        self.assertEqual(rows["conv4"], ["52.2 (40.4 to 64.9)", "25.0 (20.0 to 30.0)"])
        self.assertEqual(rows["natural"], ["10.0 (0.0 to 25.0)", ""])  # whisper heard conv4 alone
        rows = {row[0]: row[1:] for row in dev[2:]}
        self.assertEqual(rows["conv4"], 2 * ["52.2 (40.4 to 64.9)"])
        self.assertEqual(rows["natural"], 2 * ["10.0 (0.0 to 25.0)"])  # the floor of both

    def test_measures_of_sound_have_one_column_for_all_recognisers(self):
        folders = self._folder("lj"), self._folder("lj_2", asr="whisper")
        fields = ("stoi", "log_mel_l1")
        (title,), (table,) = self._tables(report.results_table(self._read(*folders), fields))
        self.assertIn("STOI, log-mel L1", title)
        self.assertEqual(table[0], ["tap", "STOI, large", "log-mel L1, large"])
        self.assertIn(["conv4", "0.751 (0.701 to 0.800)", "0.614"], table)

    def _tables(self, text: str) -> tuple[list[str], list[list[list[str]]]]:
        """Titles, and the rows of the table below each."""
        parts = text.split("\n\n")
        rows = [
            [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
            for part in parts[1::2]
        ]
        return parts[::2], rows

    def test_how_often_an_inverter_sees_the_tap(self):
        one, many = (
            self._read(self._folder(name, views=n)) for name, n in (("lj", 1), ("dev", 17))
        )
        self.assertNotIn("views", report.results_table(one))
        self.assertIn("| conv4 (large: 17 views) |", report.results_table(many))
        page = report.write_page(many[0].folder).read_text(encoding="utf-8")
        self.assertIn("conv4 large (17 patches)", page)
        self.assertNotIn("17 patches", report.write_page(one[0].folder).read_text(encoding="utf-8"))

    def test_two_figures_for_one_cell_are_refused(self):
        folders = self._folder("lj"), self._folder("lj_2", wer="0.4")
        with self.assertRaisesRegex(results.ResultsError, "other figures than a folder before it"):
            report.results_table(self._read(*folders))

    def test_wer_against_patches(self):
        long = self._folder("lj_long", patches=38400, wer="0.3", wer_low="0.2", wer_high="0.4")
        folders = self._read(long, self._folder("lj_short", patches=19200))
        lines = report.patches_table(folders, ["conv4"]).splitlines()
        table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        self.assertEqual([row[6:9] for row in table[2:]], [
            ["19,200", "3", "52.2 (40.4 to 64.9)"],
            ["38,400", "3", "30.0 (20.0 to 40.0)"],
        ])  # fmt: skip
        path = report.draw_patches(folders, ["conv4"], self.root / "patches.png")
        self.assertGreater(matplotlib.image.imread(path).std(), 0.05)
        svg = report.draw_patches(folders, ["conv4"], self.root / "patches.svg")
        self.assertIn("<svg", svg.read_text(encoding="utf-8"))
        with self.assertRaisesRegex(results.ResultsError, "measures nothing twice"):
            report.patches_table(self._read(self._folder("dev")), ["conv4"])


class GalleryTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.get_temp_dir())
        self.folder = results_folder.write_results_folder(self.root / "results")
        command = ["python", "scripts/evaluate.py", "--data_dir=scripts/demo_speech"]
        run = {"data_dir": ["scripts/demo_speech"], "split": "all", "command": command}
        (self.folder / "run.json").write_text(json.dumps(run), encoding="utf-8")

    def _write(self, **changes) -> list[pathlib.Path]:
        options = {"speech": "demo_speech", "utterances": ["tone-low"]} | changes
        folders = [results.read_results(self.folder)]
        return report.write_gallery(folders, self.root / "pages", **options)

    def test_a_page_with_figures_and_sounds(self):
        (page,) = self._write()
        self.assertEqual(page.name, "vggish.md")
        text = page.read_text(encoding="utf-8")
        self.assertIn("| conv4 | 52.2 (40.4 to 64.9) |", text)
        self.assertIn("    python scripts/evaluate.py --data_dir=scripts/demo_speech\n", text)
        self.assertIn(f"### {results_folder.REFERENCE}", text)
        self.assertIn("WER of this sentence 50.0 %: the bat sat the mat now", text)
        sounds = re.findall(r'src="([^"]+\.mp3)" aria-label="tone-low, ([^"]+)"', text)
        self.assertEqual([name for _, name in sounds], ["natural", "true log-mel", "conv4", "fc2"])
        for address, _ in sounds:
            samples, rate_hz = soundfile.read(page.parent / address)
            self.assertEqual(rate_hz, 16000)
            self.assertAllClose(len(samples) / rate_hz, 1.5, atol=0.1)
        pictures = re.findall(r'src="([^"]+\.png)"', text)
        self.assertLen(pictures, 4)
        for address in pictures:
            picture = matplotlib.image.imread(page.parent / address)
            self.assertEqual(picture.shape[:2], (results_folder.NUM_BANDS, 148))

    def test_text_from_outside_stays_text(self):
        (page,) = self._write(utterances=["tone-high"])
        text = page.read_text(encoding="utf-8")
        self.assertNotIn("<script>", text)
        self.assertIn("&lt;script&gt;", text)

    def test_what_is_missing_is_said(self):
        with self.assertRaisesRegex(
            results.ResultsError, "no results of vggish on other to listen"
        ):
            self._write(speech="other")
        with self.assertRaisesRegex(results.ResultsError, "no utterance 'x'; there are: tone-low"):
            self._write(utterances=["x"])
        with self.assertRaisesRegex(results.ResultsError, "tone-short, fc2: No audio"):
            self._write(utterances=["tone-short"])

    def test_a_player_takes_over_where_another_was(self):
        (page,) = self._write()
        players = document.parse  # the table's cells are HTML already
        cells = re.findall(r"<audio.*?</audio>", page.read_text(encoding="utf-8"))
        self.assertLen(players("".join(cells)).find_all("audio"), 4)
        script = (_ROOT / "docs" / "listen.js").read_text(encoding="utf-8")
        built = page.with_suffix(".html")
        built.write_text(f"<table><td>{'<td>'.join(cells)}</table><script>{script}</script>")
        with browser.start_browser() as driver:
            browser.show_page(driver, built)
            driver.find_element(By.TAG_NAME, "body").click()
            start = (
                "const p = document.querySelectorAll('audio'); p[0].currentTime = 0.7; p[0].play()"
            )
            state = (
                "return [...document.querySelectorAll('audio')].map(a => [a.paused, a.currentTime])"
            )
            driver.execute_script(start)
            browser.wait_until(
                driver, lambda driver: driver.execute_script(state)[0][1] > 0.7, "the first is mute"
            )
            driver.execute_script("document.querySelectorAll('audio')[2].play()")
            browser.wait_until(
                driver, lambda driver: driver.execute_script(state)[2][1] > 0.7, "it starts anew"
            )
            paused = [item[0] for item in driver.execute_script(state)]
            self.assertEqual(paused, [True, True, False, True])
            self.assertEmpty(driver.get_log("browser"))


if __name__ == "__main__":
    tf.test.main()
