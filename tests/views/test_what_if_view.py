"""What the page says of dropped words and edited texts: before, after, predicted, and the rank, each in its place."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from attribution.evidence.compare.counterfactual import Counterfactual
from attribution.evidence.compare.raising import Edit, Raised
from attribution.evidence.edited import Edit as Edited
from attribution.types import Word
from attribution.views.compare import Outcome, what_if_html
from attribution.views.templating import render
from tests.views.reading import read

DROPPED = Outcome("A", (("berlin", ""), ("<b>has", "")), 2.5, 1.25, -1.5, 1, 2, 3)
PUT = Outcome("A", (("", "x."), ("has", "<i>had"), ("so", "")), 2.5, 1.25, None, 1, 2, 3)
EDITED = Outcome("B", (), -1.0, -0.5, None, 2, 2, 3)


def text_of(html: str) -> str:
    return " ".join(read(html).text.split())


def test_each_outcome_is_a_line() -> None:
    text = text_of(what_if_html([DROPPED, EDITED]))
    assert text == (
        "A without ‘berlin’, ‘<b>has’: +2.50 → +1.25: predicted \u22121.50, measured \u22121.25. Rank 1 → 2 of 3. "
        "B as edited: \u22121.00 → \u22120.50, a change of +0.50. Still at rank 2 of 3."
    )
    assert text_of(what_if_html([PUT])).startswith("A without ‘so’, with ‘x.’ in front, with ‘<i>had’ for ‘has’: +2.50")
    assert text_of(what_if_html([])).startswith("Click a word to drop it")
    assert text_of(what_if_html([], unit="sentence")).startswith("Click a sentence to drop it")


@pytest.mark.parametrize(
    ("flipped", "n", "says"),
    [
        (True, 2, "Dropping 2 words puts one (\u22120.25) below two (+0.50)."),
        (True, 1, "Dropping 1 word puts one (+1.00) below two (+0.50)."),
        (False, 2, "Dropping all 2 words that raise one leaves it at \u22120.25, still above two (+0.50)."),
        (False, 1, "Dropping the only word that raises one leaves it at +1.00, still above two (+0.50)."),
        (False, 0, "No word raises one, so there is none to drop: it stays at +3.00, above two (+0.50)."),
    ],
)
def test_the_words_whose_loss_flips_the_order(flipped: bool, n: int, says: str) -> None:
    words = (Word("berlin", "document", 0, 6, 2.0), Word("has", "document", 7, 10, 1.0))[:n]
    found = Counterfactual(
        "m", "r", "q", "d", "e", "occlusion", "delete", flipped, 0.5, words,
        (3.0, 1.0, -0.25)[: n + 1], (3.0, 1.5, 0.125)[: n + 1], n_forward=7, n_backward=1, seconds=1.26,
        unit="word", truncated=False,
    )  # fmt: skip
    html = what_if_html([DROPPED], flip=found, names=("one", "two"))
    assert text_of(html).startswith(says)
    gone = text_of(what_if_html([], flip=found, names=("one", "two")))
    assert gone.startswith(says if not n else f"{says[:-1]}, with nothing of it left.")
    cells = re.findall(r"<tr><td[^>]*>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td></tr>", html)
    assert (
        cells
        == [
            ("nothing", "+3.00", ""),
            ("berlin", "+1.00", "+1.50"),
            ("has", "\u22120.25", "+0.12"),
        ][: n + 1]
    )
    assert "7 forward passes, 1.3 s." in html
    assert html.count("rl-outcome") == 1
    assert "Click a word" not in html


@pytest.mark.parametrize(
    ("lifted", "n", "says"),
    [
        (True, 1, "B rises above A (+0.50) without Cats <b>sleep.."),
        (True, 2, "B rises above A (+0.50) without Cats <b>sleep., and with berlin in front."),
        (False, 1, "No edit that was tried lifts B above A (+0.50); the best is without Cats <b>sleep.."),
        (False, 0, "No edit that was tried lifts B above A (+0.50)."),
    ],
)
def test_the_edit_that_raises(lifted: bool, n: int, says: str) -> None:
    steps = (Edit("drop", "Cats <b>sleep. ", 2, 0.75, 0.625), Edit("word", "berlin", 1, None, 1.0))
    found = Raised("m", "r", "q", "d", "e", 0.25, 0.5, lifted, steps[:n], "d", steps, 7, 1.26, False)
    html = what_if_html([EDITED], raised=found, names=("B", "A"))
    assert text_of(html).startswith(says)
    cells = re.findall(r"</td><td>([^<]*)</td><td>([^<]*)</td></tr>", html)
    assert cells == [("+0.25", ""), ("+0.62", "+0.75"), ("+1.00", "–")]
    assert "7 forward passes, 1.3 s." in html
    assert "Truncated" not in html
    assert "Truncated: the model did not read all" in what_if_html([], raised=replace(found, truncated=True))


def test_where_there_is_nothing_to_try_no_table_says_so() -> None:
    found = Raised("m", "r", "q", "d", "e", 0.25, 0.5, False, (), "d", (), 7, 1.26, False)
    html = what_if_html([], raised=found, names=("B", "A"))
    assert text_of(html).startswith("There is nothing to try: no sentence of B")
    assert "<table" not in html
    assert "Click a word" not in html


def test_what_is_quoted_is_cut_where_it_is_long() -> None:
    long = "x" * 900
    put = Edit("word", long, 1, None, 1.0)
    found = Raised("m", "r", "q", "d", "e", 0.25, 0.5, True, (put,), "d", (put,), 7, 1.26, False)
    edited = Edited(f"a {long}", (long,), ((long, long),), True, None)
    said = {"edit": edited, "words": {"d0": ""}, "label": "m", "before": 1.0, "after": 2.0}
    for html in (what_if_html([], raised=found), render("edited.html", **said)):
        assert html.count("x" * 50) >= 2
        assert long not in html
