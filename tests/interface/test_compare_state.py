"""What Compare remembers of a list: picks, dropped words, edits, and what became of each, on a tiny model."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from attribution import contrast, rank
from attribution.errors import InputError
from attribution.evidence.compare.contrast import words_of
from attribution.evidence.compare.counterfactual import logit_without
from attribution.rerankers.reranker import Reranker
from interface.tabs.compare import state as compare_state
from interface.tabs.compare.documents import check_list
from interface.tabs.compare.state import Asked, Compared, Drop, Edit, Meet, More, outcomes, pick, read_picked
from interface.tabs.compare.tab import ask_pick, more
from tests.views.test_render import read

QUERY = "how many people live in berlin ?"
TEXTS = ["berlin has about 3.7 million inhabitants .", "paris is the capital .", "museums in berlin"]
IG = "integrated_gradients"


@pytest.fixture(scope="module")
def compared(tiny_bert: Reranker) -> Compared:
    documents = tuple(check_list([("one", TEXTS[0]), ("two", TEXTS[1]), ("three", TEXTS[2])]))
    ranking = rank(tiny_bert, QUERY, TEXTS)
    found = contrast(tiny_bert, QUERY, TEXTS[0], TEXTS[1], IG)
    asked = Asked(tiny_bert.model_id, QUERY, documents, ("boxes",), IG, "saliency", "delete")
    return Compared(asked, ranking, a=1, b=2, contrast=found)


@pytest.mark.parametrize(
    ("text", "picked"),
    [("3,1", (3, 1)), ("1,3", (1, 3)), ("1,1", None), ("0,1", None), ("1,4", None), ("4,1", None), ("1", None),
     ("", None), ("a,b", None), ("1,2,3", None), ("1, 2", None), ("-1,2", None), ("0001,2", None), ("1,2\n", None)],
)  # fmt: skip
def test_the_pair_of_a_link_is_of_this_list_or_none(text: str, picked: tuple[int, int] | None) -> None:
    assert read_picked(text, 3) == picked


def test_a_and_b_are_what_was_picked(compared: Compared) -> None:
    first, second = compared.ranking.rows, compared.contrast
    assert second
    assert [row.place for row in first] != [1, 2, 3], "the order given is another than by rank, else this says little"
    assert (compared.place("A"), compared.place("B")) == (1, 2)
    assert (compared.name("A"), compared.name("B")) == ("one", "two")
    for which, explanation in (("A", second.first), ("B", second.second)):
        side: Any = which
        assert compared.explanation(side) is explanation
        assert compared.words(side) == words_of(explanation, explanation.attributions, "document")
    with pytest.raises(LookupError):
        dataclasses.replace(compared, contrast=None).explanation("A")


def test_a_pick_forgets_what_was_done(compared: Compared) -> None:
    changed = dataclasses.replace(compared, edited={1: ("x", 1.0)}, dropped={"A": frozenset({0})}, logits={})
    picked = pick(changed, 3, 1)
    assert (picked.a, picked.b) == (3, 1)
    assert (picked.contrast, picked.dropped, picked.edited, picked.logits) == (None, {}, {}, {})
    assert (picked.asked, picked.ranking) == (compared.asked, compared.ranking)


def test_what_is_asked_next_reads_the_documents_it_is_about(compared: Compared) -> None:
    assert More(compared).texts == Drop(compared, {"A": [0], "B": []}).texts == (TEXTS[0], TEXTS[1])
    assert Meet(compared, "B", 3, "difference").texts == (TEXTS[1],)
    assert Edit(compared, "B", "another").texts == ("another",)
    for kind, given in ((More, {}), (Edit, {"which": "A", "text": " "}), (Edit, {"which": "A", "text": "x" * 20_001})):
        for of in (None, dataclasses.replace(compared, contrast=None), compared if given else None):
            with pytest.raises(InputError):
                more(kind)(of, **given)
    assert ask_pick(compared, "3,1").compared.a == 3
    for of, picked in ((None, "3,1"), (compared, "4,1"), (compared, "")):
        with pytest.raises(InputError, match="no list yet"):
            ask_pick(of, picked)


def test_what_became_of_dropped_words_and_edits(compared: Compared, tiny_bert: Reranker) -> None:
    gone = frozenset({0, 3})
    without = logit_without(tiny_bert, QUERY, TEXTS[0], gone, operator="delete")
    lowest = min(row.logit for row in compared.ranking.rows) - 1
    changed = dataclasses.replace(
        compared, dropped={"A": gone, "B": frozenset()}, edited={2: ("another", lowest)}, logits={(1, gone): without}
    )
    assert changed.changed_logits() == {1: without, 2: lowest}
    now = {row.place: row for row in changed.now().rows}
    before = {row.place: row for row in compared.ranking.rows}
    assert (now[1].logit, now[2].logit, now[3].logit) == (without, lowest, before[3].logit)
    assert now[2].rank == 3
    first, second = outcomes(changed)
    words = [changed.words("A")[i] for i in (0, 3)]
    assert (first.which, second.which) == ("A", "B")
    assert first.dropped == tuple(word.text for word in words)
    assert first.predicted == pytest.approx(-sum(word.attribution or 0.0 for word in words))
    assert (second.dropped, second.predicted) == ((), None)
    for outcome, place in ((first, 1), (second, 2)):
        assert (outcome.before, outcome.after) == (before[place].logit, now[place].logit)
        assert (outcome.rank_before, outcome.rank_after) == (before[place].rank, now[place].rank)
        assert outcome.n_documents == 3
    assert outcomes(compared) == []


def test_an_edit_that_wins_moves_to_the_top(compared: Compared) -> None:
    rows = compared.ranking.rows
    lower = next(row for row in reversed(rows) if row.place in (1, 2))
    (outcome,) = outcomes(dataclasses.replace(compared, edited={lower.place: ("another", rows[0].logit + 1)}))
    assert (outcome.rank_before, outcome.rank_after) == (lower.rank, 1)
    assert lower.rank > 1


def test_the_list_says_what_was_done_to_a_document(compared: Compared) -> None:
    changed = dataclasses.replace(
        compared,
        dropped={"A": frozenset({0}), "B": frozenset()},
        edited={3: ("another", 0.0)},
        logits={(1, frozenset({0})): 0.5},
    )
    text = read(compare_state.draw_rows(changed)).text
    assert text.count("What if: 1 word dropped") == text.count("What if: edited text") == text.count("What if") - 1 == 1
    two = dataclasses.replace(changed, dropped={"B": frozenset({0, 1})}, logits={(2, frozenset({0, 1})): 0.5})
    assert "What if: 2 words dropped" in read(compare_state.draw_rows(two)).text
    drawn = compare_state.draw_words(changed)
    assert drawn.count('aria-pressed="true"') == 1
    assert "Integrated gradients" in compare_state.draw_why(changed)
    empty = dataclasses.replace(changed, contrast=None)
    assert (compare_state.draw_why(empty), compare_state.draw_words(empty)) == ("", "")
    identity = compare_state.draw_identity(compared)
    assert compared.asked.model_id in identity
    assert compared.ranking.revision in identity


def test_a_word_without_an_attribution_predicts_nothing(compared: Compared) -> None:
    assert compared.contrast
    first = compared.contrast.first
    nothing = dataclasses.replace(first, attributions=(0.0,) * len(first.tokens))
    flat = dataclasses.replace(compared, contrast=dataclasses.replace(compared.contrast, first=nothing))
    gone = frozenset({0, 1})
    (outcome,) = outcomes(dataclasses.replace(flat, dropped={"A": gone}, logits={(1, gone): 0.5}))
    assert outcome.predicted == 0.0
