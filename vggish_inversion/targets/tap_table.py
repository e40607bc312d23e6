"""A target's taps as a table: shape, activation, values per second, receptive field."""

from collections.abc import Sequence

from vggish_inversion import features
from vggish_inversion.targets import encoder, receptive_field

COLUMNS = ("layer", "shape", "activation", "values/s", "receptive field", "ms")
_WHOLE_PATCH = "whole patch"


def tap_rows(target: encoder.TargetEncoder) -> list[tuple[str, ...]]:
    """One row per tap, in the columns of `COLUMNS`.

    Values per second count the values of one patch per hop of patches. A receptive field is that of
    a value in the middle, in frames x bands of the patch, and its length in milliseconds of audio.
    """
    params = target.log_mel
    hop_seconds = params.patch_hop_frames * params.hop_seconds
    fields = receptive_field.receptive_fields(target)
    return [
        (
            tap.name,
            " x ".join(map(str, tap.shape)),
            tap.activation,
            f"{round(tap.num_values / hop_seconds):,}",
            *_field(fields[tap.name], params),
        )
        for tap in target.taps
    ]


def _field(field: receptive_field.Field, params: features.LogMelParams) -> tuple[str, str]:
    patch = (params.patch_frames, params.num_bands)
    frames, bands = (
        length if span is None else min(span.size, length)
        for span, length in zip(field, patch, strict=True)
    )
    text = _WHOLE_PATCH if (frames, bands) == patch else f"{frames} x {bands}"
    seconds = params.window_seconds + (frames - 1) * params.hop_seconds
    return text, f"{1000 * seconds:.0f}"


def format_text(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns for a terminal."""
    table = [COLUMNS, *rows]
    widths = [max(len(row[index]) for row in table) for index in range(len(COLUMNS))]
    lines = (
        "  ".join(
            cell.rjust(width) if name in ("values/s", "ms") else cell.ljust(width)
            for name, cell, width in zip(COLUMNS, row, widths, strict=True)
        )
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def format_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    rules = ["---:" if name in ("values/s", "ms") else "---" for name in COLUMNS]
    named = [(f"`{row[0]}`", *row[1:]) for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [COLUMNS, rules, *named])
