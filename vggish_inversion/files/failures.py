"""Says in one line what an error says: why an item of a batch failed, or a file cannot be read.

A batch goes on after a failure: its reason is one cell of a table, or one line on a terminal.
"""

import os


def in_one_line(error: BaseException) -> str:
    """Says why an item failed.

    Args:
        error: one of the package speaks for itself, as does any ValueError; one of the operating
            system names its file; of any other the kind comes first, for it may say nothing else.

    Returns:
        One line. Of an error that is none of these at most 400 characters follow its kind: those of
        TensorFlow go on for pages.

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


def first_line(error: BaseException) -> str:
    r"""What an error says, for a message of one line; its kind if it says nothing.

    >>> first_line(RuntimeError("cut short\nat byte 12"))
    'cut short'
    >>> first_line(EOFError())
    'EOFError'
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def root_cause(error: BaseException) -> str:
    """The first sentence of the error that led to this one; Keras wraps it in pages of settings.

    >>> error = TypeError("cannot build the layer ...")
    >>> error.__context__ = ValueError("Unknown layer: Gate. Pass custom_objects.")
    >>> root_cause(error)
    'Unknown layer: Gate'
    """
    while error.__context__ is not None:
        error = error.__context__
    return first_line(error).split(". ")[0]
