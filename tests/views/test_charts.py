"""Where a chart draws a value is where its own tick labels say; every point, line and name is inside it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from attribution import explain
from attribution.evidence.faithfulness.measure import measure
from attribution.lab.internals import look_inside
from attribution.methods import METHODS
from attribution.rerankers.reranker import Reranker
from attribution.views.curves import level_names, line_style, nice_ticks, style_of
from attribution.views.faithfulness import faithfulness_html
from attribution.views.learn import readout_html

PAIR = ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants and paris more .")
Points = list[tuple[float, float]]


def pair_of(text: str) -> tuple[float, float]:
    x, y = re.findall(r"[\d.-]+", text)
    return float(x), float(y)


class Charts(HTMLParser):
    """Each `<svg>`'s size, grid lines, texts `(x, y, text)`, circles, and paths by their class."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.all: list[Charts] = []
        self.size = (0.0, 0.0)
        self.texts: list[tuple[float, float, str]] = []
        self.circles: Points = []
        self.paths: list[tuple[str, Points]] = []
        self.markers: Points = []
        self._text: tuple[float, float] | None = None
        if html:
            self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag == "svg":
            self.all.append(Charts(""))
            _, _, width, height = got["viewbox"].split()
            self.all[-1].size = (float(width), float(height))
        elif self.all and tag == "path" and re.match(r"M[\d.-]+,", got.get("d", "")):
            numbers = [tuple(map(float, p.split(","))) for p in re.findall(r"[\d.-]+,[\d.-]+", got["d"])]
            self.all[-1].paths.append((got["class"], [(x, y) for x, y in numbers]))
            if got["class"] == "rl-marker" and "transform" in got:
                self.all[-1].markers.append(pair_of(got["transform"]))
        elif self.all and tag == "circle" and "cx" in got:
            self.all[-1].circles.append((float(got["cx"]), float(got["cy"])))
        elif self.all and tag == "text":
            self._text = float(got["x"]), float(got["y"])

    def handle_data(self, data: str) -> None:
        if self._text:
            self.all[-1].texts.append((*self._text, data))
            self._text = None

    def named(self, kind: str) -> list[Points]:
        """The points of every path of that class."""
        return [points for name, points in self.paths if name == kind]

    def height_of(self, value: float) -> float:
        """Where the labels at the left put `value`: their text stands 4 below their line."""
        left = min(x for x, _, _ in self.texts)
        ticks = [(float(text.replace("\u2212", "-")), y - 4) for x, y, text in self.texts if x == left]
        values, heights = zip(*sorted(ticks), strict=True)
        assert heights[0] > heights[-1], "more is higher up"
        assert np.allclose(heights, np.interp(values, [values[0], values[-1]], [heights[0], heights[-1]]), atol=0.11)
        assert values[0] <= value <= values[-1]
        return float(np.interp(value, values, heights))

    def within(self) -> bool:
        """All in the box, of which the lines take most, above the row of numbers of x."""
        paths = [path for name, path in self.paths if name != "rl-marker"]  # which is drawn around its point
        numbers = max(y for _, y, text in self.texts if text.isdigit())
        heights = [y for path in paths for _, y in path]
        assert max(heights) < numbers - 8
        assert max(heights) - min(heights) > 0.5 * self.size[1]
        points = [*(point for path in paths for point in path), *self.circles, *((x, y) for x, y, _ in self.texts)]
        return all(0 <= x <= self.size[0] and 0 <= y <= self.size[1] for x, y in points)


def test_the_curves_of_faithfulness(tiny_bert: Reranker) -> None:
    done = {key: explain(tiny_bert, *PAIR, key) for key in ("saliency", "occlusion")}
    measured = measure(tiny_bert, done)
    deletion, insertion = (chart for chart in Charts(faithfulness_html(measured, done)).all if len(chart.paths) > 9)
    for chart, curve in ((deletion, "deletion"), (insertion, "insertion")):
        assert chart.within()
        orders = np.array([getattr(order, curve)[:-1] for order in measured.random.orders])
        expected = [orders.mean(0), *(getattr(scores, curve)[:-1] for scores in measured.methods.values())]
        for points, values in zip(chart.named("rl-line"), expected, strict=True):
            assert [y for _, y in points] == pytest.approx([chart.height_of(v) for v in values], abs=0.6)
            xs = [x for x, _ in points]
            assert np.allclose(xs, np.interp(*shares_and_places(chart, measured.fractions)), atol=0.1)
            assert xs[-1] > 0.8 * chart.size[0]
        assert set(chart.markers) == {point for line in chart.named("rl-line")[1:] for point in line}
        heights = [y for points in chart.named("rl-line") for _, y in points]
        assert max(heights) - min(heights) > 0.2 * chart.size[1]
        (band,) = chart.named("rl-band")
        edges = [*orders.min(0), *orders.max(0)[::-1]]
        assert [y for _, y in band] == pytest.approx([chart.height_of(v) for v in edges], abs=0.6)
        levels = [points[0][1] for points in chart.named("rl-level")]
        ends = (measured.logit, measured.random.orders[0].deletion[-1])
        assert levels == pytest.approx([chart.height_of(v) for v in ends], abs=0.6)
        names = {text: y for _, y, text in chart.texts if text in ("whole", "none")}
        assert [names["whole"], names["none"]] == pytest.approx([y + 4 for y in levels], abs=20)
        label = "removed" if curve == "deletion" else "kept"
        assert [text for _, _, text in chart.texts if "%" in text] == [f"top words {label}, % of the document"]


