"""Tests of the page in a real browser: players, switching at one place in time, and layout."""

import pathlib
import tempfile

import tensorflow as tf
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from tests.report import browser, results_folder
from vggish_inversion import report

_STATE = """
const clips = [...document.querySelectorAll(".utterance")][arguments[0]].querySelectorAll("audio");
return [...clips].map((audio) => ({
  place: audio.currentTime, from: Number(audio.dataset.from), paused: audio.paused,
}));
"""


class BrowserTest(tf.test.TestCase):
    """One browser for all the tests, each on a page opened anew."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.driver = cls.enterClassContext(browser.start_browser())
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.page = report.write_page(results_folder.write_results_folder(folder))

    def _show(self, **size):
        browser.show_page(self.driver, self.page, **size)
        return self.driver

    def _press(self, driver, keys: str):
        ActionChains(driver).send_keys(keys).perform()

    def _wait_playing(self, driver, position: int, utterance: int = 0) -> list[dict]:
        """Waits until this clip, and no other, plays; returns the state of the utterance."""

        def plays(driver):
            state = driver.execute_script(_STATE, utterance)
            playing = [index for index, clip in enumerate(state) if not clip["paused"]]
            begun = state[position]["place"] > 0 and state[position]["from"] is not None
            return state if playing == [position] and begun else False

        return browser.wait_until(driver, plays, f"clip {position} does not play")

    def test_page_holds_together(self):
        self.assertEqual(browser.check_page(self.page), 11)

    def test_every_player_has_the_length_of_its_clip(self):
        driver = self._show()
        players = browser.load_players(driver)
        lengths = {name: set() for name in results_folder.SECONDS}
        for player in players:
            lengths[player["name"].split(",")[0]].add(round(player["duration"], 2))
        self.assertEqual(lengths, {k: {v} for k, v in results_folder.SECONDS.items()})

    def test_switching_layers_keeps_the_place(self):
        driver = self._show()
        browser.load_players(driver)
        driver.execute_script("document.querySelectorAll('audio')[0].currentTime = 0.6")
        driver.find_element(By.CSS_SELECTOR, ".take button").click()
        self._wait_playing(driver, 0)
        self._press(driver, "3")
        after = self._wait_playing(driver, 2)
        self.assertGreaterEqual(after[0]["place"], 0.6)
        self.assertNear(after[2]["from"], after[0]["place"], 0.1)
        self._press(driver, "3")
        browser.wait_until(
            driver,
            lambda driver: driver.execute_script(_STATE, 0)[2]["paused"],
            "the clip does not stop",
        )
        paused_at = driver.execute_script(_STATE, 0)[2]["place"]
        self._press(driver, "]")
        after = self._wait_playing(driver, 3)
        self.assertNear(after[3]["from"], paused_at, 0.1)
        pressed = driver.find_elements(By.CSS_SELECTOR, ".switches [aria-pressed=true]")
        self.assertEqual([button.text.split()[0] for button in pressed], ["fc2"])
        self.assertEmpty(driver.get_log("browser"))

    def test_bar_switches_the_utterance_in_view(self):
        driver = self._show(height=700)
        browser.load_players(driver)
        driver.execute_script(
            "document.querySelectorAll('.utterance')[1].scrollIntoView({ block: 'center' })"
        )
        driver.find_elements(By.CSS_SELECTOR, ".switches button")[1].click()
        self._wait_playing(driver, 1, utterance=1)
        # the last utterance failed at fc2: there is nothing to switch to, and nothing breaks
        driver.execute_script(
            "document.querySelectorAll('audio').forEach((audio) => audio.pause());"
            "document.querySelectorAll('.utterance')[2].scrollIntoView({ block: 'center' })"
        )
        driver.find_elements(By.CSS_SELECTOR, ".switches button")[3].click()
        self.assertEmpty(driver.get_log("browser"))

    def test_a_player_silences_the_others_and_a_click_in_a_picture_seeks(self):
        driver = self._show()
        browser.load_players(driver)
        self._press(driver, "x")  # browsers play nothing before a visitor's first act
        play = "document.querySelectorAll('audio')[arguments[0]].play()"
        driver.execute_script(play, 0)
        self._wait_playing(driver, 0)
        driver.execute_script(play, 2)
        self._wait_playing(driver, 2)
        driver.execute_script("document.querySelectorAll('audio')[2].pause()")
        picture = driver.find_elements(By.CSS_SELECTOR, ".picture")[1]
        ActionChains(driver).move_to_element(picture).click().perform()
        place = driver.execute_script(_STATE, 0)[1]["place"]
        self.assertAllClose(place, 0.75, atol=0.02)

    def test_keys_can_be_switched_off(self):
        driver = self._show()
        browser.load_players(driver)
        driver.find_element(By.ID, "shortcuts").click()
        self._press(driver, "2")
        state = driver.execute_script(_STATE, 0)
        self.assertTrue(all(clip["paused"] for clip in state))

    def test_phone_needs_no_sideways_scrolling(self):
        driver = self._show(width=390, height=844)
        root = "return document.documentElement"
        width = driver.execute_script(f"{root}.scrollWidth")
        self.assertEqual(width, driver.execute_script(f"{root}.clientWidth"))


if __name__ == "__main__":
    tf.test.main()
