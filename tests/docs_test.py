"""The Python in the documentation runs, as it is written, and does what the page says."""

import contextlib
import io
import os
import pathlib
import re
import tempfile

import keras
import tensorflow as tf

from vggish_inversion.targets import encoder

_ROOT = pathlib.Path(__file__).parents[1]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


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


class QuickStartTest(tf.test.TestCase):
    def test_the_page(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            names = run_blocks("quick_start.md", folder)
        self.assertRegex(printed.getvalue(), r"^\d+% of the words are wrong\n$")
        page = (_ROOT / "docs" / "quick_start.md").read_text(encoding="utf-8")
        self.assertIn(f"prints `{printed.getvalue().strip()}`", page)
        self.assertIn(names["text"], (_ROOT / "scripts/demo_speech/transcripts.csv").read_text())


class YourOwnNetworkTest(tf.test.TestCase):
    def test_the_page(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        names = run_blocks("your_own_network.md", folder)
        made = {path.name for path in (folder / "build" / "mobilenet").iterdir()}
        self.assertContainsSubset({"config.json", "inverter.keras"}, made)
        self.assertTrue((folder / "build" / "slt-train.wav").is_file())

        self.assertGreater(names["accuracy"], 0.8)  # chance is one half
        target = encoder.load_target(str(folder / "build" / "detector.keras"))
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
