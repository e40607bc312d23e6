"""Every script with flags drawn at random, and paths that lead nowhere: it ends with one line."""

import contextlib
import os
import pathlib
import random
import re
import runpy
import sys

from fuzzing import mutations, sandbox

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SCRIPTS_DIR = _ROOT / "scripts"
# demo and make_demo_speech do their whole job without a flag; their flags are parsed, no more.
_PARSED_ALONE = ("demo", "make_demo_speech", "smoke")
_PATHS = {
    path.stem: path
    for path in (*_SCRIPTS_DIR.glob("*.py"), *_ROOT.glob("tools/*.py"))
    if path.stem != "command" and not path.stem.endswith("_flags")
}
SCRIPTS = sorted(_PATHS)
_ONE_LINE = re.compile(r"^(?:FATAL Flags parsing error:|error:) .+", re.MULTILINE)
_DEFINITION = re.compile(r"(?:DEFINE_\w+|define_\w+_flag)\(\s*\"(\w+)\"")
_SHARED = ("target", "target_weights", "seed", "patch_hop_frames", "strategy")
_VALUES = ("", "-1", "0", "1", "2/3", "0/0", "1e9", "true", "all", "layer_1", "layer_1,layer_1")
_VALUES += ("untrained", "absent", "absent/absent", ".", "..", "empty", "file", "file,empty", "/")
_VALUES += ("small_encoder/speech_commands", "small_encoder/../..", "l1", "paper", "griffin_lim")
_VALUES += (
    "pocketsphinx",
    "float32",
    "train",
    "http://127.0.0.1:9/a",
    "/dev/null",
    "ä",
    "x" * 5000,
)


def flag_names(script: str) -> list[str]:
    """The flags that a script and those whose flags it shares define, read from their sources."""
    sources = [_PATHS[script], *_SCRIPTS_DIR.glob("*_flags.py")]
    text = sources[0].read_text(encoding="utf-8")
    for path in sources[1:]:
        text += path.read_text(encoding="utf-8") if f"import {path.stem}" in text else ""
    found = set(_DEFINITION.findall(text))
    return sorted(found | {name for name in _SHARED if "define_" in text})


def as_case(script: str, seed: int) -> sandbox.Case:
    """A script's command lines by number; the valid one is --help, as it were."""
    names = flag_names(script)

    def write(index: int | None, folder: pathlib.Path) -> None:
        rng = random.Random(f"{seed}/flags/{script}/{index}")
        (folder / "empty").mkdir()
        (folder / "file").write_bytes(b"words")
        arguments = ["--only_check_args"] if script in _PARSED_ALONE else []
        arguments = ["--help"] if index is None else arguments
        for name in () if index is None else rng.sample(names, rng.randrange(len(names) + 1)):
            value = rng.choice(rng.choice((_VALUES, mutations.HOSTILE_TEXTS[1:-1])))
            arguments.append(f"--{name}={value}".replace("\0", ""))
        if index is not None and rng.random() < 0.1:
            arguments.append(rng.choice(("--no_such_flag", "word", "--", "-", "--=", "--seed")))
        (folder / "arguments").write_bytes("\0".join(arguments).encode("utf-8", "surrogatepass"))

    def read(folder: pathlib.Path, output: pathlib.Path) -> None:
        text = (folder / "arguments").read_bytes().decode("utf-8", "surrogatepass")
        arguments = text.split("\0") if text else []
        code, said = _run(script, arguments, folder)
        lines = _ONE_LINE.findall(said)
        if code == 0 or arguments == ["--help"] and code == 1:
            return
        if code in (1, 2, 3) and len(lines) == 1 and "Traceback" not in said:
            raise ValueError(f"{folder}: {lines[0]}")
        raise RuntimeError(f"{arguments}: exit code {code}: {said}")

    return sandbox.Case(write, read)


def _run(script: str, arguments: list[str], folder: pathlib.Path) -> tuple[int, str]:
    """Exit code and stderr of a script in a process of its own, forked: imports are there."""
    path = folder / "stderr"
    process = os.fork()
    if process == 0:
        code = 70
        with contextlib.suppress(BaseException):
            error = os.open(path, os.O_WRONLY | os.O_CREAT)
            os.dup2(error, 2)
            sys.stderr = open(2, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            os.chdir(folder)
            sys.path.insert(0, str(_SCRIPTS_DIR))
            sys.argv = [f"{script}.py", *arguments]
            _forget_own_program()
            code = 0
            try:
                runpy.run_path(str(_PATHS[script]), run_name="__main__")
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 70 if end.code else 0
            except BaseException:  # noqa: BLE001  (as the interpreter would)
                import traceback

                traceback.print_exc()
                code = 70
            sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(process, 0)
    said = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return os.waitstatus_to_exitcode(status), said


def _forget_own_program() -> None:
    """Removes this program's flags, which scripts define too, and absl's record of its start."""
    from absl import app, flags

    # Or absl would take its start for done, and not look at --only_check_args.
    app._run_init.done = app._register_and_parse_flags_with_usage.done = False
    for name in ("inputs", "seed", "workers", "readers", "failures_dir"):
        if name in flags.FLAGS:
            delattr(flags.FLAGS, name)
    flags.FLAGS.unparse_flags()
