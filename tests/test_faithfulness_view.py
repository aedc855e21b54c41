"""The faithfulness section: escaped, well-formed, complete and sorted."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from attribution import METHODS, explain
from attribution.evidence.faithfulness import measure, measure_stream
from attribution.evidence.scores import Faithfulness
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from attribution.views.card import verdict_html
from attribution.views.curves import nice_ticks
from attribution.views.faithfulness import faithfulness_html
from attribution.views.templating import Markup

HOSTILE = ("<img src=x onerror=alert(1)>", "Paris </title><script>alert(2)</script> & \"quotes\" <img onerror='x'>")


@pytest.fixture(scope="module")
def measured(tiny_bert: Reranker) -> tuple[Faithfulness, dict[str, Explanation]]:
    keys = ("saliency", "input_x_gradient", "integrated_gradients")
    explanations = {key: explain(tiny_bert, *HOSTILE, key) for key in keys}
    explanations["<img src=x onerror=alert(3)>"] = explanations["saliency"]
    return measure(tiny_bert, explanations), explanations


def test_html_names_every_method_and_escapes(measured: tuple[Faithfulness, dict[str, Explanation]]) -> None:
    result, explanations = measured
    html = faithfulness_html(result, explanations)
    for label in ("Saliency (L1)", "Input x gradient", "Integrated gradients", "Embedding magnitude", "Random order"):
        assert f">{label}" in html
    cards = Markup().join(verdict_html(e, METHODS[e.method], result) for e in explanations.values())
    for text in (html, cards):
        assert "<img" not in text
        assert "<script" not in text
    hostile = "&lt;img src=x onerror=alert(3)&gt;"
    assert html.count(f">{hostile}") + html.count(f"4 {hostile}<") == 3  # legend, table, matrix
    ElementTree.fromstring(f"<div>{cards}</div>")


def test_svg_is_well_formed_and_has_a_line_for_each(measured: tuple[Faithfulness, dict[str, Explanation]]) -> None:
    result, explanations = measured
    root = ElementTree.fromstring(faithfulness_html(result, explanations))
    charts = root.findall(".//svg[@class='rl-chart']")
    assert len(charts) == 2
    for chart in charts:
        labelled = chart.attrib["aria-labelledby"].split()
        assert [chart.find("title").attrib["id"], chart.find("desc").attrib["id"]] == labelled  # type: ignore[union-attr]
        groups = chart.findall("g")
        lines = chart.findall("g/path[@class='rl-line']")
        assert len(lines) == len(result.methods) + 1  # and the random orders' mean
        looks = {
            (g.attrib["class"], *(path.attrib.get("stroke-dasharray", path.attrib["d"]) for path in g)) for g in groups
        }
        assert len(looks) == len(groups)
        left, top, right, bottom = (float(value) for value in chart.attrib["viewBox"].split())
        for line in lines:
            for point in line.attrib["d"].lstrip("M").split("L"):
                x, y = map(float, point.split(","))
                assert left <= x <= right
                assert top <= y <= bottom


def test_the_table_is_sorted_by_comprehensiveness(measured: tuple[Faithfulness, dict[str, Explanation]]) -> None:
    result, explanations = measured
    table = ElementTree.fromstring(faithfulness_html(result, explanations)).findall(".//table")[0]
    column = [row.findall("td")[0].text or "" for row in table.findall("tbody/tr")]
    numbers = [float(cell.split(" ")[0].replace("\u2212", "-")) for cell in column]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == len(result.methods) + 1


def test_what_is_not_measured_yet_is_listed(tiny_bert: Reranker) -> None:
    explanations = {"saliency": explain(tiny_bert, "which city", "paris is the capital", "saliency")}
    pages = [faithfulness_html(result, explanations) for result in measure_stream(tiny_bert, explanations)]
    assert ["not measured yet" in page for page in pages] == [True, False]


def test_a_fallback_is_named(tiny_bert: Reranker) -> None:
    fallen = {"saliency": explain(tiny_bert, "which city", "paris is the capital", "saliency", leaf="clone")}
    assert "Saliency (L1) (ran: Embedding magnitude)" in faithfulness_html(measure(tiny_bert, fallen), fallen)


@pytest.mark.parametrize(("low", "high"), [(-4.25, 3.1), (0.0, 0.0), (1e-7, 2e-7), (-1200.0, 35.0), (2.0, 2.04)])
def test_ticks_enclose_the_values(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low <= high <= ticks[-1]
    assert 2 <= len(ticks) <= 7
    assert ticks == sorted(set(ticks))
