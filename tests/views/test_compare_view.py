"""The list of the Compare tab before and after its words have colours."""

from __future__ import annotations

import dataclasses
import re

import pytest

from attribution import explain, rank
from attribution.evidence.compare.contrast import Ranked, Ranking
from attribution.numbers import logit
from attribution.rerankers.reranker import Reranker
from attribution.types import Word
from attribution.views.compare import Cut, Names, Panel, rows_html, words_html
from tests.views.compared import DOCUMENTS, FIRST, QUERY, WITHOUT
from tests.views.reading import read


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
        assert "<i>one</i>" in page.text
        assert "doc <i>" not in page.text, "an id of the list's own stands as it is"
        assert "doc 2" in page.text
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
    assert re.findall(r'rl-rank-logit">([^<]*)', html) == [logit(value) for value in logits]
    assert html.count("What if: 1 word dropped") == 1
    assert f"{len(logits)} documents, {len(logits)} forward passes, 0.25 s." in read(html).text
    equal = dataclasses.replace(ranking_of(*logits), n_forward=1)
    assert " documents, 1 forward pass, 0.25 s." in read(rows_html(equal, names, {}, by="x", changed={})).text


def test_arrows_say_how_many_places_were_won_or_lost() -> None:
    rows = tuple(
        Ranked(rank, place, f"text {place}", -rank, place == 3) for rank, place in enumerate((3, 2, 1), start=1)
    )
    html = rows_html(
        Ranking("m", "r", QUERY, rows, 3, 0.1), Names({1: "1", 2: "2", 3: "3"}, 3, 1), {}, by="", changed={}
    )
    moves = re.findall(r'rl-rank-moved">(.*?)<span class="rl-vh">, given at place (\d)', html)
    assert [(read(move).text, place) for move, place in moves] == [("\u25b22", "3"), ("=", "2"), ("\u25bc2", "1")]
    assert html.count("Truncated: the model did not read all of it") == 1
    pressed = re.findall(r'data-as="(\w)" aria-pressed="(\w+)"', html)
    assert pressed == [("A", "true"), ("B", "false"), ("A", "false"), ("B", "false"), ("A", "false"), ("B", "true")]


def test_the_words_of_both_are_buttons_that_know_what_is_dropped() -> None:
    words = {
        "A": [Word("berlin", "document", 0, 6, 2.0), Word(" has", "document", 6, 10, -0.5)],
        "B": [Word("paris", "document", 0, 5, 1.0), Word(" is", "document", 5, 8, -0.25)],
    }
    html = words_html(
        [
            Panel("A", 3, "berlin has", 3.0, False, words["A"], None, (Cut(0, 0, "<x> "), Cut(6, 10, "had"))),
            Panel("B", 1, "paris is", 2.0, True, words["B"], edited="another"),
        ]
    )
    panels = {which: html.split(f'data-which="{which}"')[1].split("</section>")[0] for which in "AB"}
    pattern = r'data-start="(\d+)" data-end="(\d+)" data-v="([^"]*)" data-put="(\w*)" aria-pressed="(\w+)">(\w+)<'
    buttons = {which: re.findall(pattern, panel) for which, panel in panels.items()}
    assert buttons["A"] == [("0", "6", "+2", "", "false", "berlin"), ("6", "10", "\u22120.5", "had", "true", "has")]
    assert buttons["B"] == [("0", "5", "+1", "", "false", "paris"), ("5", "8", "\u22120.25", "", "false", "is")]
    for which, document, given in (("A", "berlin has", "+3.00"), ("B", "paris is", "+2.00")):
        text = re.search(r'class="rl-text rl-drop".*?</p>', panels[which], re.DOTALL)
        assert text
        assert read(f"<p {text[0]}").text == document
        assert f"{which} <small>as given {given}</small>" in panels[which]
        assert ("Truncated" in panels[which]) == (which == "B")
        assert ("Edited as a whole" in panels[which]) == (which == "B")
    assert 'data-place="3" data-front="&lt;x&gt; "' in panels["A"]


def test_a_sentence_is_a_button_that_opens_into_its_words() -> None:
    words = [Word(FIRST[a:b], "document", a, b, None) for a, b in ((0, 6), (6, 9), (9, 16), (16, 31), (31, 44))]
    panel = Panel("A", 1, FIRST, 3.0, False, words, WITHOUT["A"], (Cut(0, 6), Cut(17, 32)))
    html = words_html([panel])
    stretches = html.split('<span class="rl-stretch rl-lined"')[1:]
    assert [("data-zoomed" in one.split(">")[0], one.count("rl-part")) for one in stretches] == [
        (True, 4),  # a word of it is gone
        (False, 2),
        (False, 2),
    ]
    assert html.count('aria-pressed="true"') == 2
    assert re.findall(r'tabindex="0" class="rl-part[^>]*>(\w+)<', html) == ["Berlin"], "one stop for the Tab key"
    losses = re.findall(r'class="rl-loss">([^<]*)<', html)
    assert losses == ["\u22121.50", "+0.25", "0.00"]
    for one, whole in zip(stretches, ("Berlin is <big>.", "It has people.", "Both say so."), strict=True):
        shown = read(f"<span{one.split('rl-zoom')[0]}>").text
        assert whole in shown
