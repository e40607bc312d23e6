"""The road of docs/architecture.md holds: a room imports only from rooms to its left.

Within a room, too, no module needs itself: imports inside functions are imports as well.
"""

import ast
import graphlib
import pathlib
import textwrap

import vggish_inversion

_ROAD = ["files", "audio", "features", "data", "targets", "training", "tasks", "inverters"]
_ROAD += ["vocoders", "asr", "metrics", "results", "reconstruction", "evaluation", "report"]
_ROAD += ["questions", "experiments"]
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


def _imported_modules(name: str, path: pathlib.Path, modules: dict[str, pathlib.Path]) -> set[str]:
    """The modules among `modules` that a file names in imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            above = above[: len(above) - node.level + 1] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            below = {f"{start}.{alias.name}" for alias in node.names}
            named = {item if item in modules else start for item in below}
        else:
            continue
        found |= named & modules.keys()
    return found - {name}


def _modules_below(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    return {
        ".".join(path.relative_to(folder.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in folder.rglob("*.py")
    }


def circle(modules: dict[str, pathlib.Path]) -> list[str]:
    """The modules of one circle of imports, the first again at the end; empty if there is none."""
    needs = {name: _imported_modules(name, path, modules) for name, path in modules.items()}
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_a_circle_is_found_wherever_the_import_stands(tmp_path):
    room = tmp_path / "house" / "room"
    room.mkdir(parents=True)
    for folder in (room, room.parent):
        (folder / "__init__.py").touch()
    texts = {
        "a": "from house.room import b",
        "b": "import house.room.c as c",
        "c": "def f():\n    if f:\n        from . import a\n    return a",
    }
    for name, text in texts.items():
        (room / f"{name}.py").write_text(textwrap.dedent(text))
    found = circle(_modules_below(room.parent))
    assert found[0] == found[-1]
    assert set(found) == {"house.room.a", "house.room.b", "house.room.c"}
    (room / "c.py").write_text("from house.room import d\nfrom house import other")
    assert circle(_modules_below(room.parent)) == []
    (room / "__init__.py").write_text("from house.room.a import f")
    (room / "c.py").write_text("from house import room")  # which holds the names of a
    assert "house.room" in circle(_modules_below(room.parent))


def test_no_module_needs_itself():
    modules = _modules_below(_PACKAGE)
    assert len(modules) > 150, "the walk finds hardly any"
    assert circle(modules) == []
