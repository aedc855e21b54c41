"""The list of the Compare tab before and after its words have colours."""

from __future__ import annotations

import dataclasses
import re

import pytest

from attribution import explain, rank
from attribution.evidence.compare.contrast import Bar, Contrast, Ranked, Ranking, Side
from attribution.rerankers.reranker import Reranker
from attribution.views.compare import Names, Step, rows_html, sentence, waterfall, why_html, words_html
from attribution.views.numbers import logit
from tests.views.test_render import EXPLANATION, read

QUERY = "how many people live in berlin ?"
DOCUMENTS = ["berlin has <b>3.7</b> million inhabitants .", "paris is in france .", "museums in berlin"]


def test_rows_are_whole_without_colours_and_keep_their_text_with_them(tiny_bert: Reranker) -> None:
    ranking = rank(tiny_bert, QUERY, DOCUMENTS)
    names = Names({1: "<i>one</i>", 2: "2", 3: "3"}, a=ranking.rows[0].place, b=ranking.rows[1].place)
    place = ranking.rows[1].place
    coloured = {place: explain(tiny_bert, QUERY, DOCUMENTS[place - 1], "layerwise_relevance")}
    plain, partly = (rows_html(ranking, names, of, by="x", changed={}) for of in ({}, coloured))
    assert "data-v" not in plain
    assert "Words by x" not in plain
    assert partly.count("data-v") == len(DOCUMENTS[place - 1].split())
    assert "Words by x" in partly
    for html in (plain, partly):
        page = read(html)
        assert all(document in page.text for document in DOCUMENTS)
        assert "doc <i>one</i>" in page.text
        assert html.count("rl-rank-A") == html.count("rl-rank-B") == 1


def ranking_of(*logits: float) -> Ranking:
    rows = tuple(Ranked(i, i, f"text {i}", logit, False) for i, logit in enumerate(logits, start=1))
    return Ranking("m", "r", QUERY, rows, len(rows), 0.25)


@pytest.mark.parametrize(
    ("logits", "bars", "zero"),
    [
        ((3.0, 1.0, -1.0), [(25.0, 75.0), (25.0, 25.0), (0.0, 25.0)], 25.0),
        ((4.0, 1.0), [(0.0, 100.0), (0.0, 25.0)], 0.0),
        ((-1.0, -4.0), [(75.0, 25.0), (0.0, 100.0)], 100.0),
        ((0.0, 0.0), [(0.0, 0.0), (0.0, 0.0)], 0.0),
    ],
    ids=["both sides", "above zero", "below zero", "all zero"],
)
def test_bars_of_the_list_are_drawn_to_scale(
    logits: tuple[float, ...], bars: list[tuple[float, float]], zero: float
) -> None:
    """From zero to the logit, on a line from the lowest to the highest of them and zero."""
    names = Names({i: str(i) for i in range(1, 4)}, a=1, b=2)
    html = rows_html(ranking_of(*logits), names, {}, by="x", changed={2: "1 word dropped"})
    drawn = re.findall(r'<i class="rl-(\w+)" style="left:(-?[\d.]+)%;width:(-?[\d.]+)%"></i>', html)
    assert [(float(left), float(width)) for _, left, width in drawn] == bars
    assert [side for side, _, _ in drawn] == ["below" if value < 0 else "above" for value in logits]
    assert set(map(float, re.findall(r'<b style="left:(-?[\d.]+)%"', html))) == {zero}
    assert re.findall(r'rl-rank-logit">([^<]*)', html) == [logit(value, signed=True) for value in logits]
    assert html.count("What if: 1 word dropped") == 1
    assert f"{len(logits)} documents, {len(logits)} forward passes, 0.25 s." in read(html).text


