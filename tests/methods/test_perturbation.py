"""Occlusion and Shapley values against plain forwards and the definition."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, permutations
from typing import Any

import pytest
import torch
from torch import Tensor

from attribution import explain
from attribution.methods.perturbation import balanced_orders, exact_shapley, sampled_shapley
from attribution.removal import seen_words
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from tests.conftest import Plain

BERT = "BertForSequenceClassification"
QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants"  # six words, one of several tokens


@torch.no_grad()
def plain_logits(plain: tuple[Any, Any], rows: list[list[int]], **inputs: Tensor) -> list[float]:
    """The plain model's logit of the pair with the tokens of each row masked."""
    tokenizer, model = plain
    input_ids = inputs["input_ids"].repeat(len(rows), 1)
    for i, positions in enumerate(rows):
        input_ids[i, positions] = tokenizer.mask_token_id
    others = {k: v.expand(len(rows), -1) for k, v in inputs.items() if k != "input_ids"}
    logits: list[float] = model(input_ids=input_ids, **others).logits[:, 0].tolist()
    return logits


def words_of(pair: TokenizedPair) -> tuple[list[list[int]], list[list[int]]]:
    return seen_words(pair, "query"), seen_words(pair)


def test_occlusion_equals_plain_forwards(tiny_bert: Reranker, plain: Plain) -> None:
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    words = [word for side in words_of(pair) for word in side]
    whole, *without = plain_logits(plain(BERT), [[], *words], **pair.inputs)
    masked = explain(tiny_bert, QUERY, DOCUMENT, "occlusion").attributions
    assert [sum(masked[i] for i in word) for word in words] == pytest.approx([whole - w for w in without], abs=1e-5)
    deleted = explain(tiny_bert, QUERY, DOCUMENT, "occlusion", operator="delete").attributions
    for word in words:
        stays = [i for i in range(len(pair.tokens)) if i not in word]
        (without_it,) = plain_logits(plain(BERT), [[]], **{k: v[:, stays] for k, v in pair.inputs.items()})
        assert sum(deleted[i] for i in word) == pytest.approx(whole - without_it, abs=1e-5)
        assert len({deleted[i] for i in word}) == 1
    assert [masked[i] for i in pair.positions("template")] == [0] * 3


def test_shapley_equals_brute_force(tiny_bert: Reranker, plain: Plain) -> None:
    """The definition: the mean over all orders of six words, from the plain model's logit of every subset."""
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    words = words_of(pair)[1]
    assert len(words) == 6
    subsets = [frozenset(s) for size in range(7) for s in combinations(range(6), size)]
    rows = [[i for w in range(6) if w not in subset for i in words[w]] for subset in subsets]
    value = dict(zip(subsets, plain_logits(plain(BERT), rows, **pair.inputs), strict=True))
    orders = list(permutations(range(6)))
    expected = [0.0] * 6
    for order in orders:
        for k, w in enumerate(order):
            expected[w] += (value[frozenset(order[: k + 1])] - value[frozenset(order[:k])]) / len(orders)
    explanation = explain(tiny_bert, QUERY, DOCUMENT, "shapley")
    ours = [sum(explanation.attributions[i] for i in word) for word in words]
    assert ours == pytest.approx(expected, abs=1e-5)
    assert [path.n_steps for path in explanation.paths] == [0, 0], "no gradient is taken on the way"
    sampled = explain(tiny_bert, QUERY, DOCUMENT, "shapley", n_samples=3)
    assert sampled.n_forward < explanation.n_forward
    assert sampled.attributions != explanation.attributions
    assert [path.convergence_delta for path in sampled.paths] == pytest.approx([0, 0], abs=1e-4)


def test_an_order_and_its_reverse_are_exact_for_pairs() -> None:
    """In v(S) = sum of M[i, j] over i, j in S, a word's value is M[i, i] + half of its other entries."""
    matrix = torch.randn(7, 7, generator=torch.Generator().manual_seed(3))

    def game(sets: Iterable[frozenset[int]]) -> dict[frozenset[int], float]:
        return {s: matrix[list(s)][:, list(s)].sum().item() for s in sets}

    expected = ((matrix.sum(0) + matrix.sum(1)) / 2).tolist()
    assert exact_shapley(game, 7) == pytest.approx(expected, abs=1e-5)
    assert sampled_shapley(game, 7, 2, torch.Generator().manual_seed(0)) == pytest.approx(expected, abs=1e-5)
    one_way = sampled_shapley(game, 7, 1, torch.Generator().manual_seed(0))
    assert one_way != pytest.approx(expected, abs=1e-2)
    assert sum(one_way) == pytest.approx(sum(expected), abs=1e-4)


def test_six_orders_begin_at_thirds_of_one() -> None:
    orders = balanced_orders(12, 6, torch.Generator().manual_seed(0))
    assert orders[1::2] == [order[::-1] for order in orders[::2]]
    assert [orders[0].index(order[0]) for order in orders[::2]] == [0, 4, 8]


@pytest.mark.parametrize(("n", "n_samples"), [(1, 8), (5, 8), (40, 8), (40, 13)])
def test_orders_put_each_word_early_and_late(n: int, n_samples: int) -> None:
    """Orders of all the words; in a whole group a word's mean place is the middle, and every quarter sees it twice."""
    orders = balanced_orders(n, n_samples, torch.Generator().manual_seed(0))
    assert len(orders) == n_samples
    assert all(sorted(order) == list(range(n)) for order in orders)
    group = orders[:8]  # four beginnings, each also in reverse
    places = [[order.index(w) for order in group] for w in range(n)]
    assert {sum(of_word) / len(group) for of_word in places} == {(n - 1) / 2}
    if n % 4 == 0:
        assert all(sorted(4 * place // n for place in of_word) == [0, 0, 1, 1, 2, 2, 3, 3] for of_word in places)
