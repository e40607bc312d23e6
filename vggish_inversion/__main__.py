"""Runs a script by its name, from a checkout or from where a wheel was installed.

    python -m vggish_inversion reconstruct --inverter=... --input=speech --output_dir=out

is the same as `python scripts/reconstruct.py ...`, and as `vggish-inversion reconstruct ...`.
"""

import ast
import difflib
import pathlib
import runpy
import signal
import sys

from vggish_inversion import __version__

_PACKAGE = pathlib.Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "scripts", _PACKAGE.parent / "scripts")
_COMMAND = "vggish-inversion"

# What users want -> the scripts that do it, in the order in which one meets them.
GROUPS = {
    "Hear it": ("listen", "demo", "reconstruct"),
    "Measure it": ("evaluate", "make_report", "merge_results", "evaluate_beam"),
    "Look": ("list_models", "list_taps", "list_small_encoders"),
    "Train": ("train_inverter", "train_all", "prepare_dataset", "train_small_encoder"),
    "Vocoders": ("train_melgan",),
    "Take it elsewhere": ("export_saved_model", "export_tflite", "convert_weights"),
    "Papers": ("reproduce_paper",),
}


def programs() -> dict[str, pathlib.Path]:
    """The scripts by name."""
    root = next((root for root in _ROOTS if root.is_dir()), _ROOTS[-1])
    # command.py and *_flags.py are what the scripts share.
    shared = {root / "command.py", *root.glob("*_flags.py")}
    return {path.stem: path for path in sorted(root.glob("*.py")) if path not in shared}


def overview() -> str:
    """The scripts in groups, each with the first line of its docstring."""
    scripts = programs()
    width = max(map(len, scripts))
    groups = {title: [name for name in names if name in scripts] for title, names in GROUPS.items()}
    strays = sorted(scripts.keys() - {name for names in groups.values() for name in names})
    lines = [f"usage: {_COMMAND} SCRIPT [--help | flags], or {_COMMAND} --version"]
    for title, names in {**groups, "More": strays}.items():
        if names:
            lines += ["", f"{title}:"]
            lines += [f"  {name.ljust(width)}  {_first_line(scripts[name])}" for name in names]
    return "\n".join(lines)


def _first_line(script: pathlib.Path) -> str:
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def _find(name: str) -> pathlib.Path:
    """The script of a name, also where it is spelt as a file or with hyphens; or says what is."""
    scripts = programs()
    spelt = name.removesuffix(".py").replace("-", "_")
    if spelt in scripts:
        return scripts[spelt]
    near = difflib.get_close_matches(spelt, scripts, n=3)
    advice = f"; did you mean {' or '.join(near)}?" if near else ""
    print(f"error: no script {name[:80]!r}{advice}", file=sys.stderr)
    print(f"see: {_COMMAND} --help", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Runs the script that the first argument names, with the others; ends with its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help", "help", "--version"):
        if hasattr(signal, "SIGPIPE"):  # of a reader that has seen enough, nothing is to be said
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        version = f"{_COMMAND} {__version__}"
        print(version if name == "--version" else overview())
        return
    path = _find(name)
    sys.argv = [str(path), *sys.argv[2:]]
    sys.path.insert(0, str(path.parent))  # as Python does for a script that it is given
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