def test_two_levels_of_one_height_have_names_that_do_not_overlap(tiny_bert: Reranker) -> None:
    done = {"saliency": explain(tiny_bert, *PAIR, "saliency")}
    measured = measure(tiny_bert, done)
    level = replace(measured, logit=measured.random.orders[0].deletion[-1])
    for chart in Charts(faithfulness_html(level, done)).all:
        names = [y for _, y, text in chart.texts if text in ("whole", "none")]
        assert not names or abs(names[0] - names[1]) >= 12


def shares_and_places(chart: Charts, fractions: tuple[float, ...]) -> tuple[list[float], list[float], list[float]]:
    """The shares to look for, and the labels below the chart with their places."""
    bottom = sorted({y for _, y, text in chart.texts if text.isdigit()}, reverse=True)[0]
    labels = [(float(text) / 100, x) for x, y, text in chart.texts if y == bottom and text.isdigit()]
    values, places = zip(*sorted(labels), strict=True)
    return [0.0, *fractions], list(values), list(places)


@pytest.mark.parametrize(("n_layers", "top"), [(1, 4.0), (2, 4.0), (11, 4.0), (30, 4.0), (6, 0.3)])
def test_the_readouts_curve(n_layers: int, top: float, tiny_bert: Reranker) -> None:
    inside = look_inside(tiny_bert, tiny_bert.encode(*PAIR))
    inside = replace(inside, readout=np.linspace(-0.3 * top, top, n_layers + 1, dtype=np.float32) ** 2)
    (chart,) = Charts(readout_html(inside)).all
    assert chart.within()
    assert min(y for _, y in chart.circles) < 0.5 * chart.size[1], "the scale fits the values"
    assert [y for _, y in chart.circles] == pytest.approx([chart.height_of(v) for v in inside.readout], abs=0.6)
    assert chart.named("rl-in-line") == [chart.circles]
    xs = [x for x, _ in chart.circles]
    assert np.diff(xs) == pytest.approx([(xs[-1] - xs[0]) / n_layers] * n_layers, abs=0.2)
    grid = chart.named("rl-in-zero")[0][0]
    assert grid[1] == pytest.approx(chart.height_of(0.0), abs=0.1)
    assert grid[0] == xs[0]
    assert xs[-1] > 0.8 * chart.size[0]
    below = [(x, text) for x, _, text in chart.texts if text == "emb" or (text.isdigit() and x in xs)]
    assert below[0] == (xs[0], "emb")
    assert len(below) == n_layers + 1 if n_layers < 12 else len(below) <= 12
    assert all(text == "emb" or xs[int(text)] == x for x, text in below)


def test_names_of_levels_are_pushed_down_where_they_would_overlap() -> None:
    """By hand: a name stands 4 below its line, and 12 below the name above it."""
    assert level_names({"none": 100.0, "whole": 20.0}) == [("24.0", "whole"), ("104.0", "none")]
    assert level_names({"none": 22.0, "whole": 20.0}) == [("24.0", "whole"), ("36.0", "none")]
    assert level_names({"a": 20.0, "b": 33.0, "c": 33.0}) == [("24.0", "a"), ("37.0", "b"), ("49.0", "c")]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 4.0, [0, 1, 2, 3, 4]),
        (-1.2, 2.9, [-2, 0, 2, 4]),
        (0.0, 1.0, [0, 0.5, 1]),
        (2.0, 2.0, [2.0, 2.0005]),
        (-30.0, 50.0, [-40, -20, 0, 20, 40, 60]),
        (0.0, 0.0, [0, 0.0005]),
        (0.1, 0.9, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_ticks_are_round_and_enclose(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


def test_sixty_styles_differ() -> None:
    assert len({line_style(i) for i in range(60)}) == 60
    neighbours = [(line_style(i), line_style(i + 1)) for i in range(60)]
    assert all(a.colour != b.colour and a.dash != b.dash and a.marker != b.marker for a, b in neighbours)
    assert style_of("own", ["own"]) == line_style(len(METHODS))
    assert [style_of(key) for key in METHODS if not METHODS[key].control] == [
        line_style(i) for i, key in enumerate(METHODS) if not METHODS[key].control
    ]
