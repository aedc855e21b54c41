"""What Compare remembers of a list: picks, what-ifs, and what became of each, on a tiny model."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from attribution import MODELS, contrast, contrast_sentences, rank
from attribution.errors import InputError
from attribution.evidence.compare.raising import Edit, Raised
from attribution.evidence.sentences import sentences
from attribution.rerankers.reranker import Reranker
from attribution.views.compare import Cut, apply
from attribution.views.compare_why import lead
from attribution.words import split_sentences, to_words
from interface.runs import cost
from interface.runs.limits import MAX_DOCUMENT
from interface.tabs.compare import runs, what_if
from interface.tabs.compare.documents import check_list
from interface.tabs.compare.draw import draw_identity, draw_rows, draw_why, draw_words, outcomes, predicted
from interface.tabs.compare.state import Asked, Change, Compared, Meet, More, Picked, Version, pick, read_picked
from interface.tabs.compare.tab import ask_cuts, ask_edit, ask_pick, more
from tests.interface.conftest import shown, visitor
from tests.views.reading import read

QUERY = "how many people live in berlin ?"
TEXTS = ["berlin has about 3.7 million inhabitants .", "paris is the capital .", "museums in berlin"]
PASSAGES = [
    "Berlin is large. It has about 3.7 million inhabitants. Cats sleep.",
    "Berlin is large. Paris is old. It is in France. Dogs jump.",
]
IG = "integrated_gradients"


def asked_of(model: str, texts: list[str]) -> Asked:
    documents = tuple(check_list([(f"id-{i}", text) for i, text in enumerate(texts, start=1)]))
    return Asked(model, QUERY, documents, "boxes", IG, "saliency")


@pytest.fixture(scope="module")
def compared(tiny_bert: Reranker) -> Compared:
    asked, ranking = asked_of(tiny_bert.model_id, TEXTS), rank(tiny_bert, QUERY, TEXTS)
    return Compared(asked, ranking, a=1, b=2, why=contrast(tiny_bert, QUERY, TEXTS[0], TEXTS[1], IG))


@pytest.fixture(scope="module")
def passages(tiny_bert: Reranker) -> Compared:
    asked, ranking = asked_of(tiny_bert.model_id, PASSAGES), rank(tiny_bert, QUERY, PASSAGES)
    without: Any = {which: sentences(tiny_bert, QUERY, text) for which, text in zip("AB", PASSAGES, strict=True)}
    why = contrast_sentences(tiny_bert, QUERY, *PASSAGES)
    return Compared(asked, ranking, a=1, b=2, without=without, why=why)


@pytest.mark.parametrize(("n_words", "unit"), [(12, "word"), (13, "sentence"), (40, "sentence")])
def test_two_sentences_of_many_words_are_told_apart_by_sentences(n_words: int, unit: str) -> None:
    """Each word may have a bar, full stops too: `n_words` and 8 here. One sentence has nothing but its words."""
    two, one = f"Cats sleep. {'Dogs ' * (n_words - 5)}jump.", "berlin has about 3.7 million inhabitants , ."
    asked = asked_of("m", [two, one, "cats " * 30])
    assert asked.n_sentences == (2, 1, 1)
    assert asked.unit(1, 2) == asked.unit(2, 1) == unit
    assert asked.unit(2, 3) == "word"
    assert asked_of("m", ["Cats. Dogs. Fish.", "berlin"]).unit(1, 2) == "sentence"


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        ("[3, 1, {}]", Picked(3, 1)),
        ('[1, 2, {"B": [[0, 6, ""], [6, 6, "x"]], "A": "y"}]',
         Picked(1, 2, {"B": (f"x{TEXTS[1][6:]}", (Cut(0, 6), Cut(6, 6, "x"))), "A": ("y", ())})),
        *((text, None) for text in ("", "3,1", "[1, 2]", "[1, 1, {}]", "[0, 1, {}]", "[1, 4, {}]", "{}")),
        ("[true, 2, {}]", None),
        *((f"[1, 2, {made}]", None) for made in ("7", '{"C": "x"}', '{"A": []}', '{"A": " "}', '{"A": 7}', "null")),
        *((f'[1, 2, {{"A": [{cut}]}}]', None) for cut in ('[0, 999, ""]', '[3, 2, ""]', "[0]", '["0", 1, ""]', "7")),
        (f'[1, 2, {{"A": "{"x" * (MAX_DOCUMENT + 1)}"}}]', None),
    ],
)  # fmt: skip
def test_what_a_link_picked_is_of_this_list_or_none(text: str, picked: Picked | None) -> None:
    assert read_picked(text, TEXTS) == picked


def test_what_is_picked_and_changed_is_done_again_by_its_link(tiny_bert: Reranker, offered: str) -> None:
    changed = {"A": "berlin is a city", "B": [[0, 6, ""]]}
    picked = read_picked(json.dumps([2, 1, changed]), TEXTS)
    asked = dataclasses.replace(asked_of(offered, TEXTS), colour="layerwise_relevance", picked=picked)
    page = shown(runs.run_list(asked, visitor()))
    now = [page["state"].versions[which].logit for which in "AB"]
    assert now == pytest.approx(tiny_bert.score(QUERY, ["berlin is a city", TEXTS[0][6:]]), abs=1e-5)
    assert json.loads(page["picked"]) == [2, 1, changed]


def test_a_and_b_are_what_was_picked(compared: Compared, passages: Compared) -> None:
    first, second = compared.ranking.rows, compared.why
    assert [row.place for row in first] != [1, 2, 3], "the order given is another than by rank, else this says little"
    assert (compared.place("A"), compared.place("B")) == (1, 2)
    assert (compared.text("A"), compared.text("B")) == (TEXTS[0], TEXTS[1])
    assert (compared.unit, passages.unit) == ("word", "sentence")
    assert dataclasses.replace(passages, a=2, b=1).unit == "sentence"
    one_is = dataclasses.replace(passages, asked=asked_of("m", [TEXTS[0], PASSAGES[0], TEXTS[1]]))
    assert (one_is.unit, dataclasses.replace(one_is, b=3).unit) == ("sentence", "word")
    for which in ("A", "B"):
        side: Any = which
        explanation = compared.explanation(side)
        assert explanation is (second.first if which == "A" else second.second)  # type: ignore[union-attr]
        assert compared.words(side) == to_words(explanation, "document")
        plain = passages.words(side)
        assert "".join(word.text for word in plain) == passages.text(side)
        assert {word.attribution for word in plain} == {None}


def test_a_pick_forgets_what_was_done(compared: Compared) -> None:
    changed = dataclasses.replace(compared, versions={"A": Version("x", 1.0)}, scored={"x": 1.0})
    picked = pick(changed, 3, 1)
    assert (picked.a, picked.b) == (3, 1)
    assert (picked.why, picked.without, picked.versions, picked.scored) == (None, {}, {}, {})
    assert (picked.asked, picked.ranking) == (compared.asked, compared.ranking)


def test_what_is_asked_next_reads_the_documents_it_is_about(compared: Compared) -> None:
    assert More(compared).texts == (TEXTS[0], TEXTS[1])
    assert Meet(compared, "B", 3, "difference").texts == (TEXTS[1],)
    assert ask_edit(compared, "B", "another").texts == ("another",)
    for of in (None, dataclasses.replace(compared, why=None)):
        with pytest.raises(InputError, match="no list yet"):
            more(More)(of)
    for text in (" ", "x" * 20_001):
        with pytest.raises(InputError):
            ask_edit(compared, "A", text)
    assert ask_pick(compared, "[3, 1, {}]").compared.a == 3
    for of, picked in ((None, "[3, 1, {}]"), (compared, "[4, 1, {}]"), (compared, "")):
        with pytest.raises(InputError, match="no list yet"):
            ask_pick(of, picked)


def test_cuts_are_of_the_texts_that_are_shown(compared: Compared) -> None:
    asked = ask_cuts(compared, {"A": [1, [[0, 6, ""]]], "B": [2, []]})
    assert asked.changed == {"A": (" has about 3.7 million inhabitants .", (Cut(0, 6),))}
    assert asked.texts == (" has about 3.7 million inhabitants .",)
    edited = dataclasses.replace(compared, versions={"A": Version("x", 1.0), "B": Version("y", 1.0, (Cut(0, 5),))})
    assert ask_cuts(edited, {"A": [1, []], "B": [2, []]}).as_given == {"B"}
    for of, says in ((None, "no list yet"), (compared, "another document now")):
        with pytest.raises(InputError, match=says):
            ask_cuts(of, {"A": [2, []], "B": [1, []]})
    with pytest.raises(InputError, match="empty"):
        ask_cuts(compared, {"A": [1, [[0, len(TEXTS[0]), ""]]], "B": [2, []]})


@pytest.mark.parametrize(
    ("cuts", "text"),
    [((), "a b  c"), ((Cut(1, 3),), "a  c"), ((Cut(1, 3, "x"),), "a x  c"), ((Cut(0, 0, "y. "),), "y. a b  c"),
     ((Cut(3, 6, "z"), Cut(0, 1)), " b  z"), ((Cut(0, 0, "y. "), Cut(0, 3)), "y.   c")],
)  # fmt: skip
def test_what_stands_in_a_words_place_keeps_its_white_space(cuts: tuple[Cut, ...], text: str) -> None:
    assert apply("a b  c", cuts) == text


def test_every_what_if_is_the_rerankers_score_of_that_text(
    compared: Compared, passages: Compared, tiny_bert: Reranker, offered: str
) -> None:
    assert offered == tiny_bert.model_id
    whole = split_sentences(PASSAGES[1])
    for of, cuts in (
        (compared, {"A": [1, [[0, 6, ""], [10, 16, "nearly"]]], "B": [2, [[5, 8, ""]]]}),
        (passages, {"A": [1, []], "B": [2, [[*whole[1], ""], [whole[2][0], whole[2][0] + 2, "That"]]]}),
    ):
        given = of.logit("A") - of.logit("B")
        page = shown(what_if.run_change(ask_cuts(of, cuts), visitor()))
        now = page["state"]
        for which, version in now.versions.items():
            assert version.logit == pytest.approx(tiny_bert.score(QUERY, [version.text])[0], abs=1e-5)
            assert {row.place: row.logit for row in now.now().rows}[now.place(which)] == version.logit
        assert set(now.versions) == {which for which, (_, spans) in cuts.items() if spans}
        assert "words" not in page, "the browser shows it already"
        said = read(page["why"]).text
        assert lead(given, now.logit("A") - now.logit("B")) in said
        assert "With the edit, A" in said
        again = shown(what_if.run_change(ask_cuts(now, {"A": [1, []], "B": [2, []]}), visitor()))
        assert again["state"].versions == {}
        assert "0 forward passes" in again["status"]
        assert "As given" not in read(again["why"]).text


def test_what_is_predicted_is_the_bars_or_the_words(compared: Compared, passages: Compared) -> None:
    words = compared.words("A")
    cuts = tuple(Cut(word.start, word.end) for word in (words[0], words[3]))
    assert predicted(compared, "A", cuts) == pytest.approx(-sum(words[i].attribution or 0.0 for i in (0, 3)))
    assert predicted(compared, "A", (cuts[0], Cut(*cuts[1][:2], "another"))) is None
    why: Any = passages.why
    for bar in why.bars:
        which, sign = ("A", 1) if bar.of == "first" else ("B", -1)
        side: Any = which
        assert predicted(passages, side, (Cut(bar.start, bar.end),)) == pytest.approx(-sign * bar.value)
        there = [(one.start, one.end) for one in why.bars if one.of != bar.of]
        other: Any = "B" if side == "A" else "A"
        assert (bar.start, bar.end) in there or predicted(passages, other, (Cut(bar.start, bar.end),)) is None
    both = why.common[0].first
    assert predicted(passages, "A", (Cut(*both),)) is None, "it has no bar of its own"


def test_what_became_of_each(compared: Compared) -> None:
    lowest = min(row.logit for row in compared.ranking.rows) - 1
    versions: Any = {"B": Version("another", lowest), "A": Version("x", 0.5, (Cut(0, 6), Cut(6, 10, "was")), -0.25)}
    changed = dataclasses.replace(compared, versions=versions)
    now = {row.place: row for row in changed.now().rows}
    before = {row.place: row for row in compared.ranking.rows}
    assert (now[1].logit, now[2].logit, now[3].logit) == (0.5, lowest, before[3].logit)
    assert now[2].rank == 3
    first, second = outcomes(changed)
    assert (first.which, first.done, first.predicted) == ("A", (("berlin", ""), ("has", "was")), -0.25)
    assert (second.which, second.done, second.predicted) == ("B", (), None)
    for outcome, place in ((first, 1), (second, 2)):
        assert (outcome.before, outcome.after) == (before[place].logit, now[place].logit)
        assert (outcome.rank_before, outcome.rank_after) == (before[place].rank, now[place].rank)
        assert outcome.n_documents == 3
    assert outcomes(compared) == []


def test_the_page_says_what_was_done_to_a_document(compared: Compared) -> None:
    changed = dataclasses.replace(compared, versions={"A": Version("x", 0.5, (Cut(0, 6),)), "B": Version("y", 0.0)})
    text = read(draw_rows(changed)).text
    assert text.count("What if: 1 change") == text.count("What if: edited text") == 1
    two = dataclasses.replace(changed, versions={"B": Version("y", 0.0, (Cut(0, 5), Cut(5, 8)))})
    assert "What if: 2 changes" in read(draw_rows(two)).text
    drawn = draw_words(changed)
    assert drawn.count('aria-pressed="true"') == 1
    assert drawn.count("Edited as a whole") == 1
    assert "Integrated gradients" in draw_why(changed)
    assert draw_why(dataclasses.replace(changed, why=None)) == ""
    identity = draw_identity(compared)
    assert compared.asked.model_id in identity
    assert compared.ranking.revision in identity


def test_the_first_answer_comes_before_the_dear_ones(offered: str) -> None:
    """The list, then the losses with the texts' buttons, then the colours, then the bars."""
    updates = list(runs.run_list(asked_of(offered, PASSAGES), visitor()))
    told = [update for update in updates if "why" in update]
    assert [(bool(u["why"]), "rl-passages" in u["why"]) for u in told] == [(False, False), (True, False), (True, True)]
    assert "Without" in told[1]["why"]
    assert told[1]["words"].count("rl-zoom") == 7
    assert "data-v" not in told[1]["rows"]
    passes, seconds = runs.at_most(dataclasses.replace(asked_of(offered, PASSAGES), query="berlin"))
    assert passes > 0
    assert seconds > 0
    assert runs.at_most(asked_of(offered, PASSAGES)) == (0, 0.0), "it is kept"
    assert runs.at_most(None) == (0, 0.0)


