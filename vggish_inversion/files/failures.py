"""Says in one line why one item of a batch failed."""

import os


def in_one_line(error: BaseException) -> str:
    """Says why an item failed.

    Args:
        error: one of the package speaks for itself, as does any ValueError; one of the operating
            system names its file; of any other the kind comes first, for it may say nothing else.

    >>> in_one_line(ValueError("too short:  expected a second"))
    'too short: expected a second'
    >>> in_one_line(IsADirectoryError(21, "Is a directory", "out/a.wav"))
    'out/a.wav: Is a directory'
    >>> in_one_line(MemoryError())
    'MemoryError'
    """
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        # Written aside and then moved, a file has two names: the second is the one that counts.
        name = error.filename2 if error.filename2 is not None else error.filename
        return f"{os.fsdecode(name)}: {error.strerror}" if not isinstance(name, int) else text
    if isinstance(error, OSError) and error.strerror and error.filename is None:
        return error.strerror  # of a file that is open, such as "No space left on device"
    own = type(error).__module__.partition(".")[0] == __name__.partition(".")[0]
    if (own or isinstance(error, (ValueError, OSError))) and text:
        return text
    kind = type(error).__name__
    return f"{kind}: {text[:400]}" if text else kind
