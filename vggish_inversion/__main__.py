"""Runs a script by its name, from a checkout or from where a wheel was installed.

    python -m vggish_inversion reconstruct --inverter=... --input=speech --output_dir=out

is `python scripts/reconstruct.py ...`; so is the command `vggish-inversion reconstruct ...`.
"""

import pathlib
import runpy
import sys

_PACKAGE = pathlib.Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "scripts", _PACKAGE.parent / "scripts")


def programs() -> dict[str, pathlib.Path]:
    """The scripts by name."""
    root = next((root for root in _ROOTS if root.is_dir()), _ROOTS[-1])
    # command.py and *_flags.py are what the scripts share.
    shared = {root / "command.py", *root.glob("*_flags.py")}
    return {path.stem: path for path in sorted(root.glob("*.py")) if path not in shared}


def main() -> None:
    """Runs the script that the first argument names, with the others; ends with its exit code."""
    scripts, name = programs(), sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name not in scripts:
        asked = name in ("-h", "--help")
        stream = sys.stdout if asked else sys.stderr
        if not asked:
            print(f"error: no script {name!r}", file=stream)
        print("usage: vggish-inversion SCRIPT [--help | flags]; the scripts are:", file=stream)
        print("  " + "\n  ".join(scripts), file=stream)
        sys.exit(0 if asked else 2)
    path = scripts[name]
    sys.argv = [str(path), *sys.argv[2:]]
    sys.path.insert(0, str(path.parent))  # as Python does for a script that it is given
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
