r"""Lists the layers of a target that can be inverted: shape, values per second, receptive field.

Below them stand its heads, where it tells classes apart, and the front end that it is taken to
have: what was stated for a network of your own (docs/your_own_network.md), and what is assumed.

  python scripts/list_taps.py --target=vggish
  python scripts/list_taps.py --target=path/to/model.keras --markdown

Weights do not matter here, so published weights are not fetched unless they are named.
"""

from absl import flags

import command
import target_flags

_LOAD_TARGET = target_flags.define_target_flags()
_MARKDOWN = flags.DEFINE_bool("markdown", False, "Print a table in Markdown.")


def main():
    """Loads the target and prints its table."""
    from vggish_inversion.targets import encoder, loading, tap_table

    is_family = loading.is_family(flags.FLAGS.target)
    target = _LOAD_TARGET(default_weights=encoder.UNTRAINED if is_family else None)
    rows = tap_table.tap_rows(target)
    print(tap_table.format_markdown(rows) if _MARKDOWN.value else tap_table.format_text(rows))
    if not _MARKDOWN.value:
        print("\nheads:", *tap_table.head_lines(target), sep="\n")
        print("\nfront end:", *tap_table.front_end_lines(target), sep="\n")


if __name__ == "__main__":
    command.run(main)
