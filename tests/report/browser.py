"""Opens a page in headless Chromium and checks what only a browser can tell."""

import contextlib
import os
import pathlib
import shutil
import unittest
from collections.abc import Callable, Iterator

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)
WAIT_SECONDS = 120.0  # for a condition: what is slow is no fault, what never comes is
# A busy machine looks seldom: a clip of a second, at the slowest rate of all, plays for sixteen.
_SLOW_PLAYERS = """
for (const audio of document.querySelectorAll("audio")) {
  audio.defaultPlaybackRate = audio.playbackRate = 1 / 16;
  audio.addEventListener("play", () => { audio.dataset.from = audio.currentTime; });
}
"""
_LOADED_PLAYERS = """
return [...document.querySelectorAll("audio")].map((audio) => ({
  name: audio.getAttribute("aria-label"),
  ready: audio.readyState,
  duration: Number.isFinite(audio.duration) ? audio.duration : null,
  expected: Number(audio.dataset.seconds),
  error: audio.error && audio.error.message,
}));
"""


@contextlib.contextmanager
def start_browser() -> Iterator[webdriver.Chrome]:
    """A browser for as long as the context lasts.

    Yields:
        The driver.

    Raises:
        unittest.SkipTest: if Chromium or its driver is not installed, but never in CI.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not (chromium and chromedriver):
        reason = "needs Chromium and chromedriver (Debian: apt-get install chromium-driver)"
        if os.environ.get("CI"):
            raise RuntimeError(reason)
        raise unittest.SkipTest(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield driver
    finally:
        driver.quit()


def show_page(
    driver: webdriver.Chrome, path: pathlib.Path, *, width: int = 1280, height: int = 900
) -> None:
    """Opens a page's file in a window of so many CSS pixels; its players play 16 times slower."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(path.resolve().as_uri())
    driver.execute_script(_SLOW_PLAYERS)


def wait_until(driver: webdriver.Chrome, condition: Callable, message: str):
    """Waits until a condition of the driver holds, and returns what it gave."""
    return WebDriverWait(driver, WAIT_SECONDS, 0.02).until(condition, message)


def load_players(driver: webdriver.Chrome) -> list[dict]:
    """Waits until every player knows its clip's length; fails if one does not get there.

    Args:
        driver: shows a page.

    Returns:
        For each player its `name`, its `duration` and the `expected` one, in seconds.
    """

    def all_ready(driver) -> bool:
        return all(player["ready"] >= 1 for player in driver.execute_script(_LOADED_PLAYERS))

    wait_until(driver, all_ready, "players are not loaded")
    players = driver.execute_script(_LOADED_PLAYERS)
    wrong = [player for player in players if abs(player["duration"] - player["expected"]) > 0.02]
    assert not wrong, f"players of another length than their clips: {wrong}"
    return players


def check_page(path: pathlib.Path) -> int:
    """Checks a report: every player loads, nothing is fetched, and the console stays silent.

    Args:
        path: the page's file.

    Returns:
        The number of players, at least 1.
    """
    with start_browser() as driver:
        show_page(driver, path)
        players = load_players(driver)
        assert players, f"{path} has no players"
        fetched = driver.execute_script(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        )
        outside = [address for address in fetched if not address.startswith("data:")]
        assert not outside, f"fetched from outside of the page: {outside}"
        console = driver.get_log("browser")
        assert not console, f"the console is not silent: {console}"
    return len(players)
