"""Flags that take paths: with commas between them, given several times, or both."""

from collections.abc import Sequence

from absl import flags

from vggish_inversion.files import paths

flags.disclaim_key_flags()  # --help lists the flags defined here as the script's own


class _PathsFlag(flags.MultiFlag):
    """A flag whose every occurrence adds a list."""

    def _parse(self, arguments):
        lists = super()._parse(arguments)
        return [path for each in lists for path in ([each] if isinstance(each, str) else each)]

    def _serialize(self, value):
        quoted = ",".join(f'"{path}"' if "," in path else path for path in value or ())
        return f"--{self.name}={quoted}"

    def flag_type(self):
        return "paths, with commas between them; may be repeated"


class _PathsParser(flags.ArgumentParser):
    """One occurrence."""

    syntactic_help = "paths, with commas between them; may be repeated"

    def parse(self, argument):
        """Splits what was given; defaults are lists already."""
        return paths.split_paths(argument) if isinstance(argument, str) else list(argument)


def define_paths_flag(
    name: str,
    default: Sequence[str] | None,
    text: str,
    *,
    required: bool = False,
    flag_values: flags.FlagValues = flags.FLAGS,
) -> flags.FlagHolder:
    """Defines a flag that takes paths; returns its holder, whose value is a list of strings."""
    flag = _PathsFlag(_PathsParser(), None, name, default, text)
    flag.help = text  # MultiFlag's own adds a line that the type says
    return flags.DEFINE_flag(flag, flag_values, required=required)
