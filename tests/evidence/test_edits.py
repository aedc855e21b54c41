"""Each edit of a small text, by hand: the texts it makes, and how many words it says to touch."""

from __future__ import annotations

import random

import pytest

from attribution.evidence.probes import baits, edits
from attribution.evidence.probes.edits import Edits
from attribution.evidence.probes.wording import (
    answer_sentence,
    content_words,
    is_neutral,
    partner_of,
    words_of,
)
from attribution.views.score import Outside

QUERY = "when do rivers flood?"
DOCUMENT = "Old Vienna was wet. Rivers flood in May 1870, as Linz and Passau know!"
Made = list[tuple[str, str, int]]  # query, document, size


def made(edit: Edits, query: str = QUERY, document: str = DOCUMENT) -> Made:
    return [(e.query, e.document, e.size) for e in edit(query, document, random.Random(0))]


NEUTRAL = edits.unrelated_document(QUERY)
BY_HAND: dict[str, tuple[Edits, str, Made]] = {
    "a negation put in": (
        edits.negation,
        "It rained. Rivers can flood. It stopped.",
        [(QUERY, "It rained. Rivers can not flood. It stopped.", 1)],
    ),
    "two negations out": (
        edits.negation,
        "Rivers don't flood and never freeze.",
        [(QUERY, "Rivers do flood and freeze.", 2)],
    ),
    "nothing to negate": (edits.negation, "Rivers flood.", []),
    "a sentence's neighbour": (
        edits.neighbour,
        DOCUMENT,
        [(QUERY, "Old Vienna was wet. Old Vienna was wet.", 10)],
    ),
    "its neighbour behind": (
        edits.neighbour,
        "Rivers flood. Ice.  Snow.",
        [(QUERY, "Ice. Ice.  Snow.", 2)],
    ),
    "the one behind first": (edits.neighbour, "Ice. Rivers flood. Snow.", [(QUERY, "Ice. Snow. Snow.", 2)]),
    "the one before": (edits.neighbour, "Wet. Ice. Rivers flood.", [(QUERY, "Wet. Ice. Ice.", 2)]),
    "no neighbour": (edits.neighbour, "Rivers flood.", []),
    "a neighbour that is as near": (edits.neighbour, "Rivers rise. Rivers fall. Ice.", []),
    "partners": (
        edits.partners,
        DOCUMENT,
        [
            (QUERY, "Old Vienna was wet. flood in May 1870, as Linz and Passau know!", 1),
            (QUERY, "Old Vienna was wet. Rivers in May 1870, as Linz and Passau know!", 1),
        ],
    ),
    "partners of the four longest words": (
        lambda _query, document, rand: edits.partners("bridges towers rivers cities ice", document, rand),
        "bridges towers rivers cities ice",
        [
            ("bridges towers rivers cities ice", "towers rivers cities ice", 1),
            ("bridges towers rivers cities ice", "bridges rivers cities ice", 1),
            ("bridges towers rivers cities ice", "bridges towers cities ice", 1),
            ("bridges towers rivers cities ice", "bridges towers rivers ice", 1),
        ],
    ),
    "no partner": (edits.partners, "Ice and snow.", []),
    "all are partners": (edits.partners, "Rivers, rivers!", []),
    "small and capital letters": (
        edits.case,
        "Wet May",
        [(QUERY, "wet may", 1), (QUERY, "WET MAY", 1)],
    ),
    "capitals only": (edits.case, "wet", [(QUERY, "WET", 1)]),
    "spacing": (
        edits.spacing,
        "Wet, in May.",
        [(QUERY, "Wet in May", 1), (QUERY, "Wet,  in  May.", 1)],
    ),
    "twice": (edits.twice, "Wet in May.", [(QUERY, "Wet in May. Wet in May.", 3)]),
    "padded": (
        edits.padded,
        "Wet.",
        [
            (QUERY, f"{NEUTRAL} Wet.", len(NEUTRAL.split())),
            (QUERY, f"Wet. {NEUTRAL}", len(NEUTRAL.split())),
            (QUERY, f"{NEUTRAL} Wet. {NEUTRAL}", 2 * len(NEUTRAL.split())),
        ],
    ),
    "a typo that can only be in front": (
        lambda _query, document, rand: edits.typo("abbb", document, rand),
        "Ice.",
        [("babb", "Ice.", 1)],
    ),
    "two sentences": (edits.reordered, "Ice. Snow", [(QUERY, "Snow Ice.", 2)]),
    "a sentence that leans": (edits.reordered, "Ice. It melts.", []),
    "one sentence": (edits.reordered, "Ice. Ice.", []),
    "two names": (
        edits.names,
        "See Linz and Passau, not Linz at all.",
        [(QUERY, "See Passau and Linz, not Passau at all.", 3)],
    ),
    "a name has three letters": (edits.names, "See Al, X, Linz.", []),
    "names of three letters": (edits.names, "See Ulm and Bad.", [(QUERY, "See Bad and Ulm.", 2)]),
    "a quoted start is no name": (edits.names, 'It rained. "Linz is near Passau."', []),
    "one name": (edits.names, "Linz is near Linz. Passau is far.", []),
    "too few words to shuffle": (edits.shuffled, "ice ice snow", []),
    "no number": (edits.numbers, "ice in may", []),
    "the query before": (baits.query_prepended, "Ice.", [(QUERY, f"{QUERY} Ice.", 4)]),
    "its keywords": (baits.stuffed, "Ice.", [(QUERY, "Ice. rivers flood rivers flood rivers flood", 3)]),
    "an injection": (baits.injected, "Ice.", [(QUERY, f"Ice. {baits.INJECTED}", 8)]),
    "an answer": (baits.answered, "Ice.", [(QUERY, "Ice. Answer yes.", 2)]),
    "typed templates": (baits.typed_template, "Ice.", [(QUERY, f"Ice. {typed}", 3) for typed in baits.TYPED]),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_the_edit_by_hand(name: str) -> None:
    edit, document, by_hand = BY_HAND[name]
    assert made(edit, document=document) == by_hand


@pytest.mark.parametrize(
    ("edit", "document", "says"),
    [
        (edits.negation, "Rivers can flood.", '"not" put after "can"'),
        (edits.negation, "Never freeze, not flood.", 'taken out of the document: "Never", "not"'),
        (edits.neighbour, DOCUMENT, "sentence 2, nearest to the query, replaced by a copy of sentence 1"),
        (edits.neighbour, "Rivers flood. Ice.", "sentence 1, nearest to the query, replaced by a copy of sentence 2"),
        (edits.reordered, "Ice. Snow.", "sentences in the order 2, 1"),
        (edits.shuffled, "ice snow rain", "the document's 3 words in random order"),
        (edits.partners, "River, rivers, River: ice.", '"rivers" removed from the document: "River", "rivers"'),
        (edits.names, "See Linz and Passau.", "changed places"),
        (edits.case, "wet", "the document in capitals"),
    ],
)  # fmt: skip
def test_an_edit_says_what_it_did(edit: Edits, document: str, says: str) -> None:
    said = edit(QUERY, document, random.Random(0))[0].says
    assert said.replace("\u201c", '"').replace("\u201d", '"').endswith(says)


def test_two_draws_of_what_is_random_and_each_counts_what_it_moved() -> None:
    shuffled = made(edits.shuffled, document="ice snow rain")
    assert len(shuffled) == 2
    for _, document, size in shuffled:
        assert sorted(document.split()) == ["ice", "rain", "snow"]
        assert document != "ice snow rain"
        assert size == sum(a != b for a, b in zip(document.split(), ["ice", "snow", "rain"], strict=True))
    numbers = made(edits.numbers, "in 1871", "In 1870, 1871 and 1870: 3.7")
    assert [size for *_, size in numbers] == [3, 3]
    for _, document, _ in numbers:
        first, kept, again, last = (word.strip(",:") for word in document.split() if word[0].isdigit())
        assert (kept, first) == ("1871", again)
        assert first != "1870"
        assert (len(first), len(last), last[1]) == (4, 3, ".")


def test_another_number_has_as_many_digits_and_begins_with_none_that_is_zero() -> None:
    drawn = [made.document for seed in range(40) for made in edits.numbers("", "in 1870", random.Random(seed))]
    digits = [document.removeprefix("in ") for document in drawn]
    assert all(len(number) == 4 and number != "1870" for number in digits)
    assert {number[0] for number in digits} == set("123456789")
    assert {number[3] for number in digits} == set("0123456789")


def test_a_typo_is_inside_the_longest_word() -> None:
    wrong = {edits.typo("an ice river", DOCUMENT, random.Random(seed))[0].query for seed in range(20)}
    assert wrong == {"an ice rvier", "an ice rievr", "an ice rivre"}
    assert made(edits.typo, "oox", DOCUMENT) == []
    assert made(edits.typo, "aaaa", DOCUMENT) == []


@pytest.mark.parametrize(
    ("word", "wanted", "partner"),
    [
        ("Lives", "live", True),
        ("live", "lives", True),
        ("inhabitants", "inhabitant", True),
        ("cats", "cat", False),
        ("cat", "cat", True),
        ("river", "rivet", True),
        ("riverside", "rivers", True),
        ("riversides", "rivers", False),
        ("rain", "rail", False),
    ],
)
def test_partners_share_a_stem(word: str, wanted: str, partner: bool) -> None:
    assert partner_of(word, [wanted]) == partner


@pytest.mark.parametrize(
    ("word", "neutral"),
    [
        ("wet", True),
        ("Wet", False),
        ("1870", False),
        ("not", False),
        ("flood", False),
        ("floods", False),
        ("a1", False),
        ("straße", True),  # in small letters, though folding them makes others of it
        ("λόγος", True),
        ("Straße", False),
    ],
)
def test_neutral_words_mean_little(word: str, neutral: bool) -> None:
    assert is_neutral(word, QUERY) == neutral


def test_words_of_a_searcher() -> None:
    assert content_words("When do Rivers flood the rivers?") == ["rivers", "flood"]
    assert content_words("who are you") == ["who", "are", "you"]
    assert words_of("don't re-use 3.7 or a1") == ["don't", "re-use", "3.7", "or", "a1"]
    assert answer_sentence(QUERY, DOCUMENT) == 1
    assert answer_sentence(QUERY, "Ice. Snow.") == 0
    assert answer_sentence(QUERY, "") == 0


@pytest.mark.parametrize(
    ("unknown", "foreign", "mostly"), [(0.3, 0.3, True), (0.5, 0.0, False), (0.0, 0.51, True), (0.25, 0.25, False)]
)
def test_mostly_is_more_than_half(unknown: float, foreign: float, mostly: bool) -> None:
    assert Outside("query", unknown, foreign).mostly == mostly
