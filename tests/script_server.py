"""Runs programs in forks of one process that has imported what they need; see `script_runner`.

A line of JSON in names a program, a line out gives its exit code. Nothing here may run an operation
of TensorFlow: its threads do not survive a fork, while what an import leaves does.
"""

import atexit
import gc
import io
import json
import os
import pathlib
import pkgutil
import runpy
import signal
import sys
import threading
from typing import NoReturn

_OPTIONAL = ("apache_beam", "jax", "faster_whisper")  # not preloaded: not everyone has them


def _preload() -> None:
    """Imports the package, and with it TensorFlow."""
    import tensorflow  # noqa: F401

    import vggish_inversion

    left_out = ("__main__", "scripts", "hub_models")
    for module in pkgutil.walk_packages(vggish_inversion.__path__, "vggish_inversion."):
        if not any(part in left_out for part in module.name.split(".")):
            try:
                __import__(module.name)
            except ImportError as error:
                if error.name not in _OPTIONAL:
                    raise
    _check_untouched()


def _check_untouched() -> None:
    from tensorflow.python.eager import context

    # Its threads would be missing in every fork, which would then wait for them for ever.
    assert context._context is None or not context._context._initialized  # pyright: ignore


def _become(job: dict) -> str:
    """Makes this process what a new one would be; returns the program's path."""
    out, err = (os.open(job[name], os.O_WRONLY | os.O_APPEND) for name in ("stdout", "stderr"))
    for number, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, err)):
        os.dup2(file, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    at_once = bool(job["env"].get("PYTHONUNBUFFERED"))
    binary = open(1, "wb", buffering=0 if at_once else -1, closefd=False)  # noqa: SIM115
    sys.stdout = io.TextIOWrapper(binary, encoding="utf-8", write_through=at_once)
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.argv = job["argv"]
    sys.path[0] = str(pathlib.Path(sys.argv[0]).parent)
    signal.alarm(job["timeout"])  # ends it as a signal does
    return sys.argv[0]


def _run(job: dict) -> NoReturn:
    """Runs the program and ends as Python does, but for taking apart what was imported."""
    code = 0
    try:
        runpy.run_path(_become(job), run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # pyright: ignore
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Serves until its input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an import prints is no answer
    _preload()
    gc.collect()
    gc.freeze()  # or every fork's collections would copy all that was imported
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            answers.close()
            _run(job)
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        answers.flush()


if __name__ == "__main__":
    main()
