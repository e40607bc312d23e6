"""Spectrogram pictures as small PNG files, and curves over depth as SVG."""

import dataclasses
import struct
import zlib
from collections.abc import Sequence

import matplotlib
import numpy as np

from vggish_inversion.report.markup import Html, join, tag

COLORMAP = "magma"
# Fewer colours than a byte holds: the steps stay below what the eye separates, and files shrink.
_NUM_COLORS = 128

_WIDTH, _HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 16, 62
_SHAPES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "M-4-4h8v8h-8z",
    "M0-5.5L5 4H-5z",
    "M0-5.5L5.5 0L0 5.5L-5.5 0z",
)


def spectrogram_png(log_mel: np.ndarray, *, low: float, high: float) -> bytes:
    """A picture of a log-mel spectrogram, one pixel a value.

    Args:
        log_mel: `[frames, bands]` float, natural log.
        low: the value of the darkest colour.
        high: the value of the brightest.

    Returns:
        A PNG file, frames wide and bands high: time runs right, frequency up.
    """
    scaled = (np.asarray(log_mel, np.float32).T[::-1] - low) / max(high - low, 1e-6)
    indices = np.round(np.clip(scaled, 0.0, 1.0) * (_NUM_COLORS - 1)).astype(np.uint8)
    height, width = indices.shape
    # Each line of a PNG starts with its filter; 0 (none) is right for indexed colours.
    lines = np.hstack([np.zeros((height, 1), np.uint8), indices])
    palette = matplotlib.colormaps[COLORMAP](np.linspace(0, 1, _NUM_COLORS), bytes=True)[:, :3]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _png_chunk(kind, body)
        for kind, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", np.ascontiguousarray(palette).tobytes()),
            (b"IDAT", zlib.compress(lines.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@dataclasses.dataclass(frozen=True)
class Point:
    """A value at one layer, with its interval if it has one."""

    layer: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclasses.dataclass(frozen=True)
class Curve:
    """Points of one inverter over depth."""

    label: str
    points: tuple[Point, ...]


@dataclasses.dataclass(frozen=True)
class Axis:
    """The vertical axis: values are multiplied by `scale` and written with `decimals`."""

    label: str
    scale: float
    decimals: int
    step: float
    at_least: float


def curves_svg(
    layers: Sequence[str],
    curves: Sequence[Curve],
    floors: Sequence[tuple[str, float]],
    axis: Axis,
) -> Html:
    """Curves over the layers, with horizontal lines for the references.

    Args:
        layers: in depth order; they are spread evenly.
        curves: told apart by marker and dash as well as by colour.
        floors: the label and value of each reference line.
        axis: what is measured.

    Returns:
        An `svg` element whose title and description tell the same to a screen reader.
    """
    drawn = [point for curve in curves for point in curve.points]
    tops = [point.high if point.high is not None else point.value for point in drawn]
    highest = max([*tops, *(value for _, value in floors)], default=0.0) * axis.scale
    num_steps = int(max(np.ceil(highest / axis.step), np.ceil(axis.at_least / axis.step), 1))
    top = num_steps * axis.step

    def x_of(layer: str) -> float:
        return _LEFT + (layers.index(layer) + 0.5) * (_WIDTH - _LEFT - _RIGHT) / len(layers)

    def y_of(value: float) -> float:
        share = min(max(value * axis.scale / top, 0.0), 1.0)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    ticks = [axis.step * index / axis.scale for index in range(num_steps + 1)]
    return tag(
        "svg",
        tag("title", f"{axis.label} by layer"),
        tag("desc", _description(curves, floors, axis)),
        *(_tick(tick, y_of(tick), axis) for tick in ticks),
        *(_layer_label(layer, x_of(layer), slanted=len(layers) > 6) for layer in layers),
        *(
            tag(
                "path", d=f"M{_LEFT} {y_of(value):.1f}H{_WIDTH - _RIGHT}", class_=f"floor floor-{i}"
            )
            for i, (_, value) in enumerate(floors)
        ),
        *(_curve(curve, index, x_of, y_of, axis, curves) for index, curve in enumerate(curves)),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="chart",
    )


def legend_marker(index: int | None = None, *, floor: int | None = None) -> Html:
    """The sample of a curve (by its index) or of a reference line, for a legend."""
    if floor is not None:
        body = tag("path", d="M0 8H32", class_=f"floor floor-{floor}")
    else:
        shape = tag("path", d=_SHAPES[(index or 0) % len(_SHAPES)], transform="translate(16 8)")
        body = tag(
            "g", tag("path", d="M0 8H32", class_="line"), shape, class_=_curve_class(index or 0)
        )
    return tag("svg", body, viewBox="0 0 32 16", width=32, height=16, aria_hidden="true")


def _curve_class(index: int) -> str:
    return f"curve curve-{index % len(_SHAPES)}"


def _curve(curve, index, x_of, y_of, axis, curves) -> Html:
    places = [(x_of(point.layer), y_of(point.value), point) for point in curve.points]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in places) if places else "M0 0"
    parts = [tag("path", d=line, class_="line")]
    # Intervals of several curves at one layer would hide each other.
    offset = 0.0 if len(curves) == 1 else (index - (len(curves) - 1) / 2) * 5
    for x, y, point in places:
        if point.low is not None and point.high is not None:
            low, high = y_of(point.low), y_of(point.high)
            whisker = f"M-4 0H4M0 0V{low - high:.1f}M-4 {low - high:.1f}H4"
            place = f"translate({x + offset:.1f} {high:.1f})"
            parts.append(tag("path", d=whisker, transform=place, class_="whisker"))
        parts.append(
            tag(
                "path",
                tag("title", f"{point.layer}: {_with_interval(point, axis)}"),
                d=_SHAPES[index % len(_SHAPES)],
                transform=f"translate({x:.1f} {y:.1f})",
                class_="marker",
            )
        )
    if len(curves) == 1 and len(places) <= 9:
        for x, y, point in places:
            text = _written(point.value, axis)
            parts.append(tag("text", text, x=f"{x + 7:.1f}", y=f"{y - 7:.1f}", class_="value"))
    return tag("g", *parts, class_=_curve_class(index))


def _tick(value: float, y: float, axis: Axis) -> Html:
    decimals = 0 if axis.scale * axis.step >= 1 else axis.decimals
    text = f"{value * axis.scale:.{decimals}f}"
    return join(
        tag("path", d=f"M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}", class_="grid"),
        tag("text", text, x=_LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end"),
    )


def _layer_label(layer: str, x: float, *, slanted: bool) -> Html:
    y = _HEIGHT - _BOTTOM + (14 if slanted else 20)
    place = f"translate({x + (4 if slanted else 0):.1f} {y})" + (" rotate(-40)" if slanted else "")
    text = layer if len(layer) <= 12 else layer[:11] + "…"
    return tag("text", text, transform=place, text_anchor="end" if slanted else "middle")


def _written(value: float, axis: Axis) -> str:
    return f"{value * axis.scale:.{axis.decimals}f}"


def _with_interval(point: Point, axis: Axis) -> str:
    text = _written(point.value, axis)
    if point.low is None or point.high is None:
        return text
    return f"{text} ({_written(point.low, axis)} to {_written(point.high, axis)})"


def _description(curves, floors, axis: Axis) -> str:
    told = [
        f"{curve.label}: "
        + ", ".join(f"{point.layer} {_with_interval(point, axis)}" for point in curve.points)
        for curve in curves
    ]
    told += [f"{label}: {_written(value, axis)}" for label, value in floors]
    return "; ".join(told) + "."
