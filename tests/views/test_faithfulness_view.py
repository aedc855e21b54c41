"""The faithfulness section: escaped, well-formed, complete and sorted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from html import unescape
from xml.etree import ElementTree

import pytest

from attribution import explain
from attribution.evidence.faithfulness.measure import measure, measure_stream
from attribution.evidence.faithfulness.scores import Faithfulness, Margin, Spread
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from attribution.views.card import verdict_html
from attribution.views.curves import nice_ticks
from attribution.views.faithfulness import LOWERED, RAISED, faithfulness_html
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
    for label in ("Saliency, L1", "Input x gradient", "Integrated gradients", "Embedding magnitude", "Random order"):
        assert f">{label}" in html
    cards = Markup().join(verdict_html(e, result) for e in explanations.values())
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


def looks(found: Iterable[ElementTree.Element]) -> list[tuple[str, str, str]]:
    """Colour, dash and marker of each line or sample of one."""
    of = [(one, one.find("path[@class='rl-line']"), one.find("path[@class='rl-marker']")) for one in found]
    return [
        (one.attrib["class"].split()[-1], line.attrib["stroke-dasharray"], marker.attrib["d"])
        for one, line, marker in of
        if line is not None and marker is not None
    ]


def test_each_methods_line_is_the_one_of_the_legend_and_of_its_row(
    measured: tuple[Faithfulness, dict[str, Explanation]],
) -> None:
    root = ElementTree.fromstring(faithfulness_html(*measured))
    charts = [looks(chart.findall("g")) for chart in root.findall(".//svg[@class='rl-chart']")]
    assert charts[0] == charts[1]
    mean, *lines = charts[0]
    legend = [(item.findall("svg"), "".join(item.itertext())) for item in root.findall(".//ul[@class='rl-keys']/li")]
    assert [look for sample, _ in legend for look in looks(sample)][:-1] == [*lines, mean]
    assert [name for _, name in legend[-2:]] == [
        "random orders: mean and range",
        "whole, none: with all document words, without any",
    ]
    named = {name: look for sample, name in legend for look in looks(sample)}
    table = root.findall(".//table")[0]
    for row in table.findall("tbody/tr/th"):
        name = (row.findall("svg")[0].tail or "").strip()
        assert looks(row.findall("svg")) == [named.get(name, mean)]
    for line in table.findall("tbody/tr"):
        name = (line.findall("th/svg")[0].tail or "").strip()
        control = name in ("Embedding magnitude", "Random order")
        assert (line.get("class"), line.findtext("th/small")) == (
            ("rl-row-control", "control") if control else (None, None)
        )
        assert bool(line.findall("th/svg/path[@class='rl-band']")) == (name == "Random order"), "they are a band"


def test_a_row_is_good_where_its_method_beats_chance(measured: tuple[Faithfulness, dict[str, Explanation]]) -> None:
    result, explanations = measured
    good_margin, weak = Margin(2.0, 1.0), Margin(0.5, 1.0)
    margins = {"embedding_magnitude": (good_margin, None), "saliency": (weak, good_margin)}
    margins |= {"input_x_gradient": (good_margin, good_margin), "integrated_gradients": (good_margin, weak)}
    judged = {
        key: replace(result.methods[key], over_random=over_random, over_control=over_control)
        for key, (over_random, over_control) in margins.items()
    }
    for n_words, good in ((5, {"input_x_gradient"}), (4, set[str]())):
        page = ElementTree.fromstring(faithfulness_html(replace(result, methods=judged, n_words=n_words), explanations))
        rows = page.findall(".//table")[0].findall("tbody/tr")
        assert {row.get("data-method") for row in rows if row.findall("td[@class='rl-good']")} == good
        told = ["+2.00 ± 1.00", "+2.00 ± 1.00", "+0.50 ± 1.00"] if n_words == 5 else []
        assert sorted("".join(c.itertext()) for c in page.iter("td") if "± 1.00" in "".join(c.itertext())) == sorted(
            told
        )
        notes = [note for note in page.iter("p") if note.get("data-note") == "few-words"]
        assert ["".join(note.itertext()) for note in notes] == [
            f"The document has {n_words} words: too few to tell a method from chance."
        ] * (n_words < 5)


@pytest.mark.parametrize(("n", "wide"), [(1, False), (8, False), (9, True)])
def test_a_matrix_of_many_methods_says_that_it_scrolls(
    n: int, wide: bool, measured: tuple[Faithfulness, dict[str, Explanation]]
) -> None:
    result, explanations = measured
    many = {f"m{i}": explanations["saliency"] for i in range(n)}
    page = ElementTree.fromstring(faithfulness_html(replace(result, methods={}), many))
    matrix = [table for table in page.iter("table") if table.get("class") == "rl-numbers rl-matrix"]
    assert [len(table.findall("tbody/tr")) for table in matrix] == [n] * (n > 1)
    assert any(p.get("class") == "rl-scrolls rl-scrolls-wide" for p in page.iter("p")) == wide


def test_what_is_said_around_the_curves(measured: tuple[Faithfulness, dict[str, Explanation]]) -> None:
    result, explanations = measured
    page = unescape(faithfulness_html(result, explanations))
    deletion, insertion = ElementTree.fromstring(faithfulness_html(result, explanations)).findall(".//figure")
    for figure, caption in ((deletion, "Remove the top words: lower"), (insertion, "Keep only the top words: higher")):
        assert (figure.findtext("figcaption") or "") == f"{caption} is better"
        assert f"{caption} is better" in (figure.findtext("svg/desc") or "")
    assert f"The grey band is {len(result.random.orders)} random orders" in page
    assert f"top {', '.join(f'{100 * share:.0f}' for share in result.fractions)} % of" in page
    for operator, says in (("mask", "the mask token"), ("delete", "deleted")):
        of = replace(result, operator=operator)
        assert says in of.removed
        assert f"Removing: {of.removed}." in unescape(faithfulness_html(of, explanations))


@pytest.mark.parametrize(
    ("logit", "chance", "says"),
    [(0.5, 0.0, ""), (-1.5, 0.0, LOWERED), (0.5, -1.0, RAISED), (0.5, -0.2, ""), (-1.5, -1.0, LOWERED)],
)
def test_a_document_that_lowers_the_score_is_said(
    logit: float, chance: float, says: str, measured: tuple[Faithfulness, dict[str, Explanation]]
) -> None:
    """Against the logit without any word, -1 here; a spread of 0.3 around zero is no rise."""
    result, explanations = measured
    orders = [replace(order, deletion=(*order.deletion[:-1], -1.0)) for order in result.random.orders]
    of = replace(result.random, comprehensiveness=Spread(chance, 0.3, (chance,)), orders=tuple(orders))
    for operator, removing in (("mask", "Masking"), ("delete", "Deleting")):  # the other one may do the opposite
        page = unescape(faithfulness_html(replace(result, logit=logit, random=of, operator=operator), explanations))
        assert [text for text in (LOWERED, RAISED) if text.format(removing) in page] == ([says] if says else [])


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
    assert "Saliency, L1 (ran: Embedding magnitude)" in faithfulness_html(measure(tiny_bert, fallen), fallen)


@pytest.mark.parametrize(("low", "high"), [(-4.25, 3.1), (0.0, 0.0), (1e-7, 2e-7), (-1200.0, 35.0), (2.0, 2.04)])
def test_ticks_enclose_the_values(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low <= high <= ticks[-1]
    assert 2 <= len(ticks) <= 7
    assert ticks == sorted(set(ticks))
