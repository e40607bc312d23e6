"""Scripts as a user runs them, many at the price of one start: what they import is there before."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]

_RUN = """
import json, os, runpy, sys, tempfile
root, preload, commands = json.load(sys.stdin)
sys.path.insert(0, os.path.join(root, "scripts"))
for name in preload:
    __import__(name)
done = []
for path, arguments, cwd in commands:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if os.fork() == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdout = open(1, "w", closefd=False)
            sys.stderr = open(2, "w", closefd=False)
            os.chdir(cwd)
            sys.argv = [path, *arguments]
            code = 70
            try:
                runpy.run_path(path, run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                import traceback
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.wait()[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        done.append([code, *texts])
print(json.dumps(done))
"""
_HEAVY = ("vggish_inversion.evaluation", "vggish_inversion.inverters.training")
_HEAVY += ("vggish_inversion.inverters.monitoring", "vggish_inversion.reconstruction.store")


class Done(NamedTuple):
    """What a program left: its exit code, and what it said."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """Its lines of errors."""
        return [line for line in self.err.splitlines() if line.startswith("error:")]


def run_all(
    commands: Sequence[tuple[str, Sequence[str]]],
    *,
    cwds: Sequence[pathlib.Path] | None = None,
    preload: Sequence[str] = _HEAVY,
) -> list[Done]:
    """Runs programs, each in a process of its own that was forked from one.

    Args:
        commands: path below the checkout, such as "scripts/evaluate.py", and flags.
        cwds: a working folder for each; the checkout if None.
        preload: modules that are imported before, and must not touch a device of TensorFlow's.
    """
    folders = [str(cwd) for cwd in cwds] if cwds else [str(ROOT)] * len(commands)
    jobs = [
        (str(ROOT / path), [str(flag) for flag in flags], cwd)
        for (path, flags), cwd in zip(commands, folders, strict=True)
    ]
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps([str(ROOT), list(preload), jobs]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Done(*item) for item in json.loads(done.stdout.splitlines()[-1])]
