"""Makes one self-contained HTML page of a results folder that evaluation wrote, and its numbers.

The numbers are beside the page, under the same name with .json, and the tables are inside of it.

python scripts/make_report.py --results_dir=results/vggish
"""

from absl import flags

import command

_RESULTS_DIR = flags.DEFINE_string(
    "results_dir", None, "Folder with results.csv and summary.csv.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "The page; index.html in the folder if unset.")
_TITLE = flags.DEFINE_string("title", None, "The page's heading, in place of the usual question.")
_MAX_MEDIA = flags.DEFINE_float(
    "max_media_megabytes",
    30.0,
    "Room for sounds and pictures; the first utterance is always heard.",
)


def main():
    """Writes the page and prints its path."""
    from vggish_inversion import report

    page = report.write_page(
        _RESULTS_DIR.value,
        _OUTPUT.value,
        title=_TITLE.value,
        max_media_megabytes=_MAX_MEDIA.value,
    )
    print(page)


if __name__ == "__main__":
    command.run(main)
