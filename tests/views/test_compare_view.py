"""The list of the Compare tab before and after its words have colours."""

from __future__ import annotations

import dataclasses
import re

import pytest

from attribution import explain, rank
from attribution.evidence.compare.contrast import Bar, Contrast, Ranked, Ranking, Side
from attribution.evidence.compare.passages import Common, SentenceBar, SentenceContrast
from attribution.evidence.sentences import Sentence, Sentences
from attribution.numbers import logit
from attribution.rerankers.reranker import Reranker
from attribution.types import Word
from attribution.views.compare import Names, quote, rows_html
from attribution.views.compare_why import (
    Logits,
    Piece,
    Step,
    lead,
    named,
    passages_html,
    passages_waterfall,
    sentence,
    waterfall,
    why_html,
)
from attribution.views.compare_words import Cut, Panel, words_html
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
        return (label, of, kind, pytest.approx(value), place(min(before, after)), width, place(after), (), ())

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


@pytest.mark.parametrize(("n", "value"), [(40, 0.5), (40, -0.5), (9, 1.0), (300, 0.01)])
def test_the_rest_is_never_longer_than_the_longest_that_is_named(n: int, value: float) -> None:
    pieces = named([Piece("big", "A", 2.0), *(Piece(f"w{i}", "A", value) for i in range(n))], "word", "A")
    rest = [piece for piece in pieces if "other word" in piece.label]
    assert len(rest) <= 1
    assert all(abs(piece.value) <= 2.0 for piece in pieces)
    assert sum(piece.value for piece in pieces) == pytest.approx(2.0 + n * value)
    assert len(pieces) - len(rest) == n + 1 - (int(rest[0].label.split()[0]) if rest else 0)


@pytest.mark.parametrize(
    ("difference", "says"),
    [(1.0, "A is ahead by 1.00"), (-1.25, "A is behind by 1.25"), (0.005, "A is ahead by 0.01"), (-0.0049, "level")],
)
def test_the_sentence_says_who_is_ahead_and_by_which_words(difference: float, says: str) -> None:
    """By those with content: "has" and "how" are not told."""
    first = dataclasses.replace(CONTRAST.first, logit=difference)
    second = dataclasses.replace(CONTRAST.second, logit=0.0)
    said = sentence(dataclasses.replace(CONTRAST, first=first, second=second))
    assert says in said.split(":")[0]
    assert said.endswith(": ‘berlin’ +2.00, B’s ‘paris’ \u22121.00. The same gap, by query word: ‘people’ +1.50.")


def test_after_a_what_if_the_lead_is_of_the_texts_as_they_are() -> None:
    assert lead(Logits(3.0, 2.0), None) == "A is ahead by 1.00"
    now = lead(Logits(3.0, 2.0), Logits(1.5, 2.0))
    assert now == "With the edit, A is behind by 0.50. As given, A was ahead by 1.00"
    assert lead(Logits(1.0, 1.0), Logits(2.0, 2.0)) == "With the edit, A and B are level. As given, A and B were level"


FIRST, SECOND = "Berlin is <big>. It has people. Both say so.", "Paris is old. Both say so."
PASSAGES = SentenceContrast(
    model_id="m",
    revision="r",
    query=QUERY,
    first=FIRST,
    second=SECOND,
    operator="delete",
    first_logit=3.0,
    second_logit=2.0,
    common=(Common((32, 44), (14, 26), 1.0),),
    common_value=-0.25,
    bars=(
        SentenceBar("Berlin is <big>. ", "first", 0, 17, 2.0, 0.1),
        SentenceBar("It has people. ", "first", 17, 32, -0.5, 0.0),
        SentenceBar("Paris is old. ", "second", 0, 14, -0.26, 0.0),
    ),
    remainder=0.01,
    n_first=3,
    n_second=2,
    unread=(0, 2),
    n_forward=12,
    seconds=0.5,
)


def sentences_of(document: str, spans: list[tuple[int, int]], logit: float, losses: list[float]) -> Sentences:
    found = tuple(Sentence(document[a:b], a, b, False, loss, 0.125) for (a, b), loss in zip(spans, losses, strict=True))
    return Sentences("m", "r", QUERY, document, "delete", logit, -1.0, found, 0, None, len(found), False, 8, 0.1)


WITHOUT = {
    "A": sentences_of(FIRST, [(0, 17), (17, 32), (32, 44)], 3.0, [1.5, -0.25, 0.0]),
    "B": sentences_of(SECOND, [(0, 14), (14, 26)], 2.0, [-0.5, -0.25]),
}
IN_WORDS = {
    "A": [Word("Berlin", "document", 0, 6, 0.5), Word(" is <big>", "document", 6, 15, -0.25)],
    "B": [Word("Paris", "document", 0, 5, None)],
}


def test_a_waterfall_of_passages_goes_sentence_by_sentence_and_adds_up() -> None:
    steps = passages_waterfall(PASSAGES, IN_WORDS)  # type: ignore[arg-type]
    assert [(step.label, step.of, step.kind, step.value) for step in steps] == [
        ("B", "", "total", 2.0),
        ("Paris is old.", "B", "lowers", -0.26),
        ("1 sentence in both", "", "other", -0.25),
        ("remainder", "", "other", 0.01),
        ("Berlin is <big>.", "A", "raises", 2.0),
        ("It has people.", "A", "lowers", -0.5),
        ("A", "", "total", 3.0),
    ]
    assert 2.0 + sum(step.value for step in steps[1:-1]) == pytest.approx(3.0)
    assert steps[2].listed == ["Both say so."]
    assert [word.core for word in steps[4].words] == ["Berlin", "is <big>"]
    assert [word.share for word in steps[4].words] == ["100", "50"], "by a scale of their own"


def test_the_line_quotes_sentences_and_says_what_a_loss_costs() -> None:
    text = read(passages_html(PASSAGES, WITHOUT, IN_WORDS, "Occlusion")).text  # type: ignore[arg-type]
    assert (
        "A is ahead by 1.00: A’s “Berlin is <big>.” lifts A by 2.00; A’s “It has people.” holds A down by 0.50; B’s "
        "“Paris is old.” lifts B by 0.26. 1 sentence is in both documents, of 3 of the first and 2 of the second."
    ) in text
    assert (
        "Without “Berlin is <big>.”, A as given falls from +3.00 to +1.50, below B; that sentence alone scores" in text
    )
    assert text.count("Without “") == 1, "no loss lowers B"
    assert "2 of 4 sentences of B lie beyond the model’s limit" in text
    assert "Words inside a sentence by Occlusion" in text
    first = read(passages_html(None, WITHOUT, {"A": [], "B": []}, "Occlusion", Logits(1.0, 2.0))).text  # type: ignore[arg-type]
    assert "With the edit, A is behind by 1.00. As given, A was ahead by 1.00." in first
    assert "Each sentence’s share follows" in first
    assert "Words inside" not in first


def test_a_long_sentence_is_quoted_by_its_beginning() -> None:
    assert quote(" a\n b ") == "a b"
    assert quote("word " * 30) == f"{'word ' * 17}word …"
    assert quote("字" * 95) == f"{'字' * 90} …"


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
    stretches = html.split('<span class="rl-stretch rl-line"')[1:]
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
    assert "Same gap, by query word" in text
