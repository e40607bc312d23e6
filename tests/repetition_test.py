"""Nothing is written twice, and a module is one concept: no longer than one sitting, no scrap."""

import ast
import collections
import pathlib

_ROOT = pathlib.Path(__file__).parents[1]
_FOLDERS = ("vggish_inversion", "scripts", "tools", "benchmarks")
_RUN = 10
_LEAST_LINES, _MOST_LINES = 60, 250
# Of the package; what is shorter belongs to the module that it serves.
_MAY_BE_SHORT = {"report/extra.py", "report/numbers.py"}  # until the page's rooms are settled


def _modules() -> dict[str, str]:
    paths = [path for folder in _FOLDERS for path in sorted((_ROOT / folder).rglob("*.py"))]
    return {path.relative_to(_ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def code_lines(text: str) -> list[tuple[int, str]]:
    """Lines and their numbers, but for imports, docstrings, comments and blanks."""
    left_out = set()
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
            left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [
        (number, line)
        for number, line in lines
        if line and not line.startswith("#") and number not in left_out
    ]


def repeated_runs(modules: dict[str, str], length: int = _RUN) -> list[list[str]]:
    """Where the same run of lines begins, twice or more."""
    places = collections.defaultdict(list)
    for name, text in modules.items():
        lines = code_lines(text)
        for first in range(len(lines) - length + 1):
            run = tuple(line for _, line in lines[first : first + length])
            places[run].append(f"{name}:{lines[first][0]}")
    return [found for found in places.values() if len(found) > 1]


def test_repetition_is_found_whatever_stands_between():
    body = [f"value_{number} = {number}" for number in range(10)]
    one = "import a\n\n" + "\n".join(body)
    other = '"""Text."""\nimport b\n\nif b:\n    # why\n    ' + "\n\n    ".join(body)
    assert repeated_runs({"one.py": one, "other.py": other}) == [["one.py:3", "other.py:6"]]
    assert repeated_runs({"one.py": one, "other.py": other.replace("value_5", "v")}) == []
    docstring = '"""' + "\n".join(body) + '"""'
    assert repeated_runs({"one.py": docstring, "other.py": docstring}) == []


def test_no_ten_lines_stand_twice():
    modules = _modules()
    assert len(modules) > 100
    assert repeated_runs(modules) == []


def test_no_module_is_too_long():
    longer = {name for name, text in _modules().items() if len(text.splitlines()) > _MOST_LINES}
    assert not longer


def test_no_module_of_the_package_is_a_scrap():
    package = "vggish_inversion/"
    short = {
        name.removeprefix(package)
        for name, text in _modules().items()
        if name.startswith(package) and len(text.splitlines()) < _LEAST_LINES
    }
    scraps = {name for name in short if pathlib.PurePath(name).name != "__init__.py"}
    assert scraps <= _MAY_BE_SHORT
