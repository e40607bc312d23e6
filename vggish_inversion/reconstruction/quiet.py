"""Keeps back what TensorFlow writes to the terminal in an export, unless the export fails.

Saving and converting write kilobytes about names of tensors that are renamed and options that are
ignored. Most of it comes from C++, beneath `sys.stderr` and Python's logging: it is kept back where
the process writes it, at file descriptor 2.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator

_STDERR = 2
# Two that overlap would leave the descriptor at the file of the one that has ended. One thread may
# enter again.
_DESCRIPTOR = threading.RLock()


@contextlib.contextmanager
def stderr_kept_back() -> Iterator[None]:
    """Keeps back what is written to standard error inside, C++ included; a failure brings it out.

    There is one standard error in a process: what other threads write meanwhile is kept back, too,
    and a second export waits until the first has ended.

    Yields:
        Nothing. Where standard error is closed, the inside runs as it would without.

    Raises:
        BaseException: whatever the inside raises, KeyboardInterrupt too, once what was kept is out.
    """
    with _DESCRIPTOR:
        try:
            outside = os.dup(_STDERR)
        except OSError:  # closed: nothing can be heard anyway
            yield
            return
        with tempfile.TemporaryFile() as kept:
            _flush()
            os.dup2(kept.fileno(), _STDERR)
            try:
                yield
            except BaseException:
                kept.seek(0)
                with open(outside, "wb", closefd=False) as stderr:
                    shutil.copyfileobj(kept, stderr)
                raise
            finally:
                _flush()
                os.dup2(outside, _STDERR)
                os.close(outside)


def _flush() -> None:
    """Sends what Python still holds to where it was meant to go; a service may have no stderr."""
    with contextlib.suppress(AttributeError, ValueError):  # it is None, or closed
        sys.stderr.flush()
