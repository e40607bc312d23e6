"""The road of docs/architecture.md holds: a room imports only from rooms to its left."""

import ast
import pathlib

import vggish_inversion

_ROAD = ["files", "audio", "features", "data", "targets", "training", "tasks", "inverters"]
_ROAD += ["vocoders", "asr", "metrics", "results", "reconstruction", "evaluation", "report"]
_ROAD += ["experiments"]
_STRANGERS = {"inverters", "vocoders", "asr", "metrics"}
_PACKAGE = pathlib.Path(vggish_inversion.__file__).parent


def _imports(path: pathlib.Path) -> set[str]:
    """The modules of the road that a file imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in getattr(node, "names", [])]
        module = getattr(node, "module", None)
        if isinstance(node, ast.Import):
            found |= {tuple(name.split(".")) for name in names}
        elif isinstance(node, ast.ImportFrom) and module:
            found |= {(*module.split("."), name) for name in names}
    return {parts[1] for parts in found if parts[0] == _PACKAGE.name and parts[1] in _ROAD}


def _module_of(path: pathlib.Path) -> str:
    return path.relative_to(_PACKAGE).parts[0].removesuffix(".py")


def test_modules_import_only_from_their_left():
    edges = {
        (_module_of(path), imported)
        for path in _PACKAGE.rglob("*.py")
        if path.name != "__init__.py" or path.parent != _PACKAGE
        for imported in _imports(path)
    }
    assert len(edges) > 15, "the reader of imports finds hardly any"
    for module, imported in edges:
        if module != imported:
            assert _ROAD.index(imported) < _ROAD.index(module), f"{module} imports {imported}"
            assert not {module, imported} <= _STRANGERS, f"{module} imports {imported}"


def test_the_road_is_the_package():
    modules = {_module_of(path) for path in _PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert modules == set(_ROAD)
