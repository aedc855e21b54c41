"""Edits of drawn texts change what they say and nothing else."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attribution.evidence.probes import edits
from attribution.evidence.probes.edits import Edit, Edits, unrelated_document
from attribution.evidence.probes.table import PROBES
from attribution.evidence.probes.wording import NEGATIONS, NUMBER, WORD, content_words, words_of
from attribution.words import sentences_of
from tests.evidence.toys import DOCUMENT, QUERY

TEXTS = st.lists(
    st.lists(
        st.sampled_from([*words_of(DOCUMENT), "3,000", "isn't", "never", "Linz,", "\u6771\u4eac"]),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=4,
).map(lambda sentences: " ".join(f"{' '.join(words)}." for words in sentences))


SEEDS = st.integers(0, 10**6)


def run(edit: Edits, document: str, seed: int, query: str = QUERY) -> list[Edit]:
    found = edit(query, document, random.Random(seed))
    assert found == edit(query, document, random.Random(seed)), "the same for the same seed"
    assert all(found_edit.size > 0 and found_edit.says for found_edit in found)
    assert all((e.query, e.document) != (query, document) for e in found)
    return found


@given(TEXTS, SEEDS)
def test_only_the_typo_touches_the_query(document: str, seed: int) -> None:
    for key, row in PROBES.items():
        for edit in run(row.edit, document, seed):
            assert (edit.query != QUERY) == (key == "typo")
            assert (edit.document != document) or key == "typo"


@given(TEXTS, SEEDS)
def test_numbers_only_changes_digits_and_keeps_their_places(document: str, seed: int) -> None:
    for edit in run(edits.numbers, document, seed):
        assert NUMBER.sub("#", edit.document) == NUMBER.sub("#", document)
        changed = zip(NUMBER.findall(document), NUMBER.findall(edit.document), strict=True)
        assert all(a != b and len(a) == len(b) for a, b in changed)


@given(TEXTS, SEEDS)
def test_shuffling_keeps_the_words_and_what_stands_between_them(document: str, seed: int) -> None:
    for edit in run(edits.shuffled, document, seed):
        assert Counter(words_of(edit.document)) == Counter(words_of(document))
        assert WORD.sub("#", edit.document) == WORD.sub("#", document)


@given(TEXTS, SEEDS)
def test_negation_adds_one_not_or_takes_every_negation(document: str, seed: int) -> None:
    def negations(text: str) -> int:
        return sum(w.casefold() in NEGATIONS or w.endswith("n't") for w in words_of(text))

    for edit in run(edits.negation, document, seed):
        before, after = words_of(document), words_of(edit.document)
        if negations(document):
            assert negations(edit.document) == 0
            assert Counter(after) - Counter(before) <= Counter({"is": 99})
        else:
            assert Counter(after) - Counter(before) == Counter({"not": 1})


@given(TEXTS, SEEDS)
@example("The. The. 1870.", 0)  # where the last sentence goes first, its 1870 would be read as the second's
def test_sentences_are_moved_whole(document: str, seed: int) -> None:
    before = list(map(str.strip, sentences_of(document)))
    for edit in run(edits.reordered, document, seed):
        order = [int(place) - 1 for place in re.findall(r"\d+", edit.says)]
        assert sorted(order) == list(range(len(before)))
        assert edit.document == " ".join(before[i] for i in order)
    for edit in run(edits.neighbour, document, seed):
        gone, copied = (int(place) - 1 for place in re.findall(r"\d+", edit.says))
        assert edit.document == " ".join([*before[:gone], before[copied], *before[gone + 1 :]])


@pytest.mark.parametrize(("second", "moves"), [("They swim.", False), ("Fish like them swim.", True), ("One.", True)])
def test_sentences_stay_where_one_opens_with_a_word_that_leans_on_the_last(second: str, moves: bool) -> None:
    assert bool(run(edits.reordered, f"Rivers flow. {second}", 0)) == moves


@given(TEXTS, SEEDS)
def test_names_change_places(document: str, seed: int) -> None:
    for edit in run(edits.names, document, seed):
        moved = {(a, b) for a, b in zip(words_of(document), words_of(edit.document), strict=True) if a != b}
        assert len(moved) == 2
        assert {a for a, _ in moved} == {b for _, b in moved}


@given(TEXTS, SEEDS)
def test_removed_partners_are_the_query_words_own(document: str, seed: int) -> None:
    for edit in run(edits.partners, document, seed):
        gone = Counter(words_of(document)) - Counter(words_of(edit.document))
        assert {word.casefold() for word in gone} <= {"rivers", "river", "flows", "flow", "through", "vienna"}
        assert not Counter(words_of(edit.document)) - Counter(words_of(document))


@given(TEXTS, SEEDS)
def test_case_and_spacing_change_nothing_a_reader_minds(document: str, seed: int) -> None:
    for edit in run(edits.case, document, seed):
        assert edit.document.casefold() == document.casefold()
    for edit in run(edits.spacing, document, seed):
        assert words_of(edit.document) == words_of(document)


@given(st.sampled_from(["which rivers flow", "how many people live in Berlin", "wo fl\u00e4uft die Donau"]), SEEDS)
def test_a_typo_swaps_two_neighbouring_letters_of_the_longest_word(query: str, seed: int) -> None:
    (edit,) = run(edits.typo, DOCUMENT, seed, query)
    wrong = [(a, b) for a, b in zip(words_of(query), words_of(edit.query), strict=True) if a != b]
    assert len(wrong) == 1
    (a, b) = wrong[0]
    assert len(a) == max(map(len, words_of(query)))
    differing = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    assert differing[1] == differing[0] + 1
    assert sorted(a) == sorted(b)


def test_a_word_of_four_letters_is_long_enough_for_a_typo() -> None:
    (edit,) = run(edits.typo, DOCUMENT, 0, "who is john")
    assert edit.query in ("who is jhon", "who is jonh")
    assert edit.size == 1
    assert run(edits.typo, DOCUMENT, 0, "who are you") == []


@pytest.mark.parametrize(
    "key", ["padded", "twice", "query_prepended", "stuffed", "injected", "answered", "typed_template"]
)
def test_additions_keep_the_document_whole(key: str) -> None:
    for edit in run(PROBES[key].edit, DOCUMENT, 0):
        assert DOCUMENT in edit.document


def test_the_unrelated_document_shares_no_content_word_with_the_query() -> None:
    for query in (QUERY, "why are bananas yellow", "how to wash curtains", "birds on a fence"):
        shared = set(content_words(query)) & {word.casefold() for word in words_of(unrelated_document(query))}
        assert shared == set()
