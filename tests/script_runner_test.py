"""A program in a fork is what a program in a process of its own is."""

import os
import signal
import subprocess
import sys

import pytest

from tests import script_runner

_PROGRAM = """
import atexit, os, sys
import neighbour
atexit.register(print, "at exit")
print(__name__, sys.argv[1:], os.getcwd(), os.environ.get("SAID"), neighbour.NAME)
print("warned", file=sys.stderr)
{end}
"""


@pytest.mark.parametrize(
    "end",
    [
        "sys.exit(3)",
        "sys.exit()",
        "sys.exit('in words')",
        "",
        "raise ValueError('a fault')",
        f"os.kill(os.getpid(), {int(signal.SIGTERM)})",
        "os._exit(7)",
    ],
)
def test_as_a_process_of_its_own(tmp_path, end):
    (tmp_path / "neighbour.py").write_text("NAME = 'beside it'\n")
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM.format(end=end))
    environment = {**os.environ, "SAID": "so"}
    command = [sys.executable, str(program), "--flag=é", "b c"]
    alone = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    forked = script_runner.run(program, *command[2:], cwd=tmp_path, env=environment)
    assert forked.returncode == alone.returncode
    assert forked.stdout == alone.stdout
    assert forked.stderr.splitlines()[-1:] == alone.stderr.splitlines()[-1:]
    assert forked.args == command[1:]


def test_one_program_leaves_nothing_to_the_next(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys\nfrom absl import flags\n"
        "flags.DEFINE_string('own', None, 'Text.')\n"
        "print(os.environ.get('LEFT'), 'left' in sys.modules, os.getppid())\n"
        "os.environ['LEFT'] = 'something'\nsys.modules['left'] = sys\n"
    )
    first, second = script_runner.run(program), script_runner.run(program)
    assert first.returncode == second.returncode == 0, second.stderr
    assert first.stdout == second.stdout
    assert first.stdout.startswith("None False ")


def test_tensorflow_computes_in_a_fork_with_all_its_threads(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import tensorflow as tf\n"
        "data = tf.data.Dataset.range(100).map(lambda x: x * x, num_parallel_calls=4)\n"
        "total = tf.function(lambda: data.reduce(tf.constant(0, tf.int64), lambda a, b: a + b))\n"
        "print(int(total()), float(tf.reduce_sum(tf.ones((300, 300)) @ tf.ones((300, 300)))))\n"
    )
    for _ in range(2):
        done = script_runner.run(program)
        assert done.stdout == f"{sum(x * x for x in range(100))} {300.0**3}\n", done.stderr