def test_two_passages_without_a_sentence_in_common_take_all_the_passes_that_were_said(offered: str) -> None:
    asked = asked_of(
        offered, ["Cats sleep. Dogs jump. Berlin is large.", "Paris is old. York is new. France has parks."]
    )
    compared = shown(runs.run_list(asked, visitor()))["state"]
    taken = compared.why.n_forward + sum(one.n_forward for one in compared.without.values())
    assert taken == 2 * runs._of_why(asked, (0, 0))


def test_a_document_that_no_model_can_read_is_named_wherever_the_list_is_looked_at(offered: str) -> None:
    asked = asked_of(offered, [*TEXTS, "\u200b"])
    for look in (runs.at_most, lambda asked: cost.lent(asked, runs.run_list.passes)):
        with pytest.raises(InputError, match=f"Document {len(TEXTS) + 1} of .* holds no character"):
            look(asked)


@pytest.mark.parametrize("kind", ["words", "passages"])
def test_the_order_is_turned_round_from_above_and_from_below(
    kind: str, compared: Compared, passages: Compared, tiny_bert: Reranker, offered: str
) -> None:
    of = compared if kind == "words" else passages
    assert offered == of.asked.model_id
    higher, lower = what_if.by_logit(of)
    assert of.logit(higher) > of.logit(lower)
    flipped = shown(what_if.run_flip(More(of), visitor()))
    version = flipped["state"].versions[higher]
    assert version.text == apply(of.text(higher), version.cuts)
    assert version.logit == pytest.approx(tiny_bert.score(QUERY, [version.text])[0], abs=1e-5)
    assert (version.logit < of.logit(lower)) == ("Dropping all" not in read(flipped["what_if"]).text)
    raised = shown(what_if.run_raise(More(of), visitor()))
    version = raised["state"].versions.get(lower)
    if version:
        assert version.text == apply(of.text(lower), version.cuts)
        assert version.logit == pytest.approx(tiny_bert.score(QUERY, [version.text])[0], abs=1e-5)
    assert ("rises above" in read(raised["what_if"]).text) == bool(version and version.logit > of.logit(higher))


