"""What every script shares: exit codes, errors in one line, and the provenance of results.

Import it before the package: it quiets TensorFlow's start-up messages, which name no fault. What a
script needs of the package it imports in its functions, so that --help and a slip of the pen are
answered before TensorFlow has loaded.
"""

import contextlib
import importlib.metadata
import logging as python_logging
import os
import platform
import select
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence

from absl import app, flags, logging

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

flags.disclaim_key_flags()  # --help lists the flags defined here as the script's own

ALL_DONE, NOTHING_DONE, BAD_FLAGS, DONE_IN_PART = 0, 1, 2, 3
_READER_GONE = 128 + 13  # what shells say of a program that SIGPIPE ended

# Of tf.errors, which is not imported for its own sake.
_ERRORS_OF_FILES = ("ResourceExhaustedError", "PermissionDeniedError", "NotFoundError")
_ERRORS_OF_FILES += ("FailedPreconditionError", "DataLossError", "UnknownError")

_HALF_A_LINE = 400
_PACKAGES = ("vggish-inversion", "tensorflow", "keras", "numpy", "jiwer", "pocketsphinx", "pystoi")
_PACKAGES += ("scipy", "librosa", "transformers", "pesq")


def run(main: Callable[[], int | None]) -> None:
    """Parses the flags, calls `main` and exits with what it returns.

    An error that a user can mend ends the program with one line; --verbosity=1 shows where it
    came from. A reader of its output that has seen enough, such as `head`, ends it without a word.
    """
    try:
        app.run(lambda _: _guarded(main), flags_parser=_parse_flags)
    except BrokenPipeError:  # while --help was written
        sys.exit(_READER_GONE if _is_reader_gone() else NOTHING_DONE)
    finally:
        _is_reader_gone()  # then the interpreter's own flush has nowhere to fail


def _parse_flags(argv: Sequence[str]) -> list[str]:
    _show_all_flags(argv[0])
    _log_in_lines()
    try:
        rest = flags.FLAGS(argv)
        if len(rest) > 1:
            raise flags.Error(f"unexpected arguments: {' '.join(rest[1:])}")
    except SystemExit:  # after --help and the like, where absl would end with 1
        sys.exit(ALL_DONE)
    except flags.Error as error:
        _print_error(error)
        print(f"see: python {argv[0]} --help", file=sys.stderr)
        sys.exit(BAD_FLAGS)
    return rest


def _show_all_flags(program: str) -> None:
    """Has --help list what a script shares with others beside what it defines itself."""
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module.partition(".")[0] != "absl":
            for flag in defined:
                flags.FLAGS.register_key_flag_for_module(program, flag)


class _Line(python_logging.Formatter):
    """Log records as the scripts' own messages: "error: ...", without time and place."""

    def format(self, record):
        label = record.levelname.lower() + ": "
        return (label if record.levelno >= python_logging.WARNING else "") + super().format(record)


def _log_in_lines() -> None:
    handler = logging.get_absl_handler()
    handler.setFormatter(_Line())
    emit = handler.python_handler.emit

    def emit_beside_bars(record) -> None:
        with _beside_bars():
            emit(record)

    handler.python_handler.emit = emit_beside_bars


def _beside_bars() -> contextlib.AbstractContextManager:
    """What is written to stderr inside has lines of its own, beside any bar of progress."""
    if "tqdm" not in sys.modules:
        return contextlib.nullcontext()
    return sys.modules["tqdm"].tqdm.external_write_mode(file=sys.stderr)


def _is_reader_gone() -> bool:
    """Whether the reader of stdout has gone; if so, the rest goes nowhere."""
    try:
        sys.stdout.flush()
        is_gone = _is_broken(sys.stdout)
    except BrokenPipeError:
        is_gone = True
    if is_gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return is_gone


def _is_broken(stream) -> bool:
    """Whether a pipe has lost its reader, also where nothing is left to be flushed."""
    if not hasattr(select, "poll"):
        return False
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError):  # no file of the system, as where it is captured
        return False


def _guarded(main: Callable[[], int | None]) -> int | None:
    try:
        return main()
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _is_reader_gone():
            return _READER_GONE
        if not isinstance(error, (ValueError, OSError)) and not _is_of_files(error):
            raise
        if logging.level_debug():
            traceback.print_exc()
        _print_error(error)
        return NOTHING_DONE


def _is_of_files(error: Exception) -> bool:
    """Whether TensorFlow says what OSError does: disk full, not allowed, not there, damaged."""
    return any(kind.__name__ in _ERRORS_OF_FILES for kind in type(error).__mro__)


def _print_error(error: Exception) -> None:
    text = " ".join(str(error).split())
    if len(text) > 2 * _HALF_A_LINE:  # it repeats what was given, without end
        text = f"{text[:_HALF_A_LINE]} ... {text[-_HALF_A_LINE:]}"
    with _beside_bars():
        print("error:", text, file=sys.stderr)


def define_choices_flag(name: str, default: Sequence[str], choices: Sequence[str], text: str):
    """Defines a flag that takes some of the choices, with commas, each once."""
    holder = flags.DEFINE_list(name, list(default), f"{text} Of {', '.join(choices)}.")
    flags.register_validator(
        holder,
        lambda given: set(given) <= set(choices) and len(set(given)) == len(given),
        message=f"--{name} takes one or several of {', '.join(choices)}, each once",
    )
    return holder


def define_training_split_flag() -> flags.FlagHolder:
    """Defines --split, of the scripts that train on corpora; returns its holder."""
    return flags.DEFINE_enum(
        "split",
        "train",
        ["train", "all"],
        "What to train on. all: every recording, those for testing too; one in 20 is held out.",
    )


def define_patch_hop_flag():
    """Defines --patch_hop_frames, of the scripts that reconstruct; returns its holder."""
    return flags.DEFINE_integer(
        "patch_hop_frames",
        None,
        "Distance between patches, which cross-fade where they overlap; default: the target's.",
        lower_bound=1,
    )


def exit_code(*, num_done: int, num_failed: int) -> int:
    """The exit code of a batch.

    >>> exit_code(num_done=2, num_failed=1)
    3
    """
    if num_done == 0:
        return NOTHING_DONE
    return DONE_IN_PART if num_failed else ALL_DONE


def commit() -> str:
    """The commit of the code, for a model's card; "unknown" outside of a checkout."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def provenance(**settings) -> dict:
    """What a folder of results says of its making: `settings`, the command and the versions."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    command = ["python", os.path.relpath(sys.argv[0]), *sys.argv[1:]]
    return {**settings, "command": command, "versions": versions}
