"""Two passages, sentence by sentence: what both hold cancels, the rest is known on paper, and the bars add up."""

from __future__ import annotations

from typing import Any

import pytest

from attribution import contrast_sentences
from attribution.errors import InputError, OptionError, Stopped
from attribution.evidence.compare.passages import SAME, align
from attribution.evidence.sentences import max_passes
from attribution.removal import OPERATORS
from attribution.rerankers.hooks import Meter
from attribution.rerankers.reranker import Reranker
from tests.conftest import Tiny
from tests.linear import QUERY, mask_weight, token_weights
from tests.tiny import KINDS

BOTH = [
    "Cats sleep in park one.\n",
    "Dogs sleep in park two.\n",
    "Foxes jump.\n",
    "France is large.\n",
    "York is old.\n",
]
ONLY_A = ["Berlin has 3.7 million inhabitants.\n", "Many people live in berlin.\n"]
ONLY_B = ["Paris is the capital of France.\n", "Museums are famous.\n"]
ASKED = "how many people live in berlin"


@pytest.mark.parametrize("operator", OPERATORS)
def test_on_a_model_that_adds_up_the_bars_are_known_on_paper(linear: Reranker, operator: str) -> None:
    first, second = "apple birch.\ncedar delta ember.\nfjord.\n", "grape hazel.\ncedar delta ember.\n"
    found = contrast_sentences(linear, QUERY, first, second, operator=operator)
    gone = mask_weight(linear) if operator == "mask" else 0.0
    expected = []
    for sign, document, spans in ((1, first, [(0, 13), (32, 39)]), (-1, second, [(0, 13)])):
        pair = linear.encode(QUERY, document)
        weights = token_weights(linear, pair) - gone
        for start, end in spans:
            places = [i for i in pair.positions("document") if start <= (pair.tokens[i].start or 0) < end]
            expected.append(sign * weights[places].sum().item())
    assert [bar.value for bar in found.bars] == pytest.approx(expected, abs=1e-4)
    assert [(bar.of, bar.text) for bar in found.bars] == [
        ("first", "apple birch.\n"),
        ("first", "fjord.\n"),
        ("second", "grape hazel.\n"),
    ]
    assert found.common_value + sum(expected) == pytest.approx(found.difference, abs=1e-3)
    assert found.says == "1 sentence is in both documents, of 3 of the first and 2 of the second."


def test_five_common_sentences_cancel_and_the_line_says_so(tiny_bert: Reranker) -> None:
    found = contrast_sentences(tiny_bert, ASKED, "".join([ONLY_A[0], *BOTH, ONLY_A[1]]), "".join([*BOTH, *ONLY_B]))
    assert found.says == "5 of 7 sentences are in both documents."
    assert found.common_value == pytest.approx(0.0, abs=1e-4)
    assert [bar.text for bar in found.bars] == [*ONLY_A, *ONLY_B]
    total = sum(bar.value for bar in found.bars)
    assert total == pytest.approx(found.difference, abs=1e-4)
    a, b = tiny_bert.score(ASKED, [found.first, found.second])
    assert found.difference == pytest.approx(a - b, abs=1e-4)
    assert {(found.first[slice(*c.first)], found.second[slice(*c.second)]) for c in found.common} == {
        (text, text) for text in BOTH
    }


@pytest.mark.parametrize("architecture", KINDS)
def test_bars_add_up_in_families_of_every_kind(architecture: str, tiny: Tiny) -> None:
    found = contrast_sentences(tiny(architecture), ASKED, ONLY_A[0] + BOTH[0], BOTH[0] + ONLY_B[0])
    total = found.common_value + sum(bar.value for bar in found.bars)
    assert total == pytest.approx(found.difference, abs=1e-4)
    assert found.remainder == pytest.approx(0.0, abs=1e-4)


def test_the_same_passage_is_one_and_another_shares_nothing(tiny_bert: Reranker) -> None:
    same = contrast_sentences(tiny_bert, ASKED, "".join(BOTH), "".join(BOTH))
    assert (same.bars, same.common_value, same.difference) == ((), 0.0, 0.0)
    other = contrast_sentences(tiny_bert, ASKED, "".join(ONLY_A), "".join(ONLY_B))
    assert other.says == "No sentence is in both documents."
    assert other.n_forward == 2 * max_passes(2)
    two = contrast_sentences(tiny_bert, ASKED, "".join(BOTH[:2]), "".join(BOTH[:3]))
    assert two.says == "2 sentences are in both documents, of 2 of the first and 3 of the second."
    assert other.common_value == pytest.approx(0.0, abs=1e-4)
    assert len(other.bars) == 4


