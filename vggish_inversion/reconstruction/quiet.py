"""Keeps back what TensorFlow writes to the terminal in an export, unless the export fails."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

_STDERR = 2


@contextlib.contextmanager
def stderr_kept_back() -> Iterator[None]:
    """Keeps back what is written to standard error inside, C++ included; a failure brings it out.

    Exporting writes kilobytes about names of tensors that are renamed and options that are ignored.
    There is one standard error in a process: what other threads write meanwhile is kept back, too.
    """
    try:
        outside = os.dup(_STDERR)
    except OSError:  # closed: nothing can be heard anyway
        yield
        return
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        os.dup2(kept.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            kept.seek(0)
            with open(outside, "wb", closefd=False) as stderr:
                shutil.copyfileobj(kept, stderr)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(outside, _STDERR)
            os.close(outside)