def test_arrows_say_how_many_places_were_won_or_lost() -> None:
    rows = tuple(
        Ranked(rank, place, f"text {place}", -rank, place == 3) for rank, place in enumerate((3, 2, 1), start=1)
    )
    html = rows_html(
        Ranking("m", "r", QUERY, rows, 3, 0.1), Names({1: "1", 2: "2", 3: "3"}, 3, 1), {}, by="", changed={}
    )
    moves = re.findall(r'rl-rank-moved">(.*?)<span class="rl-sr">, given at place (\d)', html)
    assert [(read(move).text, place) for move, place in moves] == [("\u25b22", "3"), ("=", "2"), ("\u25bc2", "1")]
    assert html.count("Truncated: the model did not read all of it") == 1
    pressed = re.findall(r'data-as="(\w)" aria-pressed="(\w+)"', html)
    assert pressed == [("A", "true"), ("B", "false"), ("A", "false"), ("B", "false"), ("A", "false"), ("B", "true")]


DOCUMENT_SIDE = Side(
    segments=("document",),
    bars=(
        Bar("berlin", "first", 0, 6, 2.0),
        Bar("has", "first", 7, 10, -0.5),
        Bar("paris", "second", 0, 5, -1.0),
        Bar("is", "second", 6, 8, 0.25),
    ),
    baseline=0.25,
    remainder=0.0,
)
QUERY_SIDE = Side(("query",), (Bar("people", "query", 0, 6, 1.5), Bar("how", "query", 7, 10, 0.0)), -0.5, 0.006)
CONTRAST = Contrast(
    first=dataclasses.replace(EXPLANATION, document="berlin has", logit=3.0, paths=()),
    second=dataclasses.replace(EXPLANATION, document="paris is", logit=2.0, truncated=True, paths=()),
    method="integrated_gradients",
    difference=1.0,
    sides=(DOCUMENT_SIDE, QUERY_SIDE),
    n_forward=5,
    n_backward=34,
    seconds=0.5,
)


def test_a_waterfall_goes_from_b_to_a_word_by_word_to_scale() -> None:
    """By hand: 2, then 1, 1.25, 1.5, 3.5, 3; 2 % is the lowest and 98 % the highest."""

    def place(value: float) -> object:
        return pytest.approx(2 + 96 * (value - 1) / 2.5, abs=0.01)

    def step(label: str, of: str, kind: str, value: float, before: float, after: float) -> tuple[object, ...]:
        width = pytest.approx(abs(after - before) * 96 / 2.5, abs=0.02)
        return (label, of, kind, pytest.approx(value), place(min(before, after)), width, place(after))

    assert list(map(dataclasses.astuple, waterfall(CONTRAST, DOCUMENT_SIDE))) == [
        step("B", "", "total", 2, 2, 2),
        step("paris", "B", "lowers", -1, 2, 1),
        step("is", "B", "raises", 0.25, 1, 1.25),
        step("baseline: no document", "", "other", 0.25, 1.25, 1.5),
        step("berlin", "A", "raises", 2, 1.5, 3.5),
        step("has", "A", "lowers", -0.5, 3.5, 3),
        step("A", "", "total", 3, 3, 3),
    ]


@pytest.mark.parametrize(("remainder", "shown"), [(0.005, True), (-0.005, True), (0.0049, False), (0.0, False)])
def test_a_remainder_is_a_step_unless_it_would_be_shown_as_nothing(remainder: float, shown: bool) -> None:
    steps = waterfall(CONTRAST, dataclasses.replace(QUERY_SIDE, remainder=remainder))
    assert [step.label for step in steps] == [
        "B",
        "people",
        "how",
        "baseline: no query",
        *["what the integrals missed"] * shown,
        "A",
    ]
    assert all(step.kind == "other" for step in steps if step.label.startswith("what"))
    assert [step.of for step in steps[1:3]] == ["query", "query"]


def test_a_waterfall_of_nothing_is_a_line() -> None:
    bars = (Bar("people", "query", 0, 6, 0.0),)
    steps = waterfall(CONTRAST, Side(("query",), bars, 0.0, 0.0))
    assert [(step.value, step.start, step.width, step.end) for step in steps[1:-1]] == [(0.0, 2.0, 0.0, 2.0)] * 2