@pytest.mark.parametrize(
    "documents", [["berlin", "cats"], ["sleep", "jump"], ["Cats. Dogs. Berlin.", "It has people."]]
)
def test_a_text_of_which_nothing_would_be_left_stays_as_it_is(documents: list[str], offered: str) -> None:
    of = shown(runs.run_list(asked_of(offered, documents), visitor()))["state"]
    flipped = shown(what_if.run_flip(More(of), visitor()))
    said = read(flipped["what_if"]).text
    assert ("with nothing of it left" in said or "No word raises" in said) == (not flipped["state"].versions), said
    assert all(version.text.strip() for version in flipped["state"].versions.values())


def test_an_edit_that_raises_is_told_in_cuts() -> None:
    text = "Cats sleep. Dogs jump. Cats sleep. "
    steps = (
        Edit("drop", "Cats sleep. ", 2, 1.5, 1.25),
        Edit("word", "berlin", 1, None, 2.0),
        Edit("sentence", "It is so.", 3, 2.5, 3.0),
    )
    edited = "It is so. berlin. Dogs jump. Cats sleep. "
    found = Raised("m", "r", QUERY, text, "x", 1.0, 2.5, True, steps, edited, steps, 9, 0.1, False)
    cuts = what_if.cuts_of(text, found)
    assert cuts == (Cut(0, 0, "It is so. berlin. "), Cut(0, 12))
    assert apply(text, cuts) == edited
    assert what_if.gain_of(found) is None
    two = dataclasses.replace(found, steps=(steps[0], steps[2]))
    assert what_if.gain_of(two) == pytest.approx((1.5 - 1.0) + (2.5 - 1.25))


def test_a_change_of_one_text_leaves_the_other_as_it_is(compared: Compared, offered: str) -> None:
    assert offered in MODELS
    now = shown(what_if.run_change(Change(compared, {"A": ("museums", ())}), visitor()))["state"]
    now = shown(what_if.run_change(ask_cuts(now, {"A": [1, []], "B": [2, [[0, 5, ""]]]}), visitor()))["state"]
    assert {which: version.text for which, version in now.versions.items()} == {
        "A": "museums",
        "B": " is the capital .",
    }
