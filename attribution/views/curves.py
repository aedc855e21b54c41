"""Line charts as inline SVG. Colours come from CSS; dashes and markers tell the lines apart without them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean

WIDTH, HEIGHT = 360, 250  # user units: on a phone one is about one CSS pixel
LEFT, RIGHT, TOP, BOTTOM = 34, 38, 12, 42
LINE_HEIGHT = 12
DASHES = ("none", "7 3", "2 3", "10 3 2 3")
MARKERS = (
    "M-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0",
    "M-3,-3h6v6h-6z",
    "M0,-4L4,3H-4z",
    "M0,-4.4L4.4,0L0,4.4L-4.4,0z",
    "M0,4L4,-3H-4z",
)
N_COLOURS = 6


@dataclass(frozen=True)
class Style:
    """`colour`: a class of faithfulness.css; `dash` and `marker` as SVG has them."""

    colour: str
    dash: str
    marker: str


CONTROL_STYLE = Style("rl-cx", "3 3", "M-3,-3L3,3M-3,3L3,-3")
RANDOM_STYLE = Style("rl-cx", "none", "")
LEVEL_STYLE = Style("rl-c4", "1 3", "")


def line_style(i: int) -> Style:
    """The `i`-th of 60 styles; colour, dash and marker all change from one to the next."""
    return Style(f"rl-c{i % N_COLOURS}", DASHES[i % len(DASHES)], MARKERS[i % len(MARKERS)])


@dataclass(frozen=True)
class Line:
    """One method: its logit at every share of the chart."""

    style: Style
    values: Sequence[float]


@dataclass(frozen=True)
class Chart:
    """`shares`: x, ascending from 0. `band`: the lines of the random orders. `levels`: horizontal lines by name."""

    key: str
    title: str
    description: str
    x_label: str
    shares: Sequence[float]
    lines: Sequence[Line]
    band: Sequence[Sequence[float]]
    levels: Mapping[str, float]


def swatch(style: Style, *, band: bool = False) -> str:
    """A legend's sample of a line, on a piece of the band if it is the random orders'."""
    area = '<path class="rl-band" d="M0,1H34V11H0z"/>' if band else ""
    return (
        f'<svg class="rl-swatch {style.colour}" viewBox="0 0 34 12" aria-hidden="true">{area}'
        f'<path class="rl-line" stroke-dasharray="{style.dash}" d="M0,6H34"/>'
        f'<path class="rl-marker" transform="translate(17,6)" d="{style.marker}"/></svg>'
    )


def chart_svg(chart: Chart) -> str:
    """The chart as one `<svg>` that scales with its box; its text alternative is `title` and `description`."""
    everything = [*chart.levels.values(), *(v for line in chart.lines for v in line.values)]
    everything += [value for order in chart.band for value in order]
    ticks = nice_ticks(min(everything), max(everything))

    def x(share: float) -> float:
        return LEFT + share / chart.shares[-1] * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)

    def points(values: Sequence[float]) -> list[str]:
        return [f"{x(share):.1f},{y(value):.1f}" for share, value in zip(chart.shares, values, strict=True)]

    lows, highs, means = ([pick(at) for at in zip(*chart.band, strict=True)] for pick in (min, max, fmean))
    name = f"rl-chart-{escape(chart.key)}"
    return (
        f'<svg class="rl-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(chart.title)}</title><desc id="{name}-d">{escape(chart.description)}</desc>'
        + "".join(_y_tick(y(tick), tick) for tick in ticks)
        + "".join(_x_tick(x(share), share) for share in chart.shares)
        + f'<text class="rl-axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{escape(chart.x_label)}</text>'
        + f'<path class="rl-band" d="M{"L".join(points(lows) + points(highs)[::-1])}z"/>'
        + _line(Line(RANDOM_STYLE, means), points(means))
        + "".join(
            f'<path class="rl-level" d="M{LEFT},{y(value):.1f}H{WIDTH - RIGHT}"/>' for value in chart.levels.values()
        )
        + "".join(_line(line, points(line.values)) for line in chart.lines)
        + _level_names({label: y(value) for label, value in chart.levels.items()})
        + "</svg>"
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """About five multiples of 1, 2 or 5 times a power of ten that enclose `low` and `high`; at least two."""
    rough = max(high - low, 1e-3) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * i for i in range(first, max(last, first + 1) + 1)]


def _y_tick(y: float, value: float) -> str:
    label = f"{value:.3g}".replace("-", "\u2212")
    return (
        f'<path class="rl-grid" d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="rl-tick rl-end" x="{LEFT - 6}" y="{y + 4:.1f}">{label}</text>'
    )


def _x_tick(x: float, share: float) -> str:
    bottom = HEIGHT - BOTTOM
    return (
        f'<path class="rl-grid" d="M{x:.1f},{bottom}v4"/>'
        f'<text class="rl-tick" x="{x:.1f}" y="{bottom + 16}">{100 * share:.0f}</text>'
    )


def _level_names(heights: Mapping[str, float]) -> str:
    """Each name right of its line, pushed down where two would overlap."""
    texts, free = [], 0.0
    for label, y in sorted(heights.items(), key=lambda item: item[1]):
        free = max(y + 4, free)
        texts.append(f'<text class="rl-tick rl-start" x="{WIDTH - RIGHT + 6}" y="{free:.1f}">{escape(label)}</text>')
        free += LINE_HEIGHT
    return "".join(texts)


def _line(line: Line, points: Sequence[str]) -> str:
    markers = "".join(f'<path class="rl-marker" transform="translate({at})" d="{line.style.marker}"/>' for at in points)
    return (
        f'<g class="{line.style.colour}"><path class="rl-line" stroke-dasharray="{line.style.dash}" '
        f'd="M{"L".join(points)}"/>{markers}</g>'
    )
