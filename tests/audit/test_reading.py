"""What is read of one failure: the causes that hold for it, the words that lift it, what turns it round."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from attribution.audit.causes import find_causes
from attribution.audit.failures import Case, Inversion
from attribution.audit.judged import Placed
from attribution.audit.lifting import lifting_words
from attribution.audit.reading import max_passes, read_inversion
from tests.audit.toys import ANSWER, PLANTED, among, count_query_words, sentence, toy


@pytest.mark.parametrize(
    ("wrong", "right", "key", "says"),
    [
        ("topicb topicc won in 1912 .", "topicb topicc won in 1914 .", "numbers", "1914 \u2192 "),
        ("The topicb Peter saw Paul .", "The topicb Paul saw Mary .", "names", "changed places"),
        ("topicb is not topicc topicd .", "topicb is topicc topicd .", "negation", "put after"),
        (
            "topicb is topicc topicd .",
            "topicb isn't topicc topicd .",
            "negation",
            "negation taken out of the document: \u201cisn't\u201d",
        ),
    ],
)
def test_what_a_probe_would_change_is_all_that_differs(wrong: str, right: str, key: str, says: str) -> None:
    reads_words = toy(lambda query, document: float("topicb" in document))
    case = Case("topica", Placed("a", wrong, 0, 1.0, 1), Placed("b", right, 1, 0.25, 2))
    found = find_causes(reads_words, case)
    assert [one for one in found if one in ("numbers", "names", "negation")] == [key]
    assert says in found[key]
    assert "the right one's score moves by +0.75 with" in found[key], "the edited text scores 1"
    other = Case("topica", Placed("a", "topice topicf topicg 1912 .", 0, 1.0, 1), case.right)
    assert key not in find_causes(reads_words, other), "most words are not in both"


@pytest.mark.parametrize(
    ("upper", "lower", "cause"), [(30, 10, "longer"), (10, 30, "shorter"), (15, 10, "longer"), (14, 10, "")]
)
def test_a_text_half_as_long_again_is_a_cause_above_and_below(upper: int, lower: int, cause: str) -> None:
    wrong, right = (Placed(i, "word " * n, g, 0.0, r) for i, n, g, r in (("a", upper, 0, 1), ("b", lower, 1, 2)))
    found = find_causes(toy(count_query_words), Case("topica", wrong, right))
    assert {*found} & {"longer", "shorter"} == ({cause} if cause else set())


def test_at_most_so_many_passes_where_every_set_of_sentences_is_scored() -> None:
    passes: list[int] = []

    def counted(_query: list[str], document: list[str]) -> float:
        passes.append(len(document))
        return float(len(document))

    rand = random.Random(0)
    texts = [" ".join(sentence(rand) for _ in range(5)) for _ in range(2)]
    case = Case("topica", Placed("a", texts[0], 0, 3.0, 1), Placed("b", texts[1], 1, 0.0, 2))
    read_inversion(toy(counted), Inversion("q", 1.0, case, (case,) * 4))
    n_words = max(len(text.split()) for text in texts)
    assert 0 <= max_passes(5, n_words) - len(passes) < 8


def test_words_inside_the_sentence_that_counts_most() -> None:
    """A text of more than 60 words: its largest sentence is looked into, alone, and its planted word carries it."""
    rand = random.Random(4)
    passes: list[int] = []

    def pays_for_it(_query: list[str], document: list[str]) -> float:
        passes.append(len(document))
        return 3.0 * document.count(PLANTED)

    pays = toy(pays_for_it)
    wrong = among(rand, 5, 9, sentence(rand, PLANTED))
    right = among(rand, 0, 9, sentence(rand, "topica"))
    case = Case("topica", Placed("a", wrong, 0, 3.0, 1), Placed("b", right, 1, 0.0, 2))
    told = read_inversion(pays, Inversion("q", 1.0, case, (case,) * 4)).why
    assert max_passes(10, 90) / 2 < len(passes) <= max_passes(10, 90)
    (largest,) = [part for part in told.wrong if part.words]
    assert PLANTED in largest.text
    assert (largest.value, told.error) == (pytest.approx(3.0), pytest.approx(0.0))
    assert {word.text.strip(): word.value for word in largest.words if word.value} == {PLANTED: pytest.approx(3.0)}
    assert told.wrong_words == ()
    for n, there in ((60, True), (61, False)):
        of_words = Case("topica", Placed("a", "w1 " * n, 0, 0.0, 1), Placed("b", "w2", 1, 0.0, 2))
        assert bool(read_inversion(pays, Inversion("q", 1.0, of_words, ())).why.wrong_words) == there


@pytest.mark.parametrize(("n_sentences", "unit"), [(1, "word"), (2, "sentence"), (3, "sentence")])
def test_what_raises_the_wrong_text_is_dropped_until_it_falls_below_the_right_one(n_sentences: int, unit: str) -> None:
    rand = random.Random(5)
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED) + document.count("topica"))
    planted = sentence(rand, PLANTED, length=4)
    wrong = " ".join([*(sentence(rand, length=4) for _ in range(n_sentences - 1)), planted])
    case = Case("topica", Placed("a", wrong, 0, 3.0, 1), Placed("b", sentence(rand, "topica"), 1, 1.0, 2))
    turned = read_inversion(pays, Inversion("q", 1.0, case, ())).turned
    assert (turned.unit, turned.turned, turned.logit) == (unit, True, pytest.approx(0.0))
    assert [one.strip() for one in turned.dropped] == [PLANTED if unit == "word" else planted]


def test_a_sentence_behind_one_that_both_texts_have_is_dropped() -> None:
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED) + document.count("topica"))
    both, planted = "w1 w2 w3 w4 . ", f"w5 {PLANTED} w6 w7 ."
    wrong, right = f"{both}{planted}", f"{both}w8 topica w9 w1 ."
    case = Case("topica", Placed("a", wrong, 0, 3.0, 1), Placed("b", right, 1, 1.0, 2))
    found = read_inversion(pays, Inversion("q", 1.0, case, ()))
    turned = found.turned
    assert (turned.unit, turned.dropped, turned.logit) == ("sentence", (planted,), pytest.approx(0.0))
    own = [[word.text for word in part.words] for part in (*found.why.wrong, *found.why.right)]
    assert own == [planted.split(), ["w8", "topica", "w9", "w1", "."]]


@pytest.mark.parametrize(
    ("held", "other", "dropped", "turned"),
    [
        ((3, 1), 2, (3,), True),  # 1 is below 2
        ((3, 1), 1, (3, 1), True),  # level is not below
        ((3, 0), 0, (3,), False),  # what does not raise the score stays
        ((0,), 0, (), False),  # level from the start
    ],
)
def test_sentences_are_dropped_until_the_wrong_text_is_below(
    held: tuple[int, ...], other: int, dropped: tuple[int, ...], turned: bool
) -> None:
    """How often the sentences of the wrong text, and the right one, hold the word that is paid for."""
    wrong = [f"w{i} {f'{PLANTED} ' * n}." for i, n in enumerate(held)]
    right = f"w7 w8 {f'{PLANTED} ' * other}."
    case = Case("topica", Placed("a", " ".join(wrong), 0, 4.0, 1), Placed("b", right, 1, 0.0, 2))
    found = read_inversion(toy(lambda query, document: document.count(PLANTED)), Inversion("q", 1.0, case, ())).turned
    assert found.dropped == tuple(wrong[held.index(n)] for n in dropped)
    assert (found.turned, found.logit) == (turned, pytest.approx(sum(held) - sum(dropped)))


def test_as_many_sentences_are_dropped_as_it_takes() -> None:
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED) + document.count("topica"))
    least, most = f"w1 {PLANTED} w2 w3 . ", f"w4 {PLANTED} w5 {PLANTED} ."
    case = Case("topica", Placed("a", least + most, 0, 9.0, 1), Placed("b", "w6 topica .", 1, 1.0, 2))
    turned = read_inversion(pays, Inversion("q", 1.0, case, ())).turned
    assert ([one.strip() for one in turned.dropped], turned.turned) == ([most, least.strip()], True)


def test_texts_of_the_same_sentences_have_none_of_their_own() -> None:
    first = toy(lambda query, document: float(document[0] == "topica"))
    one, other = "topica w1 w2 .", "w3 w4 w5 ."
    case = Case("topica", Placed("a", f"{one} {other}", 0, 1.0, 1), Placed("b", f"{other} {one}", 1, 0.0, 2))
    why = read_inversion(first, Inversion("q", 1.0, case, ())).why
    assert (why.wrong, why.right, why.error, why.difference) == ((), (), 0.0, 1.0)
    assert why.common_value + why.remainder == pytest.approx(1.0)


def test_a_cause_says_its_scores_with_their_signs() -> None:
    """A model that reads ten words, or is cut at 24 tokens, and pays 1 for each word of the query."""
    filler, answer = "w1 w2 w3 w4 w5 w6 .", "topica topica ."
    late = Placed("b", f"{filler} {filler} {answer}", 1, 0.5, 2)

    def causes(reads: int, max_length: int, wrong: str, right: Placed) -> dict[str, str]:
        reader = toy(lambda query, read: count_query_words(query, read[:reads]) + 0.5, max_length)
        return find_causes(reader, Case("topica", Placed("a", wrong, 0, 1.5, 1), right))

    moved = causes(10, 512, "topica w7 .", late)["late"]
    assert moved.startswith("its best sentence, 3 of 3, begins after 12 words; moved")
    assert moved.endswith("would score +2.50 instead of +0.50, above the other's +1.50")
    early = Placed("b", f"w1 w2 . {answer} {filler} {filler} {filler}", 1, 1.5, 2)  # in the first third
    assert "late" not in causes(4, 512, "topica w7 .", early)
    for n_words, behind in ((5, True), (6, True), (7, False)):  # a third of them, or more, before the best sentence
        two = Placed("b", f"w1 w1 . topica topica{' w2' * (n_words - 4)} .", 1, 0.5, 2)
        assert ("late" in causes(2, 512, "topica w7 .", two)) == behind
    middle = Placed("b", "w1 w2 . topica . topica w3 .", 1, 0.5, 2)
    assert "the text would score +2.50 instead" in causes(99, 512, "topica w7 .", middle)["late"]
    cut = causes(99, 16, "topica w7 .", late)["cut"]
    assert cut.endswith("would alone score +2.50, above the other's +1.50")
    words = causes(99, 512, "topica topica w7 .", Placed("b", "topica w8 .", 1, 1.5, 2))["query_words"]
    assert words.endswith("the wrong one scores +2.50 and the right one +1.50")
    for logit, holds in ((-0.4, True), (-0.5, False)):  # a lead of 1 is more than half of 1.9, and half of 2
        right = Placed("b", "topica w8 .", 1, logit, 2)
        assert ("query_words" in causes(99, 512, "topica topica w7 .", right)) == holds


@pytest.mark.parametrize(("at", "holds"), [(1, True), (8, True), (9, False)])
def test_of_what_was_not_read_eight_parts_are_tried(at: int, holds: bool) -> None:
    """A model that reads one word of a text of eleven; the word that it pays for is number `at` of those unread."""
    words = [f"w{i}" for i in range(11)]
    words[at] = "topica"
    case = Case("topica", Placed("a", "w1", 0, 0.5, 1), Placed("b", " ".join(words), 1, 0.0, 2))
    found = find_causes(toy(count_query_words, max_length=5), case)
    assert ("cut" in found) == holds
    assert found.get("cut", "1 of 11 words were read").startswith("1 of 11 words were read")


def test_causes_by_the_words_of_both_texts() -> None:
    """Only words that the wrong text has are lacked; of a text of three words all may stand in the other one."""
    wrong, right = "river bridge and some more words .", "castle and some more words ."
    asked = "river bridge castle museum harbour"
    case = Case(asked, Placed("a", wrong, 0, 2.0, 1), Placed("b", right, 1, 1.0, 2))
    gap = find_causes(toy(count_query_words), case)["gap"]
    lacks = "\u201criver\u201d, \u201cbridge\u201d, which the wrong one has"
    assert gap == f"the right one holds 1 of the query's 5 words and lacks {lacks}"
    for right, holds in ("castle museum .", True), ("castle museum harbour .", False):
        case = Case(asked, case.wrong, Placed("b", right, 1, 1.0, 2))
        assert ("gap" in find_causes(toy(count_query_words), case)) == holds
    half = Case("river bridge castle museum", case.wrong, Placed("b", "castle museum .", 1, 0.0, 2))
    assert "gap" not in find_causes(toy(count_query_words), half), "the right one holds half of the query's words"
    short = Case(asked, case.wrong, Placed("b", "and some more", 1, 0.0, 2))
    assert find_causes(toy(count_query_words), short)["duplicates"].startswith("100 % of the shorter text")


def test_a_word_of_the_right_text_lifts_no_wrong_one() -> None:
    """It tells failures from pairs in order as well as the planted word does, and stands on the other side."""

    def case(name: str, wrong: str, right: str, gain: float) -> Case:
        return Case("topica", Placed(f"{name}a", wrong, 0, gain, 1), Placed(f"{name}b", right, 1, 0.0, 2))

    fine = case("c", "w3 w4 .", "w5 w6 .", -1.0)
    failures = [
        Inversion(str(i), 1.0, case(str(i), f"{PLANTED} w1 .", f"{ANSWER} w2 .", 3.0), (fine, fine)) for i in range(30)
    ]
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED))
    assert [one.word for one in lifting_words(pays, failures, 0)][:1] == [PLANTED]
    assert ANSWER not in {one.word for one in lifting_words(pays, failures, 0)}


def test_the_words_most_in_excess_are_taken_away_and_the_ones_that_lift_come_first() -> None:
    """Thirty failures, a pair in order for each: word -> how many wrong candidates hold it among them, and there."""
    full = dict.fromkeys((PLANTED, ANSWER, "w51", "w52", "w53", "w54"), (30, 0))
    words = full | {"w12": (28, 14), "w10": (12, 1), "w20": (9, 0), "w3": (3, 0), "w2": (2, 0)}

    def case(name: str, wrong: str, gain: float) -> Case:
        return Case("topica", Placed(f"{name}a", wrong, 0, gain, 1), Placed(f"{name}b", "topicb .", 1, 0.0, 2))

    inversions = []
    for i in range(30):
        wrong = " ".join([f"w{i + 21}", *(word for word, (n, _) in words.items() if i < n)])
        fine = " ".join([f"w{i + 21}", *(word for word, (_, n) in words.items() if i >= 30 - n)])
        inversions.append(Inversion(str(i), 1.0, case(f"{i}", wrong, 3.5), (case(f"{i}c", fine, 0.0),)))
    pays = toy(lambda query, document: 3.0 * document.count(PLANTED) + 0.5 * document.count(ANSWER))
    found = lifting_words(pays, inversions, 0)
    # Of nine whose interval is beyond 1 the eight of the lowest p; Holm ties two, and w20 has the higher ratio.
    assert [one.word for one in found] == [PLANTED, ANSWER, "w51", "w52", "w53", "w54", "w12", "w20"]
    assert [(one.lift, one.claimed) for one in found] == [(3.0, True), (0.5, True), *[(0.0, False)] * 6]
    assert (found[0].n, found[0].excess.p) == (20, pytest.approx(10 * 0.5**30)), "ten words are in three or more"
    assert all(one.excess.claimed for one in found[:7])
    assert 1 < found[6].excess.low < 2
    assert [one.right_lift for one in found] == [None] * 8, "no right one holds any of them"
    ours = Case("topica", Placed("x", "w1 .", 0, 0.0, 1), Placed("y", f"{PLANTED} topicb .", 1, 3.0, 2))
    there = lifting_words(pays, [replace(one, controls=(*one.controls, ours)) for one in inversions], 0)
    assert [one.right_lift for one in there if one.word == PLANTED] == [3.0]
    alone = [Inversion(one.id, 1.0, case(one.id, PLANTED, 3.0), one.controls) for one in inversions]
    (only,) = lifting_words(pays, alone, 0)
    assert (only.n, only.lift, only.low, only.high, only.claimed) == (0, 0.0, 0.0, 0.0, False), "nothing would be left"


@pytest.mark.parametrize(
    ("wrong", "right", "key", "says"),
    [
        ("topica w1", "topica w2", "bait", None),  # as many, as often
        ("topica topica", "topica", "bait", "1 word the wrong one holds 1 (in 2 places), the right one 1 (in 1)"),
        ("topica", "topica topica", "bait", None),
        ("w1 w2 w3 w4 w5 w6 w7", "w1 w2 w3 w4 w5 w8 w9", "duplicates", "60 % of the shorter text"),  # 3 of 5 triples
        ("w1 w2 w3 w4 w5 w6 w7", "w1 w2 w3 w4 w8 w5 w6", "duplicates", None),
        ("cats see dogs and us 7", "cats see dogs eat it 8", "numbers", "numbers: \u201c7\u201d in the wrong one"),
        ("cats see dogs and us 7", "cats see no one else 8", "numbers", None),  # 2 of 5 words
        ("cats 1 2 3 4 5 6 7 8 9", "cats", "numbers", "\u201c8\u201d in the wrong one, none in the right one"),
    ],
)  # fmt: skip
def test_how_much_is_alike_and_how_often_a_word_is_held(wrong: str, right: str, key: str, says: str | None) -> None:
    case = Case("topica", Placed("a", wrong, 0, 1.0, 1), Placed("b", right, 1, 0.0, 2))
    found = find_causes(toy(count_query_words), case).get(key)
    assert (says in found) if found and says else found == says
