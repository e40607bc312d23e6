"""Runs several recognisers side by side on one stream of waveforms."""

import collections
import contextlib
import itertools
import queue
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vggish_inversion import asr
from vggish_inversion.evaluation import stopwatch

_MAX_WAITING = 64  # waveforms before each recogniser, that memory stays bounded
_POLL_SECONDS = 0.05
_END = object()


class Heard(NamedTuple):
    """What a recogniser made of an item."""

    item: Any
    transcriber: str
    transcript: str | Exception


class _Listener:
    """A recogniser in a thread of its own, with its queue."""

    def __init__(self, name: str, transcriber: asr.Transcriber, heard: queue.SimpleQueue):
        self._inbox: queue.Queue = queue.Queue(_MAX_WAITING)
        self._has_ended = False
        self._thread = threading.Thread(
            target=self._listen, args=(name, transcriber, heard), daemon=True
        )
        self._thread.start()

    def _listen(self, name, transcriber, heard) -> None:
        taken = collections.deque()  # and not yet transcribed

        def waveforms(again):
            for item in again:
                yield item.waveform
            while not self._has_ended:
                if (item := self._inbox.get()) is _END:
                    self._has_ended = True
                else:
                    taken.append(item)
                    yield item.waveform

        try:
            while not self._has_ended or taken:
                try:
                    for transcript in transcriber.transcribe_all(waveforms([*taken])):
                        heard.put(Heard(taken.popleft(), name, transcript))
                    while taken:
                        error = asr.TranscriptionError(f"{name} ended without a transcript")
                        heard.put(Heard(taken.popleft(), name, error))
                except Exception as error:  # noqa: BLE001  (it is the reason in the item's row)
                    if not taken:
                        raise
                    # The others that it had taken are tried again, without this one.
                    heard.put(Heard(taken.popleft(), name, error))
        except BaseException as error:  # noqa: BLE001  (raised again where results are awaited)
            heard.put(error)
        heard.put(_END)

    def try_put(self, item) -> bool:
        """Queues an item; False if there was no room for a while."""
        try:
            self._inbox.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            return False
        return True

    def stop(self) -> None:
        """Forgets what is queued, and waits until the recogniser has let go."""
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                while True:
                    self._inbox.get_nowait()
            self.try_put(_END)
            self._thread.join(_POLL_SECONDS)


def recognise_all(
    items: Iterable[tuple[Any, Collection[str]]],
    transcribers: Mapping[str, asr.Transcriber],
    watch: stopwatch.Stopwatch,
) -> Iterator[Heard]:
    """Has every item recognised by those that it names.

    Args:
        items: each with a `waveform`, and the names of its recognisers; taken as there is room.
        transcribers: by name.
        watch: is told how long the recognisers were waited for.

    Yields:
        Each item once for each of its recognisers, in the order in which they are done.
    """
    heard: queue.SimpleQueue = queue.SimpleQueue()
    listeners = {name: _Listener(name, item, heard) for name, item in transcribers.items()}

    ended = []

    def take(*, block: bool) -> Iterator[Heard]:
        """One result, if it is any: an end is counted, a failure raised."""
        with watch("recognising"):
            result = heard.get(block)
        if isinstance(result, BaseException):
            raise result
        if result is _END:
            ended.append(result)
        else:
            yield result

    try:
        for item, names in itertools.chain(items, [(_END, listeners)]):
            for name in names:
                done = False
                while not done:
                    with watch("recognising"):
                        done = listeners[name].try_put(item)
                    while not heard.empty():  # results go to disk while there is no room
                        yield from take(block=False)
        while len(ended) < len(listeners):
            yield from take(block=True)
    finally:
        for listener in listeners.values():
            listener.stop()
