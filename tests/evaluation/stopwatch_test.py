"""Where the time of an evaluation went, by a clock that the test turns."""

import pytest

from vggish_inversion.evaluation import stopwatch


@pytest.fixture(name="sleep")
def _sleep(monkeypatch):
    now = [100.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])
    return sleep


def test_stages_and_the_rest_are_the_total(sleep):
    watch = stopwatch.Stopwatch()
    sleep(1)
    for _ in range(2):
        with watch("reading"):
            sleep(2)
        sleep(0.5)
        with watch("writing"):
            sleep(0.25)
    assert watch.seconds() == {"reading": 4.0, "writing": 0.5, "other": 2.0, "total": 6.5}


def test_a_stage_inside_another_counts_once(sleep):
    watch = stopwatch.Stopwatch()
    with watch("scoring"):
        sleep(1)
        with watch("writing"):
            sleep(4)
            with watch("scoring"):
                sleep(8)
        sleep(2)
    assert watch.seconds() == {"scoring": 11.0, "writing": 4.0, "other": 0.0, "total": 15.0}


def test_a_stage_that_fails_counts(sleep):
    watch = stopwatch.Stopwatch()
    with pytest.raises(OSError, match="full"), watch("writing"):
        sleep(3)
        raise OSError("full")
    sleep(1)
    assert watch.seconds() == {"writing": 3.0, "other": 1.0, "total": 4.0}
