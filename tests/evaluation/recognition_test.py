"""Several recognisers side by side: nothing lost, failures raised, threads gone."""

import threading
import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vggish_inversion.evaluation import recognition, stopwatch


class _Item(NamedTuple):
    number: int
    waveform: np.ndarray


class _Recogniser:
    """Says the first sample; reads ahead and rests as real ones do."""

    fingerprint = "none"
    rules = "letters"

    def __init__(self, name, *, read_ahead=1, rest_seconds=0.0, fail_at=None):
        self.name, self._read_ahead, self._rest_seconds = name, read_ahead, rest_seconds
        self._fail_at = fail_at

    def __call__(self, waveform):
        time.sleep(self._rest_seconds)
        if waveform[0] == self._fail_at:
            raise MemoryError("no more")
        return f"{self.name} {int(waveform[0])}"

    def transcribe_all(self, waveforms):
        waiting = []
        for waveform in waveforms:
            waiting.append(waveform)
            if len(waiting) == self._read_ahead:
                yield from map(self, waiting)
                waiting = []
        yield from map(self, waiting)


def _items(count, names):
    for number in range(count):
        yield _Item(number, np.full(4, number)), names


class RecogniseAllTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.recognisers = {
            "fast": _Recogniser("fast", read_ahead=7),
            "slow": _Recogniser("slow", rest_seconds=0.001),
        }
        self.addCleanup(self._assert_no_threads, threading.active_count())

    def _assert_no_threads(self, before):
        self.assertEqual(threading.active_count(), before)

    def _run(self, items, recognisers=None):
        return recognition.recognise_all(
            items, recognisers or self.recognisers, stopwatch.Stopwatch()
        )

    def test_each_item_by_each_recogniser_once(self):
        heard = list(self._run(_items(200, ["fast", "slow"])))
        self.assertLen(heard, 400)
        for item, name, transcript in heard:
            self.assertEqual(transcript, f"{name} {item.number}")
        self.assertLen({(item.number, name) for item, name, _ in heard}, 400)

    def test_only_those_that_are_named(self):
        items = [(item, ["fast"] if item.number % 2 else ["slow"]) for item, _ in _items(50, [])]
        heard = sorted((item.number, name) for item, name, _ in self._run(items))
        self.assertEqual(heard, [(n, "fast" if n % 2 else "slow") for n in range(50)])
        self.assertEqual(list(self._run([])), [])

    def test_the_source_is_not_read_far_ahead(self):
        taken = []

        def items():
            for item, names in _items(5000, ["slow"]):
                taken.append(item.number)
                yield item, names

        results = self._run(items())
        next(results)
        results.close()
        self.assertLess(len(taken), 500)

    def test_what_breaks_a_recogniser_is_one_failure_and_the_others_are_heard(self):
        for read_ahead in (1, 7):
            breaks = _Recogniser("breaks", fail_at=30, read_ahead=read_ahead)
            recognisers = {**self.recognisers, "breaks": breaks}
            heard = list(self._run(_items(200, list(recognisers)), recognisers))
            self.assertLen({(item.number, name) for item, name, _ in heard}, 600)
            self.assertLen(heard, 600)
            for item, name, transcript in heard:
                if (item.number, name) == (30, "breaks"):
                    self.assertIsInstance(transcript, MemoryError)
                else:
                    self.assertEqual(transcript, f"{name} {item.number}")

    def test_a_recogniser_that_ends_too_early_loses_nothing(self):
        class Brief(_Recogniser):
            def transcribe_all(self, waveforms):
                yield self(next(iter(waveforms)))
                for _ in waveforms:
                    return

        heard = list(self._run(_items(5, ["brief"]), {"brief": Brief("brief")}))
        self.assertEqual([item.number for item, *_ in heard], [0, 1, 2, 3, 4])
        failed = [isinstance(transcript, Exception) for *_, transcript in heard]
        self.assertEqual(failed, [False, True, False, True, False])
        self.assertEqual(str(heard[1][2]), "brief ended without a transcript")

    def test_what_breaks_without_a_waveform_is_raised(self):
        class Absent(_Recogniser):
            def transcribe_all(self, waveforms):
                raise MemoryError("no more")

        with self.assertRaisesRegex(MemoryError, "no more"):
            list(self._run(_items(5, ["absent"]), {"absent": Absent("absent")}))

    def test_a_fault_of_the_source_comes_through(self):
        def items():
            yield from _items(3, ["fast"])
            raise KeyError("source")

        with self.assertRaisesRegex(KeyError, "source"):
            list(self._run(items()))


if __name__ == "__main__":
    tf.test.main()
