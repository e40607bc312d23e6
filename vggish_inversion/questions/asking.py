"""Asks the questions, one page after the other: a first within a minute, a better one in time."""

import pathlib
import time
from collections.abc import Sequence

from vggish_inversion import report, results
from vggish_inversion.files import apart, folders
from vggish_inversion.questions import inversion
from vggish_inversion.questions.inquiry import FILE, Inquiry, Times

_MODULES = {"inversion": inversion}


def ask(
    inquiry: Inquiry, questions: Sequence[str] = ("inversion",), *, started: float | None = None
) -> tuple[str, pathlib.Path]:
    """Answers questions, and writes the page twice.

    Args:
        inquiry: what is asked about.
        questions: of `questions.QUESTIONS`.
        started: by `time.monotonic`, when its minutes began; now if None.

    Returns:
        One sentence, and the page's path.

    Raises:
        ValueError: if the folder holds something else, or a part cannot be had.
    """
    started = time.monotonic() if started is None else started
    modules = [_MODULES[name] for name in questions]
    recordings = [
        item.path
        for part in (inquiry.speech.heard, inquiry.speech.validation, inquiry.speech.train)
        for item in part
    ]
    written = [part for module in modules for part in module.output_parts(inquiry.output_dir)]
    apart.check_apart(read=recordings, written=written)
    names = ("index.html", "index.json", *results.PARTS)
    apart.check_vacant(inquiry.output_dir, names, mark=FILE)
    Times(inquiry.output_dir)
    with folders.sole_writer(inquiry.output_dir / "training"):
        for module in modules:
            module.first(inquiry)
        page = report.write_page(inquiry.output_dir)
        inquiry.announce(f"a first page after {time.monotonic() - started:.0f} s: {page}")
        for module in modules:
            left = 60 * inquiry.minutes - (time.monotonic() - started)
            module.further(inquiry, left / len(modules))
        return finding(inquiry.output_dir), report.write_page(inquiry.output_dir)


def finding(output_dir: pathlib.Path) -> str:
    """What the results come to, in one sentence: the WER of each condition of summary.csv.

    Raises:
        ResultsError: if the folder holds no results.
    """
    rows = results.read_results(output_dir).summaries
    rates = {row.condition.layer: row.scores["wer"].value for row in rows if "wer" in row.scores}
    said = [f"{layer} {100 * rate:.0f} %" for layer, rate in rates.items()]
    return f"Words that are not recognised: {', '.join(said) or 'none could be counted'}."
