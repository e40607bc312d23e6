"""A target's taps as a table: shape, activation, values per second, receptive field; its heads."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from vggish_inversion import features
from vggish_inversion.targets import encoder, receptive_field
from vggish_inversion.targets.taps import Head

COLUMNS = ("layer", "shape", "activation", "values/s", "receptive field", "ms")
_NAMES_SHOWN = 4
_WHOLE_PATCH = "whole patch"
_STATED, _ASSUMED, _OWN = "stated", "assumed", "the network's own"


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
            *_field(fields[tap.name], target.front_end),
        )
        for tap in target.taps
    ]


def head_lines(target: encoder.TargetEncoder) -> list[str]:
    """A line per head: name, number of classes, what makes scores of its logits, first names."""
    rows = [_head_cells(head) for head in target.heads]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([*map(str.ljust, row, widths), _first_names(head.class_names)])
        for row, head in zip(rows, target.heads, strict=True)
    ] or ["none: it tells no classes apart"]


def _head_cells(head: Head) -> tuple[str, str, str]:
    classes = "1 class" if head.num_classes == 1 else f"{head.num_classes} classes"
    return head.name, classes, head.activation


def _first_names(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_NAMES_SHOWN])
    return shown + ("; ..." if len(names) > _NAMES_SHOWN else "")


def _field(field: receptive_field.Field, front_end: features.FrontEnd) -> tuple[str, str]:
    """What a value sees of the network's input, and for how many milliseconds it listens."""
    patch, of_one, step = _input(front_end)
    seen = tuple(
        length if span is None else min(span.size, length)
        for span, length in zip(field, patch, strict=False)
    )
    text = _WHOLE_PATCH if seen == patch else " x ".join(map(str, seen))
    return text, f"{1000 * (of_one + (seen[0] - 1) * step):.0f}"


def _input(front_end: features.FrontEnd) -> tuple[tuple[int, ...], float, float]:
    """The shape of a network's input; seconds of one of its frames, and to the next."""
    if isinstance(front_end, features.LogMelParams):
        shape = (front_end.patch_frames, front_end.num_bands)
        return shape, front_end.window_seconds, front_end.hop_seconds
    if isinstance(front_end, features.Waveform):
        return front_end.shape, 1 / front_end.sample_rate_hz, 1 / front_end.sample_rate_hz
    rate_hz = front_end.sample_rate_hz
    return front_end.shape, front_end.frame_samples / rate_hz, front_end.frame_hop / rate_hz


def front_end_lines(target: encoder.TargetEncoder) -> list[str]:
    """The front end that a target is taken to have: each setting, and where it is known from.

    Bands that no bin of the spectrum falls into are named below: librosa warns of them, too.
    """
    empty = 1 + np.flatnonzero(~features.mel_matrix(target.log_mel).any(axis=0))
    settings = dataclasses.asdict(target.front_end)
    rows = [("axes", target.axes or "frames,bands", _STATED if target.axes else _ASSUMED)]
    rows += [
        (name, f"{value:g}" if isinstance(value, float) else str(value), source)
        for name, value in settings.items()
        for source in (target.front_end_sources.get(name, _OWN),)
    ]
    if not target.front_end_sources:
        rows = rows[1:]
    if not isinstance(target.front_end, features.LogMelParams):
        rows.insert(0, ("front_end", target.front_end.kind, ""))
        frames, bands = target.log_mel.patch_frames, target.log_mel.num_bands
        rows.append(("inverted", f"VGGish's log-mel, {frames} frames x {bands} bands", ""))
    widths = [max(len(row[index]) for row in rows) for index in range(2)]
    lines = [
        f"{name.ljust(widths[0])}  {value.ljust(widths[1])}  {source}"
        for name, value, source in rows
    ]
    if empty.size:
        lines.append(
            f"bands without a bin of an FFT of {target.log_mel.fft_length} samples, always silent: "
            f"{', '.join(map(str, empty[:8]))}{', ...' * (empty.size > 8)}"
        )
    return lines


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
