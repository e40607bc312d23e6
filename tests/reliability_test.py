"""The fuzz run notices what it looks for, and a small one of it finds nothing."""

import faulthandler
import json
import mmap
import os
import pathlib
import subprocess
import sys
import time

import pytest

from fuzzing import sandbox, script_flags

_ROOT = pathlib.Path(__file__).parents[1]


def _clean(source, output):
    (output / "made").write_text("whole")


def _clear(source, output):
    raise ValueError(f"{source}: expected other bytes")


def _unclear(source, output):
    raise ValueError("Expecting value: line 1 column 1 (char 0)")


def _crash(source, output):
    raise KeyError(str(source))


def _die(source, output):
    faulthandler.disable()  # pytest's, whose pages would look like a fault of this test
    os.abort()


def _hang(source, output):
    while True:
        pass


def _wait(source, output):
    time.sleep(600)


def _bloat(source, output):
    # Pages of its own: what the parent of this process has freed would be taken before.
    with mmap.mmap(-1, 300 * 2**20) as grown:
        for page in range(0, len(grown), mmap.PAGESIZE):
            grown[page] = 1


def _escape(source, output):
    (source.parent / "escaped").write_text("outside")


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        (_clean, sandbox.CLEAN),
        (_clear, sandbox.CLEAR),
        (_unclear, sandbox.UNCLEAR),
        (_crash, sandbox.UNCLEAR),
        (_die, sandbox.DIED),
        (_hang, sandbox.HUNG),
        (_wait, sandbox.HUNG),
        (_bloat, sandbox.BLOATED),
        (_escape, sandbox.ESCAPED),
    ],
)
def test_what_a_reader_does_is_seen(read, outcome, tmp_path, monkeypatch):
    wall_seconds = 5.0 if read is _wait else 120.0  # a busy machine lets the others wait, too
    limits = {"MAX_SECONDS": 1.0, "_MAX_WALL_SECONDS": wall_seconds, "MAX_MEGABYTES": 200}
    for name, value in limits.items():
        monkeypatch.setattr(sandbox, name, value)

    def read_damaged(source, output):
        if (source / "index").read_text() == "1":
            read(source, output)

    case = sandbox.Case(lambda index, to: (to / "index").write_text(str(index)), read_damaged)
    verdicts = sandbox.run(case, [0, 1, 2], tmp_path, num_workers=1)
    assert [item.outcome for item in verdicts] == [sandbox.CLEAN, outcome, sandbox.CLEAN]


def test_a_reader_that_refuses_what_is_whole_ends_the_run(tmp_path):
    case = sandbox.Case(lambda index, to: None, _clear)
    with pytest.raises(RuntimeError, match="refuses the valid input: .*other bytes"):
        sandbox.run(case, [0], tmp_path, num_workers=1)


def test_scripts_flags_are_found():
    assert "evaluate" in script_flags.SCRIPTS and "command" not in script_flags.SCRIPTS
    expected = {"target", "seed", "layers", "shard", "asr", "data_dir", "output_dir"}
    assert expected <= set(script_flags.flag_names("evaluate"))


def test_a_small_run_finds_nothing():
    program = [sys.executable, str(_ROOT / "benchmarks" / "reliability.py"), "--inputs=150"]
    groups = "--readers=audio,corpora,results folders,checkpoint"
    done = subprocess.run([*program, groups], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["inputs"] == result["clean"] + result["clear"] >= 150
    assert result["audio_inputs"] >= 148
    assert min(result["clean"], result["clear"]) > 50
