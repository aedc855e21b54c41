"""Line charts as inline SVG. Colours come from CSS; dashes and markers tell the lines apart without them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from attribution.methods import METHODS
from attribution.numbers import coordinate, fixed, number
from attribution.views.templating import Markup, render

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


def style_of(method: str, others: Sequence[str] = ()) -> Style:
    """A method keeps its style from run to run: it is its place in `METHODS`; names of `others` come after them."""
    every = [*METHODS, *(key for key in others if key not in METHODS)]
    return line_style(every.index(method))


def chart_svg(
    key: str,
    shares: Sequence[float],
    lines: Sequence[tuple[Style, Sequence[float]]],
    band: Sequence[Sequence[float]],
    levels: Mapping[str, float],
    **texts: str,
) -> Markup:
    """One `<svg>` that scales with its box. `shares`: x, ascending from 0. `lines`: a logit for each share.

    `band`: the lines of the random orders. `levels`: horizontal lines by name. `texts`: `title` and `description`,
    which are its text alternative; `x_label`.
    """
    everything = [*levels.values(), *(value for _, values in lines for value in values)]
    everything += [value for order in band for value in order]
    ticks = nice_ticks(min(everything), max(everything), about=8)  # small steps: the axis ends near the data

    def x(share: float) -> float:
        return LEFT + share / shares[-1] * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (ticks[-1] - value) / (ticks[-1] - ticks[0]) * (HEIGHT - TOP - BOTTOM)

    def points(values: Sequence[float]) -> list[str]:
        return [f"{coordinate(x(share))},{coordinate(y(value))}" for share, value in zip(shares, values, strict=True)]

    lows, highs, means = ([pick(at) for at in zip(*band, strict=True)] for pick in (min, max, fmean))
    drawing = {
        "name": f"rl-chart-{key}",
        **texts,
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "bottom": HEIGHT - BOTTOM,
        "y_ticks": [(coordinate(y(tick)), coordinate(y(tick) + 4), number(tick)) for tick in ticks],
        "x_ticks": [(coordinate(x(share)), fixed(100 * share, 0)) for share in shares],
        "band": points(lows) + points(highs)[::-1],
        "mean": (RANDOM_STYLE, points(means)),
        "lines": [(style, points(values)) for style, values in lines],
        "levels": [coordinate(y(value)) for value in levels.values()],
        "level_names": level_names({label: y(value) for label, value in levels.items()}),
    }
    return render("chart.html", d=drawing)


def level_names(heights: Mapping[str, float]) -> list[tuple[str, str]]:
    """Height and name of each level, pushed down where two names would overlap."""
    names, free = [], 0.0
    for label, y in sorted(heights.items(), key=lambda item: item[1]):
        free = max(y + 4, free)
        names.append((coordinate(free), label))
        free += LINE_HEIGHT
    return names


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """`about` steps, and never none, of 1, 2 or 5 times a power of ten, that enclose `low` and `high`."""
    rough = max(high - low, 1e-3) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * i for i in range(first, max(last, first + 1) + 1)]
