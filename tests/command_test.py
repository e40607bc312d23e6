"""What all scripts share, on a program of a few lines: pipes that close, errors beside a bar."""

import os
import pathlib
import subprocess
import sys

import pytest

_SCRIPTS = pathlib.Path(__file__).parents[1] / "scripts"


def _program(folder: pathlib.Path, body: str) -> list[str]:
    """A script whose `main` has this body."""
    path = folder / "program.py"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    path.write_text(
        f"import sys\nsys.path.insert(0, {str(_SCRIPTS)!r})\nimport command\n"
        f"from absl import logging\n\n\ndef main():\n{lines}\n\ncommand.run(main)\n"
    )
    return [sys.executable, str(path)]


def _run_unread(command: list[str], *, unbuffered: bool = False) -> subprocess.CompletedProcess:
    """Runs a program and closes the pipe that it writes to, as `head` does."""
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""}
    try:
        return subprocess.run(
            command,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
            env=environment,
        )
    finally:
        os.close(write)


def _as_seen(text: str) -> list[str]:
    """The lines of a terminal: after a carriage return, characters lie over those before."""
    lines = []
    for line in text.split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("print('a table')", 0),  # all was done when the pipe was found closed
        ("print('a table')\nreturn 3", 3),
        ("for number in range(10**5): print(number)", 141),
        ("print('epoch 1', flush=True)\nprint('epoch 2', flush=True)", 141),
    ],
)
def test_a_reader_that_has_gone_is_no_error(body, code, tmp_path):
    done = _run_unread(_program(tmp_path, body))
    assert (done.returncode, done.stderr) == (code, "")
    done = _run_unread(_program(tmp_path, body), unbuffered=True)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_into_a_pipe_that_closes():
    for unbuffered in (False, True):
        command = [sys.executable, str(_SCRIPTS / "list_taps.py"), "--help"]
        done = _run_unread(command, unbuffered=unbuffered)
        assert (done.returncode, done.stderr) == (141 if unbuffered else 0, "")
    entry = _run_unread([sys.executable, "-m", "vggish_inversion", "--help"])
    assert entry.stderr == ""


def test_another_pipe_that_breaks_is_one(tmp_path):
    body = "raise BrokenPipeError(32, 'Broken pipe', 'worker')"
    command = _program(tmp_path, body)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 32] Broken pipe: 'worker'\n"


def test_errors_have_lines_of_their_own_beside_a_bar(tmp_path):
    body = """
import tqdm
for number in tqdm.tqdm(range(3), mininterval=0):
    logging.error("b%d.wav: damaged", number)
    logging.warning("c%d.wav: short", number)
raise ValueError("nothing came of it")
""".strip()
    command = _program(tmp_path, body)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    seen = _as_seen(done.stderr)
    expected = [f"error: b{number}.wav: damaged" for number in range(3)]
    expected += [f"warning: c{number}.wav: short" for number in range(3)]
    for line in (*expected, "error: nothing came of it"):
        assert seen.count(line) == 1, done.stderr


def test_an_error_in_the_middle_of_a_bar(tmp_path):
    body = "import tqdm\nfor _ in tqdm.tqdm(range(3), mininterval=0): raise OSError('no room')"
    done = subprocess.run(_program(tmp_path, body), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: no room" in _as_seen(done.stderr), done.stderr
