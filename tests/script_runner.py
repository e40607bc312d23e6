"""Scripts as a user runs them, each in a process of its own, at the price of one import for all.

Imports of TensorFlow and the package take seconds; so one process imports them, and every script is
a fork of it (`script_server`), with its own arguments, environment, folder and exit. Tests of what
a process itself does (kills, closed pipes, what is imported when) start real ones.
"""

import atexit
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
_TIMEOUT_SECONDS = 600


def run(
    program: str | pathlib.Path,
    *flags: object,
    cwd: str | pathlib.Path | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess:
    """Runs a program and waits for its end.

    Args:
        program: a script of scripts/, by its file name, or the path of another program, from the
            checkout's root.
        flags: its arguments.
        cwd: its working folder; the test's own if None.
        env: its whole environment; the test's own if None. What an import reads, such as
            KERAS_BACKEND, was read before, and must be the test's.

    Returns:
        Exit code (negative for a signal) and what it wrote, as text.
    """
    program = str(program)
    path = ROOT / "scripts" / program if "/" not in program else ROOT / program
    with tempfile.TemporaryDirectory() as folder:
        files = {name: pathlib.Path(folder, name) for name in ("stdout", "stderr")}
        for file in files.values():
            file.touch()
        job = {
            "argv": [str(path), *map(str, flags)],
            "cwd": str(cwd or pathlib.Path.cwd()),
            "env": dict(os.environ if env is None else env),
            "timeout": _TIMEOUT_SECONDS,
            **{name: str(file) for name, file in files.items()},
        }
        server = _server()
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(json.dumps(job) + "\n")
        server.stdin.flush()
        answer = server.stdout.readline()
        if not answer:
            raise RuntimeError(f"the server of scripts ended with {server.wait()}")
        texts = {
            name: file.read_text(encoding="utf-8", errors="replace") for name, file in files.items()
        }
    return subprocess.CompletedProcess(job["argv"], int(answer), **texts)


@functools.cache
def _server() -> subprocess.Popen:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "script_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()
