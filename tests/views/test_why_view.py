"""Why one document stands above another: the waterfall from B to A, by words and by sentences, and its sentence."""

from __future__ import annotations

import dataclasses

import pytest

from attribution import explain
from attribution.evidence.compare.contrast import Bar, Contrast, Side
from attribution.evidence.compare.passages import Common, SentenceBar, SentenceContrast
from attribution.numbers import logit
from attribution.rerankers.reranker import Reranker
from attribution.types import Word
from attribution.views.compare import quote
from attribution.views.compare_why import (
    Piece,
    Step,
    lead,
    named,
    passages_html,
    passages_waterfall,
    told_words,
    waterfall,
    why_html,
)
from tests.views.compared import DOCUMENTS, FIRST, QUERY, SECOND, WITHOUT
from tests.views.reading import EXPLANATION, read

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
        return (label, of, pytest.approx(value), (), (), kind, place(min(before, after)), width, place(after))

    assert waterfall(CONTRAST, DOCUMENT_SIDE) == [
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
        *["remainder"] * shown,
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
def test_the_line_says_who_is_ahead(difference: float, says: str) -> None:
    assert says in lead(difference, None)


def test_after_a_what_if_the_lead_is_of_the_texts_as_they_are() -> None:
    assert lead(1.0, None) == "A is ahead by 1.00"
    now = lead(1.0, -0.5)
    assert now == "With the edit, A is behind by 0.50. As given, A was ahead by 1.00"
    assert lead(0.0, 0.0) == "With the edit, A and B are level. As given, A and B were level"


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
    falls = "Without “Berlin is <big>.”, A as given falls from +3.00 to +1.50, below B"
    one, *others = WITHOUT["A"].sentences
    for alone, says in ((0.5, "; that sentence alone scores +0.50."), (None, ".")):
        of_a = dataclasses.replace(WITHOUT["A"], sentences=(dataclasses.replace(one, alone=alone), *others))
        by_side = {"A": of_a, "B": WITHOUT["B"]}
        page = read(passages_html(PASSAGES, by_side, IN_WORDS, "Occlusion"))  # type: ignore[arg-type]
        assert f"{falls}{says}" in page.text
    assert text.count("Without “") == 1, "no removal lowers B"
    assert "2 of 4 sentences of B lie beyond the model’s limit" in text
    assert "Words inside a sentence by Occlusion" in text
    above = read(passages_html(dataclasses.replace(PASSAGES, common_value=0.25), WITHOUT, IN_WORDS, "")).text  # type: ignore[arg-type]
    assert "the common sentences (+0.25) and the remainder (+0.01) sum to +1.00." in above
    noise = read(passages_html(dataclasses.replace(PASSAGES, remainder=-1.4e-15), WITHOUT, IN_WORDS, "")).text  # type: ignore[arg-type]
    assert "and the remainder (0) sum to" in noise, "what rounding leaves"
    unknown = {"A": IN_WORDS["B"], "B": IN_WORDS["B"]}
    assert "Words inside" not in read(passages_html(PASSAGES, WITHOUT, unknown, "Occlusion")).text  # type: ignore[arg-type]
    first = read(passages_html(None, WITHOUT, {"A": [], "B": []}, "Occlusion", -1.0)).text  # type: ignore[arg-type]
    assert "With the edit, A is behind by 1.00. As given, A was ahead by 1.00." in first
    assert "Each sentence’s share comes last" in first
    assert "Words inside" not in first


def test_a_long_sentence_is_quoted_by_its_beginning() -> None:
    assert quote(" a\n b ") == "a b"
    assert quote("word " * 30) == f"{'word ' * 17}word …"
    assert quote("字" * 95) == f"{'字' * 90} …"


def test_the_accounts_are_printed_as_they_are(tiny_bert: Reranker) -> None:
    paths = explain(tiny_bert, QUERY, DOCUMENTS[0], "integrated_gradients").paths
    deltas = [[dataclasses.replace(path, convergence_delta=by) for path in paths] for by in (0.25, 0.5)]
    whole = dataclasses.replace(
        CONTRAST,
        first=dataclasses.replace(CONTRAST.first, paths=tuple(deltas[0])),
        second=dataclasses.replace(CONTRAST.second, paths=tuple(deltas[1])),
    )
    text = read(why_html(whole, "Integrated gradients")).text
    for side, segment in ((DOCUMENT_SIDE, "document"), (QUERY_SIDE, "query")):
        total = logit(whole.difference - side.remainder)
        left = f"remainder {'+0.006' if side.remainder else '0'} (convergence deltas A +0.25, B +0.5"
        assert f"{segment}: the bars and the baseline sum to {total} of +1.00; {left}" in text
    told = "A is ahead by 1.00: ‘berlin’ +2.00, B’s ‘paris’ \u22121.00. The same, by query word: ‘people’ +1.50."
    assert told in text  # those with content: "has" and "how" are not told
    assert "5 forward and 34 backward passes, 0.5 s" in text
    assert "The same difference, by query word" in text


def test_the_three_largest_content_words_are_named_that_are_not_shown_as_nothing() -> None:
    def said(**values: float) -> list[tuple[str, str, float]]:
        bars = tuple(Bar(text, "first", 0, 3, value) for text, value in values.items())
        return told_words(dataclasses.replace(CONTRAST, sides=(dataclasses.replace(DOCUMENT_SIDE, bars=bars),)))[
            "document"
        ]

    largest = [("", "owls", 1.0), ("", "dogs", -0.9), ("", "rain", 0.8)]
    assert said(cats=0.7, dogs=-0.9, the=2.0, owls=1.0, rain=0.8) == largest
    assert said(cats=0.005, dogs=0.0049) == [("", "cats", 0.005)]
