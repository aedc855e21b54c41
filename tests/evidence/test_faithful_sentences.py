"""Faithfulness by sentences, on the linear toy where what each sentence is worth is known on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import pytest

from attribution import explain
from attribution.errors import OptionError
from attribution.evidence.faithfulness.measure import BLIND, measure
from attribution.removal import parts_of
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from tests.linear import QUERY, WORDS, token_weights

LINES = [f"{' '.join(WORDS[3:10][i % 7 : i % 7 + 2] or WORDS[3:5])}{' ember' * (i % 3)}.\n" for i in range(8)]
FRACTIONS = (0.05, 0.1, 0.2, 0.5)


@pytest.fixture(scope="module")
def base(linear: Reranker) -> Explanation:
    return explain(linear, QUERY, "".join(LINES), "input_x_gradient")


def worth(linear: Reranker, base: Explanation) -> list[float]:
    weights = token_weights(linear, linear.encode(base.query, base.document))
    return [weights[positions].sum().item() for positions in parts_of(base, "sentence")]


def drop(worth: Sequence[float], order: Sequence[int]) -> float:
    return fmean(sum(worth[i] for i in order[: max(1, int(share * len(order) + 0.5))]) for share in FRACTIONS)


def test_every_order_is_known_on_paper(linear: Reranker, base: Explanation) -> None:
    """Input x gradient is the truth on this model; the blind orders go by length and by place alone."""
    truth = worth(linear, base)
    found = measure(linear, {"input_x_gradient": base}, operator="delete", unit="sentence")
    best = sorted(range(8), key=lambda i: -truth[i])
    assert (found.unit, found.n_words, found.enough_words) == ("sentence", 8, True)
    assert found.methods["input_x_gradient"].comprehensiveness == pytest.approx(drop(truth, best), abs=1e-3)
    assert found.blind["first first"].comprehensiveness == pytest.approx(drop(truth, range(8)), abs=1e-3)
    assert found.blind.keys() == BLIND.keys()
    assert all(c.comprehensiveness <= drop(truth, best) + 1e-3 for c in found.blind.values())


def test_the_longest_goes_first(linear: Reranker) -> None:
    lines = ["apple.\n", "birch cedar delta ember.\n", "fjord grape.\n"]
    base = explain(linear, QUERY, "".join(lines), "saliency")
    truth = worth(linear, base)
    found = measure(linear, {"saliency": base}, operator="delete", unit="sentence")
    assert found.blind["longest first"].comprehensiveness == pytest.approx(drop(truth, [1, 2, 0]), abs=1e-3)
    assert found.blind["longest first"].deletion[0] == pytest.approx(found.logit)


def test_a_sentence_counts_by_the_sum_of_its_words(linear: Reranker, base: Explanation) -> None:
    """Spread anew over a sentence's tokens, the same sums give the same order."""
    moved = [0.0] * len(base.tokens)
    for positions in parts_of(base, "sentence"):
        moved[positions[-1]] = sum(base.attributions[i] for i in positions)
    other = replace(base, attributions=tuple(moved))
    both = [measure(linear, {"a": e}, operator="delete", unit="sentence").methods["a"] for e in (base, other)]
    assert both[0] == both[1]


def test_words_have_no_blind_orders_and_units_are_named(linear: Reranker, base: Explanation) -> None:
    assert measure(linear, {"a": base}).blind == {}
    with pytest.raises(OptionError, match="Valid: word, sentence"):
        measure(linear, {"a": base}, unit="paragraph")
    few = explain(linear, QUERY, "apple.\nbirch cedar.", "saliency")
    assert not measure(linear, {"a": few}, operator="delete", unit="sentence").enough_words
    three = explain(linear, QUERY, "apple.\nbirch.\ncedar.", "saliency")
    assert measure(linear, {"a": three}, operator="delete", unit="sentence").enough_words
