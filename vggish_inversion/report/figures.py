"""Curves over depth as SVG."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from vggish_inversion.report.labels import Measure
from vggish_inversion.report.markup import Html, join, tag
from vggish_inversion.results import Score

_WIDTH, _HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 16, 62
_MAX_STEPS = 8
_SHAPES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "M-4-4h8v8h-8z",
    "M0-5.5L5 4H-5z",
    "M0-5.5L5.5 0L0 5.5L-5.5 0z",
)
_NUM_TONES = 4  # colours of style.css
_DASHES = ("1.5 3.5", "8 4", "8 3 1.5 3", "14 4", "4 3", "14 3 4 3", "1.5 6", "8 3 1.5 3 1.5 3")
_SIDE_STEP = 5.0  # between the markers of several curves at one layer


@dataclasses.dataclass(frozen=True)
class Point:
    """A score at one layer, over so many utterances."""

    layer: str
    score: Score
    num_utterances: int


@dataclasses.dataclass(frozen=True)
class Curve:
    """Points of one inverter over depth."""

    label: str
    points: tuple[Point, ...]


@dataclasses.dataclass(frozen=True)
class Floor:
    """A reference line; lines of one figure are told apart by their dashes."""

    label: str
    score: Score


def curves_svg(
    layers: Sequence[str], curves: Sequence[Curve], floors: Sequence[Floor], measure: Measure
) -> Html:
    """Curves over the layers, with horizontal lines for the references.

    Args:
        layers: in depth order; they are spread evenly.
        curves: told apart by marker and dash as well as by colour.
        floors: the reference lines.
        measure: what is drawn.

    Returns:
        An `svg` element whose title and description tell the same to a screen reader.
    """
    scores = [point.score for curve in curves for point in curve.points]
    scores += [floor.score for floor in floors]
    tops = [score.value if score.high is None else score.high for score in scores]
    highest = max([measure.at_least, *(top * measure.scale for top in tops)])
    step = measure.step
    while highest / step > _MAX_STEPS:
        step *= 2
    num_steps = int(np.ceil(highest / step))

    def x_of(layer: str) -> float:
        return _LEFT + (layers.index(layer) + 0.5) * (_WIDTH - _LEFT - _RIGHT) / len(layers)

    def y_of(value: float) -> float:
        share = min(max(value * measure.scale / (num_steps * step), 0.0), 1.0)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    return tag(
        "svg",
        tag("title", f"{measure.name} by layer"),
        tag("desc", _description(curves, floors, measure)),
        *(
            _tick(step * index, y_of(step * index / measure.scale), whole=step >= 1)
            for index in range(num_steps + 1)
        ),
        *(_layer_label(layer, x_of(layer), slanted=len(layers) > 6) for layer in layers),
        *(
            _floor_line(index, f"M{_LEFT} {y_of(floor.score.value):.1f}H{_WIDTH - _RIGHT}")
            for index, floor in enumerate(floors)
        ),
        *(
            _curve(curve, index, x_of, y_of, measure, num_curves=len(curves))
            for index, curve in enumerate(curves)
        ),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="chart",
    )


def legend_marker(index: int = 0, *, floor: int | None = None) -> Html:
    """The sample of a curve or of a reference line, by its index, for a legend."""
    if floor is not None:
        body = _floor_line(floor, "M0 8H32")
    else:
        shape = tag("path", d=_shape(index), transform="translate(16 8)")
        body = tag("g", tag("path", d="M0 8H32", class_="line"), shape, class_=_curve_class(index))
    return tag("svg", body, viewBox="0 0 32 16", width=32, height=16, aria_hidden="true")


def _shape(index: int) -> str:
    """Shifted by one with every turn of the colours: sixteen curves look different."""
    return _SHAPES[(index + index // _NUM_TONES) % len(_SHAPES)]


def _curve_class(index: int) -> str:
    return f"curve curve-{index % _NUM_TONES}"


def _floor_line(index: int, path: str) -> Html:
    return tag("path", d=path, class_="floor", stroke_dasharray=_DASHES[index % len(_DASHES)])


def _curve(
    curve: Curve,
    index: int,
    x_of: Callable[[str], float],
    y_of: Callable[[float], float],
    measure: Measure,
    *,
    num_curves: int,
) -> Html:
    # Side by side, for intervals of several curves at one layer would hide each other.
    offset = (index - (num_curves - 1) / 2) * min(_SIDE_STEP, 24 / num_curves)
    places = [
        (x_of(point.layer) + offset, y_of(point.score.value), point) for point in curve.points
    ]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in places) if places else "M0 0"
    parts = [tag("path", d=line, class_="line")]
    for x, y, point in places:
        if point.score.low is not None and point.score.high is not None:
            low, high = y_of(point.score.low), y_of(point.score.high)
            whisker = f"M-4 0H4M0 0V{low - high:.1f}M-4 {low - high:.1f}H4"
            place = f"translate({x:.1f} {high:.1f})"
            parts.append(tag("path", d=whisker, transform=place, class_="whisker"))
        parts.append(
            tag(
                "path",
                tag("title", _told(point, measure)),
                d=_shape(index),
                transform=f"translate({x:.1f} {y:.1f})",
                class_="marker",
            )
        )
    if num_curves == 1 and len(places) <= 9:
        for x, y, point in places:
            text = measure.write(point.score.value)
            # Near the right edge there is no room beside the marker.
            before = x > _WIDTH - _RIGHT - 40
            place = {"x": f"{x + (-7 if before else 7):.1f}", "y": f"{y - 7:.1f}"}
            anchor = "end" if before else None
            parts.append(tag("text", text, **place, text_anchor=anchor, class_="value"))
    return tag("g", *parts, class_=_curve_class(index))


def _tick(scaled: float, y: float, *, whole: bool) -> Html:
    return join(
        tag("path", d=f"M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}", class_="grid"),
        tag(
            "text",
            f"{scaled:.{0 if whole else 2}f}",
            x=_LEFT - 8,
            y=f"{y + 4:.1f}",
            text_anchor="end",
            class_="tick",
        ),
    )


def _layer_label(layer: str, x: float, *, slanted: bool) -> Html:
    y = _HEIGHT - _BOTTOM + (14 if slanted else 20)
    place = f"translate({x + (4 if slanted else 0):.1f} {y})" + (" rotate(-40)" if slanted else "")
    text = layer if len(layer) <= 12 else layer[:11] + "…"
    return tag("text", text, transform=place, text_anchor="end" if slanted else "middle")


def _told(point: Point, measure: Measure) -> str:
    return f"{point.layer} {measure.write_score(point.score)}, n = {point.num_utterances}"


def _description(curves: Sequence[Curve], floors: Sequence[Floor], measure: Measure) -> str:
    told = [
        f"{curve.label}: " + "; ".join(_told(point, measure) for point in curve.points)
        for curve in curves
    ]
    told += [f"{floor.label} {measure.write_score(floor.score)}" for floor in floors]
    return ". ".join(told) + "."