@pytest.mark.parametrize("n", [6, 7, 8])
def test_words_without_a_bar_of_their_own_are_one_step(n: int) -> None:
    bars = tuple(Bar(f"w{i}", "query", 3 * i, 3 * i + 2, (-1.0) ** i * (i + 1)) for i in range(n))
    steps: list[Step] = waterfall(CONTRAST, Side(("query",), bars, 0.0, 0.0))
    rest = bars[: n - 6]
    by_size = sorted(bars[n - 6 :], key=lambda bar: -abs(bar.value))
    said = [f"{len(rest)} other word{'s' * (len(rest) > 1)}"] if rest else []
    assert [step.label for step in steps[1:-2]] == [*(bar.text for bar in by_size), *said]
    assert sum(step.value for step in steps[1:-1]) == pytest.approx(sum(bar.value for bar in bars))
    if rest:
        assert steps[-3].value == sum(bar.value for bar in rest)


@pytest.mark.parametrize(
    ("difference", "lead"),
    [(1.0, "A is ahead by 1.00"), (-1.25, "A is behind by 1.25"), (0.005, "A is ahead by 0.01"), (-0.0049, "level")],
)
def test_the_sentence_says_who_is_ahead_and_by_which_words(difference: float, lead: str) -> None:
    said = sentence(dataclasses.replace(CONTRAST, difference=difference))
    assert lead in said.split(":")[0]
    assert said.endswith(
        "by the documents’ words, ‘berlin’ +2.00, B’s ‘paris’ \u22121.00, ‘has’ \u22120.50, baseline +0.25; "
        "by the query’s, which both share, ‘people’ +1.50, baseline \u22120.50."
    )


def test_the_words_of_both_are_buttons_that_know_what_is_dropped() -> None:
    html = words_html(CONTRAST, {"A": frozenset({1}), "B": frozenset({0})})
    panels = {which: html.split(f'data-which="{which}"')[1].split("</section>")[0] for which in "AB"}
    buttons = {
        which: re.findall(r'data-i="(\d)" data-v="([^"]*)" aria-pressed="(\w+)">(\w+)<', panel)
        for which, panel in panels.items()
    }
    assert buttons["A"] == [("0", "+2", "false", "berlin"), ("1", "\u22120.5", "true", "has")]
    assert buttons["B"] == [("0", "+1", "true", "paris"), ("1", "\u22120.25", "false", "is")]
    for which, of in (("A", CONTRAST.first), ("B", CONTRAST.second)):
        text = re.search(r'class="rl-text rl-drop".*?</p>', panels[which], re.DOTALL)
        assert text
        assert read(f"<{text[0]}").text == of.document
        assert f"{which} <small>{logit(of.logit, signed=True)}</small>" in panels[which]
        assert ("Truncated" in panels[which]) == of.truncated
        assert re.findall(r'tabindex="(-?\d)"', panels[which]) == ["0", "-1"]


def test_the_accounts_are_printed_as_they_are(tiny_bert: Reranker) -> None:
    paths = explain(tiny_bert, QUERY, DOCUMENTS[0], "integrated_gradients").paths
    whole = dataclasses.replace(
        CONTRAST,
        first=dataclasses.replace(CONTRAST.first, paths=paths),
        second=dataclasses.replace(CONTRAST.second, paths=paths),
    )
    text = read(why_html(whole, "Integrated gradients")).text
    for side, segment in ((DOCUMENT_SIDE, "document"), (QUERY_SIDE, "query")):
        total = logit(whole.difference - side.remainder, signed=True)
        assert f"{segment}: the bars and the baseline sum to {total} of +1.00; remainder" in text
    assert "5 forward and 34 backward passes, 0.5 s" in text
    assert sentence(whole) in text