def test_nearly_the_same_is_the_same_and_said() -> None:
    text = "one two three four five six seven eight nine ten"
    assert align([text], [text.upper() + "!"]) == [(0, 0, 1.0)]
    near = align([f"{text} eleven"], [f"{text} twelve"])
    assert near == [(0, 0, pytest.approx(10 / 11))]
    assert align([text.replace("ten", "none")], [text.replace("one", "none", 1).replace("two", "too")]) == []
    assert align(["a b c"], ["a b d"]) == []
    for one, other in (("He likes C++ today.", "He likes C today."), ("It was -5 degrees.", "It was 5 degrees.")):
        ((_, _, ratio),) = align([one], [other])
        assert 0.9 <= ratio < 1, "not the same, only nearly"
    assert align(["C++"], ["C"]) == [(0, 0, 0.9)]
    for one, other in (("यह दिन है।", "यह दान है।"), ("ไม้", "ไม่")):
        assert align([one], [other]) == [], "a vowel sign or a tone mark makes another word"
    assert SAME < 10 / 11
    long = [f"word{i % 30}" for i in range(250)]  # whose words difflib takes for noise, unless told otherwise
    assert align([" ".join(long)], [" ".join(["other", *long[1:]])]) == [(0, 0, pytest.approx(249 / 250))]


def test_a_long_text_of_few_words_is_paired_too() -> None:
    """Without an end of a sentence, as lyrics or a log; difflib by characters would take hours."""
    few = " ".join(["many words to read"] * 1000)
    ((_, _, ratio),) = align([few], [few.replace("read many", "read, many")])
    assert 0.9 < ratio < 1
    assert align([few], [few.upper()]) == [(0, 0, 1.0)]
    assert align(["a, b c"], ["a b, c"]) == [(0, 0, SAME)], "the same characters, one elsewhere"
    long = " ".join("bcdefghijklmnopqrstuvwxyz")
    assert align([f"a, {long}"], [f"a {long[0]},{long[1:]}"]) == [(0, 0, pytest.approx(1 - 1 / len(f"a, {long}")))]


def test_each_sentence_is_paired_once_the_most_alike_first() -> None:
    assert align(["x.", "x.", "y."], ["y!", "x?"]) == [(0, 1, 1.0), (2, 0, 1.0)]
    assert align(["😀", "..."], ["...", "😀"]) == [(0, 1, 1.0), (1, 0, 1.0)]


def test_a_near_copy_keeps_its_difference_in_the_common_bar(tiny_bert: Reranker) -> None:
    base = "new york is famous for its museums and its large old park"
    found = contrast_sentences(tiny_bert, ASKED, f"{base} berlin.", f"{base} paris.")
    assert found.says == "1 of 1 sentence is in both documents, 1 of them nearly."
    assert found.common_value == pytest.approx(found.difference, abs=1e-5)
    assert found.difference != 0


def test_what_was_not_read_is_counted_and_nothing_else_is_lost(tiny_bert: Reranker) -> None:
    long = "".join(ONLY_A) * 12
    found = contrast_sentences(tiny_bert, ASKED, long, BOTH[0])
    assert found.unread[0] > 0
    assert found.unread[1] == 0
    assert found.n_first + found.unread[0] == 24
    assert contrast_sentences(tiny_bert, ASKED, BOTH[0], long).unread == found.unread[::-1]
    assert found.common_value + sum(bar.value for bar in found.bars) == pytest.approx(found.difference, abs=1e-4)


def test_bad_input_and_a_stop_are_told(tiny_bert: Reranker) -> None:
    with pytest.raises(InputError):
        contrast_sentences(tiny_bert, ASKED, "one", "")
    wrongs: list[tuple[str, Any]] = [("seed", -1), ("seed", "a")]
    wrongs += [("most_orders", n) for n in (0, 2, 5, 18, -2, None, 4.0)]
    for name, value in wrongs:
        with pytest.raises(OptionError, match=name):
            contrast_sentences(tiny_bert, "q", "One. Two.", "Three.", **{name: value})
    with pytest.raises(OptionError):
        contrast_sentences(tiny_bert, ASKED, "one", "two", operator="erase")

    def stop(_meter: Meter) -> None:
        raise Stopped("stop")

    with pytest.raises(Stopped):
        contrast_sentences(tiny_bert, ASKED, "one", "two", on_pass=stop)
