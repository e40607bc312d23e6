r"""Writes the site's results pages: one per target, with figures and sentences to listen to.

  python scripts/evaluate.py --target=yamnet --data_dir=scripts/demo_speech --split=all \
      --output_dir=results/yamnet_demo
  python tools/make_results_pages.py --results_dirs=results/yamnet_demo,results/yamnet_lj050

Every folder is in the tables of its target; the sentences come from those that were measured on the
bundled speech, which may be published. The pages go into docs/results, and into the site's menu.
"""

import pathlib
import re
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

import command
import path_flags
from vggish_inversion import results

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_RESULTS_DIRS = path_flags.define_paths_flag(
    "results_dirs", None, "Of scripts/evaluate.py.", required=True
)
_UTTERANCES = flags.DEFINE_list("utterances", ["slt-train", "awb-doctor"], "To listen to.")
_SPEECH = flags.DEFINE_string("speech", "demo_speech", "Corpus of those utterances.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", str(_ROOT / "docs" / "results"), "For the pages.")
_MENU = flags.DEFINE_string("menu", str(_ROOT / "mkdocs.yml"), "Whose menu names the pages.")

# The menu's entry, and the lines below it that this script writes.
_ENTRY = re.compile(r"^( +)- Listen:\n(?:\1 +- results/.*\n)*", re.MULTILINE)


def main():
    """Writes pages and menu, and prints what was written."""
    from vggish_inversion import report
    from vggish_inversion.files import apart

    written = [pathlib.Path(_OUTPUT_DIR.value, "media")]
    apart.check_apart(read=_RESULTS_DIRS.value, written=written)
    pages = report.write_gallery(
        [results.read_results(folder) for folder in _RESULTS_DIRS.value],
        _OUTPUT_DIR.value,
        speech=_SPEECH.value,
        utterances=_UTTERANCES.value,
    )
    print(*pages, sep="\n")
    folder, menu = pathlib.Path(_OUTPUT_DIR.value), pathlib.Path(_MENU.value)
    names = [page.name for page in sorted(folder.glob("*.md"))]
    text, num_found = _ENTRY.subn(
        lambda match: "\n".join(
            [f"{match[1]}- Listen:", *(f"{match[1]}    - results/{name}" for name in names), ""]
        ),
        menu.read_text(encoding="utf-8"),
    )
    if num_found != 1:
        raise ValueError(f"{menu} has no menu entry 'Listen:'; add one")
    menu.write_text(text, encoding="utf-8")
    num_bytes = sum(path.stat().st_size for path in folder.rglob("*.*"))
    print(f"{num_bytes / 1e6:.2f} MB in {folder}")


if __name__ == "__main__":
    command.run(main)
