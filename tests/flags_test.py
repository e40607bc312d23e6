"""--help of every script: all its flags, before anything heavy has loaded, and exit code 0."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from vggish_inversion.experiments import comanducci_2021
from vggish_inversion.inverters import config as inverter_config
from vggish_inversion.inverters import network
from vggish_inversion.reconstruction import tflite
from vggish_inversion.training import optimizers
from vggish_inversion.vocoders import config as vocoder_config
from vggish_inversion.vocoders import training as vocoder_training

_ROOT = pathlib.Path(__file__).parents[1]
_SCRIPTS = sorted(
    path
    for path in (*_ROOT.glob("scripts/*.py"), *_ROOT.glob("tools/*.py"))
    if path.stem != "command" and not path.stem.endswith("_flags")
)
_HEAVY = ("tensorflow", "keras", "jax", "torch", "transformers", "librosa", "matplotlib", "scipy")
_DEFINITION = re.compile(r"DEFINE_\w+\(\s*\"(\w+)\"|define_choices_flag\(\s*\"(\w+)\"")

# Each program in a process of its own, forked, for they define the same flags.
_RUN = """
import contextlib, io, json, os, runpy, sys
sys.path.insert(0, "scripts")
found = []
for path, flag in json.load(sys.stdin):
    read, write = os.pipe()
    if os.fork() == 0:
        out, err, code = io.StringIO(), io.StringIO(), 70
        sys.argv = [path, flag]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                runpy.run_path(path, run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
        from absl import flags
        modules = flags.FLAGS.flags_by_module_dict()
        names = [item.name for module in modules for item in modules[module]
                 if not module.startswith("absl")]
        with open(write, "w") as file:
            json.dump([code, out.getvalue(), err.getvalue(), sorted(sys.modules), names], file)
        os._exit(0)
    os.close(write)
    found.append(json.loads(open(read).read()))
    os.wait()
print(json.dumps(found))
"""


def _run(commands: list[tuple[str, str]]) -> list[tuple]:
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps(commands),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def helps():
    paths = [path.relative_to(_ROOT).as_posix() for path in _SCRIPTS]
    return dict(zip(paths, _run([(path, "--help") for path in paths]), strict=True))


def test_every_flag_is_in_the_help(helps):
    assert len(helps) > 20
    for path, (code, out, err, _, names) in helps.items():
        assert (code, err) == (0, ""), path
        # By hand, too: what its own source defines.
        source = (_ROOT / path).read_text(encoding="utf-8")
        own = {name for pair in _DEFINITION.findall(source) for name in pair if name}
        assert own <= set(names), path
        shown = set(re.findall(r"^  --(?:\[no\])?(\w+):", out, re.MULTILINE))
        assert shown == set(names), path


def test_the_help_of_evaluate_and_of_train_inverter(helps):
    """What users asked for and did not find."""
    for flag in ("target", "layers", "data_dir", "split", "vocoder", "asr", "metrics", "shard"):
        assert f"\n  --{flag}:" in helps["scripts/evaluate.py"][1]
    for flag in ("target", "layer", "epochs", "batch_size", "learning_rate", "seed", "strategy"):
        assert f"\n  --{flag}:" in helps["scripts/train_inverter.py"][1]
    assert "\n  --[no]jit_compile:" in helps["scripts/train_inverter.py"][1]


def test_nothing_heavy_is_loaded_for_it(helps):
    for path, (_, _, _, modules, _) in helps.items():
        assert not set(_HEAVY) & set(modules), path


def test_a_wrong_flag_is_told_as_soon():
    paths = ["scripts/evaluate.py", "scripts/reconstruct.py", "tools/store_inverters.py"]
    for path, (code, _, err, modules, _) in zip(
        paths, _run([(path, "--no_such_flag") for path in paths]), strict=True
    ):
        assert code == 2
        assert err.count("error:") == 1 and "no_such_flag" in err
        assert f"see: python {path} --help" in err
        assert not set(_HEAVY) & set(modules), path


def test_choices_are_the_librarys():
    """Named where nothing heavy is imported, they are what there is."""
    assert inverter_config.PRESETS == network.PRESETS
    assert tuple(optimizers.OPTIMIZERS) == inverter_config.OPTIMIZERS
    assert sorted(vocoder_config.GENERATORS) == sorted(vocoder_training.GENERATORS)
    tflite_script = (_ROOT / "scripts/export_tflite.py").read_text(encoding="utf-8")
    assert json.dumps(tflite.PRECISIONS).strip("[]") in tflite_script
    paper = (_ROOT / "scripts/reproduce_paper.py").read_text(encoding="utf-8")
    assert json.dumps([*comanducci_2021.RECIPES]) in paper
