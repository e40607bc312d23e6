"""What every script shares: exit codes, errors in one line, and the provenance of results.

Import it before the package: it quiets TensorFlow's start-up messages, which name no fault.
"""

import importlib.metadata
import os
import platform
import sys
import traceback
from collections.abc import Callable, Sequence

from absl import app, flags, logging

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

flags.disclaim_key_flags()  # --help lists the flags defined here as the script's own

ALL_DONE, NOTHING_DONE, BAD_FLAGS, DONE_IN_PART = 0, 1, 2, 3

# Of tf.errors, which is not imported for its own sake.
_ERRORS_OF_FILES = ("ResourceExhaustedError", "PermissionDeniedError", "NotFoundError")
_ERRORS_OF_FILES += ("FailedPreconditionError", "DataLossError", "UnknownError")

_HALF_A_LINE = 400
_PACKAGES = ("vggish-inversion", "tensorflow", "keras", "numpy", "jiwer", "pocketsphinx", "pystoi")
_PACKAGES += ("scipy", "librosa", "transformers", "pesq")


def run(main: Callable[[], int | None]) -> None:
    """Parses the flags, calls `main` and exits with what it returns.

    An error that a user can mend ends the program with one line; --verbosity=1 shows where it
    came from.
    """
    app.run(lambda _: _guarded(main), flags_parser=_parse_flags)


def _parse_flags(argv: Sequence[str]) -> list[str]:
    try:
        rest = flags.FLAGS(argv)
        if len(rest) > 1:
            raise flags.Error(f"unexpected arguments: {' '.join(rest[1:])}")
    except flags.Error as error:
        _print_error(error)
        print(f"see: python {argv[0]} --help", file=sys.stderr)
        sys.exit(BAD_FLAGS)
    return rest


def _guarded(main: Callable[[], int | None]) -> int | None:
    try:
        return main()
    except Exception as error:
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
    print("error:", text, file=sys.stderr)


def define_target_flags() -> Callable:
    """Defines --target, --target_weights and --seed; returns what loads the target they name."""
    target = flags.DEFINE_string(
        "target",
        "vggish",
        "vggish, yamnet, small_encoder/TASK, or the path of a .keras file or SavedModel folder.",
    )
    weights = flags.DEFINE_string(
        "target_weights", None, "URL, file, folder or 'untrained'; default: published or shipped."
    )
    seed = flags.DEFINE_integer("seed", 0, "Of everything random.")

    def load(*, default_weights=None):
        from vggish_inversion.targets import loading  # imports TensorFlow, which --help need not

        return loading.load_target(
            target.value, weights=weights.value or default_weights, seed=seed.value
        )

    return load


def define_choices_flag(name: str, default: Sequence[str], choices: Sequence[str], text: str):
    """Defines a flag that takes some of the choices, with commas, each once."""
    holder = flags.DEFINE_list(name, list(default), f"{text} Of {', '.join(choices)}.")
    flags.register_validator(
        holder,
        lambda given: set(given) <= set(choices) and len(set(given)) == len(given),
        message=f"--{name} takes one or several of {', '.join(choices)}, each once",
    )
    return holder


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
