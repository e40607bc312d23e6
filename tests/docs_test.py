"""The documentation: its Python runs, its commands have real flags, the site has its pages."""

import ast
import contextlib
import importlib
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap

import keras
import pytest
import tensorflow as tf
import yaml

import vggish_inversion
from tests import imports_test
from vggish_inversion.targets import loading

_ROOT = pathlib.Path(__file__).parents[1]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```(?:bash|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:python ((?:scripts|tools)/\w+)\.py|vggish-inversion (\w+)) (--.*)")

# Parses each command's flags and no more. Scripts define the same flags, so each has a process of
# its own.
_CHECK_FLAGS = """
import json, os, runpy, sys
sys.path.insert(0, "scripts")
codes = []
for argv in json.load(sys.stdin):
    if os.fork() == 0:
        sys.argv = [*argv, "--only_check_args"]
        runpy.run_path(argv[0], run_name="__main__")
        os._exit(70)  # it ran, where it should have ended
    codes.append(os.waitstatus_to_exitcode(os.wait()[1]))
print(json.dumps(codes))
"""


def run_blocks(page: str, folder: pathlib.Path) -> dict:
    """Runs a page's Python in a folder that has the repository's scripts; returns its names."""
    (folder / "scripts").symlink_to(_ROOT / "scripts")
    names = {}
    text = (_ROOT / "docs" / page).read_text(encoding="utf-8")
    with contextlib.chdir(folder):
        pathlib.Path("build").mkdir()
        for match in _BLOCK.finditer(text):
            line = text.count("\n", 0, match.start(1))
            code = compile("\n" * line + match[1], page, "exec")  # errors name the page's line
            exec(code, names)
    return names


def assert_names_are_there(code: str) -> None:
    """It compiles, and what it takes of the package by name, the package has."""
    tree = ast.parse(code)
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("vggish_inversion"):
                    modules[alias.asname or alias.name] = importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vggish_"):
            for alias in node.names:
                module = importlib.import_module(node.module or "")
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                modules[alias.asname or alias.name] = getattr(module, alias.name)
    assert modules
    used = [
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    known = [(of, name) for of, name in used if of in modules]
    lacking = [f"{of}.{name}" for of, name in known if not hasattr(modules[of], name)]
    assert not lacking, lacking


def find_commands(text: str) -> list[list[str]]:
    """The scripts that a page's bash and YAML run, with their flags; a shell's variables are 1."""
    commands = []
    for block in _FENCED.finditer(text):
        for script, name, rest in _COMMAND.findall(re.sub(r"\\\n\s*", "", block[1])):
            flags = shlex.split(re.sub(r"\$\w+", "1", rest.partition("||")[0]))
            commands.append([f"{script or f'scripts/{name}'}.py", *flags])
    return commands


def check_flags(commands: list[list[str]]) -> tuple[list[int], str]:
    """The exit codes of parsing the commands' flags, and what was said of them."""
    done = subprocess.run(
        [sys.executable, "-c", _CHECK_FLAGS],
        input=json.dumps(commands),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


class CommandsTest(tf.test.TestCase):
    def test_the_commands_flags_exist(self):
        pages = ("batch_jobs.md", "reproduce.md")
        texts = [(_ROOT / "docs" / page).read_text(encoding="utf-8") for page in pages]
        commands = [find_commands(text) for text in texts]
        scripts = [{pathlib.Path(line[0]).stem for line in lines} for lines in commands]
        expected = {"prepare_dataset", "train_all", "train_inverter", "evaluate", "merge_results"}
        self.assertContainsSubset(expected, scripts[0])
        self.assertLen(
            commands[0],
            len(re.findall(r"(?:(?:scripts|tools)/\w+\.py|inversion \w+) +--", texts[0])),
        )
        self.assertContainsSubset({"evaluate", "make_results_pages", "make_report"}, scripts[1])
        distinct = [list(line) for line in dict.fromkeys(map(tuple, sum(commands, [])))]
        made_up = [["scripts/evaluate.py", "--no_such_flag=1"]]  # the check itself can fail
        codes, stderr = check_flags(distinct + made_up)
        self.assertEqual(codes, [0] * len(distinct) + [2], stderr)

    def test_every_shipped_weight_has_its_command(self):
        text = (_ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
        store = _ROOT / "hub_models"
        for path in store.rglob("config.json"):
            name = path.parent.relative_to(store).as_posix()
            self.assertIn(f"| {name} | `python scripts/", text, "run tools/list_commands.py")


class SiteTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.settings = yaml.safe_load((_ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def test_every_page_is_in_the_nav_once(self):
        def pages(entry):
            if isinstance(entry, str):
                return [entry]
            children = entry.values() if isinstance(entry, dict) else entry or []
            return [page for child in children for page in pages(child)]

        docs = _ROOT / self.settings["docs_dir"]
        there = [path.relative_to(docs).as_posix() for path in docs.rglob("*.md")]
        there += [path.with_suffix(".md").name for path in docs.glob("*.ipynb")]  # by docs/hooks.py
        self.assertCountEqual(pages(self.settings["nav"]), there)

    def test_players_and_pictures_of_the_results_pages_are_there(self):
        pages = sorted((_ROOT / "docs" / "results").glob("*.md"))
        self.assertNotEmpty(pages)
        for page in pages:
            text = page.read_text(encoding="utf-8")
            addresses = re.findall(r'src="([^"]+)"', text)
            for suffix in (".mp3", ".png"):
                self.assertTrue(any(address.endswith(suffix) for address in addresses), page)
            there = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*.*")}
            self.assertContainsSubset(set(addresses), there)
            self.assertRegex(text, r"\| natural \| \d+\.\d \(\d+\.\d to \d+\.\d\) \|")
        num_bytes = sum(path.stat().st_size for path in (_ROOT / "docs/results").rglob("*.mp3"))
        self.assertLess(num_bytes, 2e6)  # sounds are part of every checkout

    def test_a_broken_link_ends_the_build(self):
        kinds = ("not_found", "anchors", "absolute_links", "unrecognized_links")
        links = self.settings["validation"]["links"]
        self.assertEqual({kind: links.get(kind) for kind in kinds}, dict.fromkeys(kinds, "warn"))
        makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
        self.assertIn("mkdocs build --strict", makefile)

    def test_the_api_has_every_public_name_where_it_is_defined(self):
        text = "\n".join(path.read_text(encoding="utf-8") for path in _ROOT.glob("docs/api/*.md"))
        documented = re.findall(r"^::: vggish_inversion\.(\S+)$", text, re.MULTILINE)
        public = [f"{module}.{name}" for name, module in vggish_inversion._PUBLIC.items()]
        self.assertCountEqual(documented, public)
        names = [place.rpartition(".")[2] for place in documented]
        self.assertCountEqual(names, set(vggish_inversion.__all__))


class ArchitectureTest(tf.test.TestCase):
    def test_its_table_has_every_module_of_the_package_and_no_other(self):
        text = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
        table = text.partition("\n## Modules\n")[2]
        named = re.findall(r"^\| `(\S+)\.py` \| \S", table, re.MULTILINE)
        package = _ROOT / "vggish_inversion"
        there = [path.relative_to(package).with_suffix("") for path in package.rglob("*.py")]
        modules = [path.as_posix() for path in there if path.name != "__init__"]
        self.assertGreater(len(modules), 100)
        self.assertCountEqual(named, modules)

    def test_every_file_of_code_that_a_page_names_is_there(self):
        pages = [*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md")]
        roots = (_ROOT, _ROOT / "vggish_inversion")
        named = 0
        for page in pages:
            if page.name == "CHANGELOG.md":  # which tells of the past, too
                continue
            text = page.read_text(encoding="utf-8")
            for path in re.findall(r"(?<![\w./])(?:\w+/)+\w+\.py\b", text):
                named += 1
                self.assertTrue(any((root / path).is_file() for root in roots), (page.name, path))
        self.assertGreater(named, 200)

    def test_its_rooms_are_those_of_the_road(self):
        text = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
        rooms = re.findall(r"^\| `(\w+)/` \| \S", text, re.MULTILINE)
        self.assertEqual(rooms, imports_test._ROAD)


class QuickStartTest(tf.test.TestCase):
    def test_the_page(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            names = run_blocks("quick_start.md", folder)
        rates, sentence = printed.getvalue().splitlines()
        self.assertEqual(list(ast.literal_eval(rates)), ["natural", "true_log_mel", "layer_3"])
        self.assertRegex(sentence, r"^\d+% of the words are wrong$")
        page = (_ROOT / "docs" / "quick_start.md").read_text(encoding="utf-8")
        for line in (rates, sentence):
            self.assertIn(f"prints `{line}`", page)
        readme = (_ROOT / "README.md").read_text(encoding="utf-8")
        three_lines = textwrap.indent(_BLOCK.findall(page)[0].rstrip(), 4 * " ", str.strip)
        self.assertIn(three_lines, readme)
        self.assertIn(names["text"], (_ROOT / "scripts/demo_speech/transcripts.csv").read_text())


class YourOwnNetworkTest(tf.test.TestCase):
    def test_its_code_compiles_and_names_what_is_there(self):
        text = (_ROOT / "docs" / "your_own_network.md").read_text(encoding="utf-8")
        assert_names_are_there("\n".join(_BLOCK.findall(text)))

    @pytest.mark.slow
    def test_the_page(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        names = run_blocks("your_own_network.md", folder)
        made = {path.name for path in (folder / "build" / "mobilenet").iterdir()}
        self.assertContainsSubset({"config.json", "inverter.keras"}, made)
        self.assertTrue((folder / "build" / "slt-train.wav").is_file())

        self.assertGreater(names["accuracy"], 0.8)  # chance is one half
        target = loading.load_target(str(folder / "build" / "detector.keras"))
        layers = ["conv1", "pool1", "conv2", "pool2", "average", "replayed"]
        self.assertEqual([tap.name for tap in target.taps], layers)
        self.assertEqual([tap.name for tap in names["target"].taps], layers)

        # The page's decibels are what they are said to be.
        patches, _ = names["examples"]("slt")
        scaled = keras.ops.multiply(patches, 8.685889638)
        decibels = names["target"].model(patches)["pool1"]
        self.assertAllClose(decibels, target.model(scaled)["pool1"], rtol=1e-4, atol=1e-3)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tf.test.main()
