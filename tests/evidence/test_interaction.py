"""Which words matter together: a product known on paper, brute force, and what interaction refuses."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from math import comb
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution import interaction
from attribution.errors import OptionError
from attribution.evidence.compare.contrast import words_of
from attribution.evidence.compare.interaction import forms, pairs_of_words
from attribution.removal import seen_words
from attribution.rerankers.hooks import EmbeddingAdapter
from attribution.rerankers.reranker import Reranker
from tests.conftest import Plain
from tests.evidence.conftest import ASKED, BERT, LIST
from tests.linear import DOCUMENT, HIDDEN, QUERY


class ProductModel(nn.Module):
    """logit = sum of head . e over all tokens + (sum of u . e over the query's) x (sum of v . e over the document's).

    So query word i and document word j matter together by (what i adds to the first sum) x (what j adds to the second).
    """

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.config = plain.config
        self.embeddings = plain.get_submodule("embeddings")
        self.head, self.u, self.v = (nn.Parameter(torch.randn(HIDDEN, generator=generator)) for _ in range(3))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        inputs_embeds = self.embeddings(input_ids)  # (batch, seq, hidden)
        segment = (input_ids == 3).cumsum(1) - (input_ids == 3).long()  # [SEP] is 3: 0 the query, 1 the document
        word = attention_mask * (input_ids > 3)  # [MASK] is a word too
        query, document = (
            (inputs_embeds @ weight * word * (segment == s)).sum(1) for s, weight in enumerate((self.u, self.v))
        )
        linear = (inputs_embeds @ self.head * attention_mask).sum(1)
        return SimpleNamespace(logits=(linear + query * document)[:, None])


@pytest.fixture(scope="module")
def product(linear: Reranker) -> Reranker:
    model = ProductModel(linear.model).eval().requires_grad_(False)
    layers: dict[Any, nn.Module] = {
        "word": model.get_submodule("embeddings.word_embeddings"),
        "block": model.embeddings,
    }
    return dataclasses.replace(linear, model=model, adapter=EmbeddingAdapter(layers), model_id="product-toy")


def known_products(product: Reranker, query_left: float, document_left: float) -> Tensor:
    """`(query words, document words)`, when a removed word leaves that share of the mask token behind."""
    pair = product.encode(QUERY, DOCUMENT)
    mask = product.word_embeddings(torch.tensor(product.tokenizer.mask_token_id))
    embeddings = product.embed(pair)[0]  # (seq, hidden)
    words = (seen_words(pair, "query"), seen_words(pair))
    first, second = (
        torch.tensor([sum(((embeddings[i] - left * mask) @ weight).item() for i in word) for word in side])
        for side, weight, left in zip(
            words, (product.model.u, product.model.v), (query_left, document_left), strict=True
        )
    )
    return first[:, None] * second[None, :]


@pytest.mark.parametrize(
    ("form", "operator", "left"),
    [
        ("difference", "mask", (1, 1)),
        ("difference", "delete", (0, 0)),
        ("integrated_gradients", "mask", (1, 1)),
        ("input_x_gradient", "mask", (1, 0)),  # its words go to nothing, the query's to the mask
    ],
)
def test_a_known_product_is_found(product: Reranker, form: str, operator: str, left: tuple[int, int]) -> None:
    found = interaction(product, QUERY, DOCUMENT, form=form, operator=operator)
    expected = known_products(product, *left)
    assert expected.abs().min() > 1e-3
    torch.testing.assert_close(torch.tensor(found.values), expected, atol=2e-3, rtol=1e-3)


def test_form_and_operator_are_told_by_what_they_say(product: Reranker) -> None:
    """As a page, a file or a program sends them: strings of their own."""
    form, mask = "".join("difference"), "".join("mask")
    deleted = interaction(product, QUERY, DOCUMENT, operator="delete")
    assert interaction(product, QUERY, DOCUMENT, form=form, operator="delete").values == deleted.values
    by_gradient = interaction(product, QUERY, DOCUMENT, form="input_x_gradient", operator=mask)
    assert by_gradient.form == "input_x_gradient"


@pytest.mark.parametrize("form", sorted({*forms()} - {"layerwise_relevance"}))  # it needs attention layers
def test_a_model_that_adds_up_has_no_interaction(linear: Reranker, form: str) -> None:
    found = interaction(linear, QUERY, DOCUMENT, form=form)
    assert [word.text for word in found.document_words] == DOCUMENT.split()
    assert torch.tensor(found.values).abs().max() < 1e-4
    assert max(abs(word.attribution or 0.0) for word in found.document_words) > 0.1


def test_the_averaged_shapley_interaction_agrees_where_there_are_only_pairs(product: Reranker) -> None:
    """The mean second difference over all sets of the other words, by Grabisch and Roubens' weights."""
    pair = product.encode(QUERY, DOCUMENT)
    words = [*seen_words(pair, "query"), *seen_words(pair)]
    n, (i, j) = len(words), (1, 5)
    sets = [frozenset(s) for size in range(n + 1) for s in combinations(range(n), size)]
    ids = pair.inputs["input_ids"].repeat(len(sets), 1)
    for row, kept in enumerate(sets):
        ids[row, [p for w in range(n) if w not in kept for p in words[w]]] = product.tokenizer.mask_token_id
    logits = product.model(ids, torch.ones_like(ids)).logits[:, 0].tolist()
    value = dict(zip(sets, logits, strict=True))
    averaged = sum(
        (value[s | {i, j}] - value[s | {i}] - value[s | {j}] + value[s]) / ((n - 1) * comb(n - 2, len(s)))
        for s in sets
        if not s & {i, j}
    )
    assert interaction(product, QUERY, DOCUMENT).values[i][j - 3] == pytest.approx(averaged, abs=2e-3)


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_the_matrix_equals_brute_force(tiny_bert: Reranker, plain: Plain, operator: str) -> None:
    tokenizer, model = plain(BERT)
    pair = tiny_bert.encode(ASKED, LIST[1])
    query, document = seen_words(pair, "query"), seen_words(pair)

    @torch.no_grad()
    def s(*gone: list[int]) -> float:
        positions = [i for word in gone for i in word]
        inputs = {name: value.clone() for name, value in pair.inputs.items()}
        if operator == "mask":
            inputs["input_ids"][:, positions] = tokenizer.mask_token_id
        stays = [i for i in range(len(pair.tokens)) if operator == "mask" or i not in positions]
        logit: float = model(**{name: value[:, stays] for name, value in inputs.items()}).logits.item()
        return logit

    found = interaction(tiny_bert, ASKED, LIST[1], n_words=3, operator=operator)
    effects = [s() - s(word) for word in document]
    words = words_of(pair, [0.0] * len(pair.tokens), "document")
    last = [words[w].text in ("has", "about", ".") for w in range(len(document))]
    chosen = sorted(sorted(range(len(document)), key=lambda w: (last[w], -abs(effects[w])))[:3])
    assert any(last)
    assert [word.text for word in found.document_words] == [words[w].text for w in chosen]
    assert [word.attribution for word in found.document_words] == pytest.approx([effects[w] for w in chosen], abs=1e-5)
    expected = [[s() - s(i) - s(document[w]) + s(i, document[w]) for w in chosen] for i in query]
    for row, truth in zip(found.values, expected, strict=True):
        assert row == pytest.approx(truth, abs=2e-5)
    assert found.n_forward == pairs_of_words((len(query), len(document)), 3)
    assert [pairs_of_words((2, 3), n) for n in (2, 9)] == [1 + 2 + 3 + 2 * 2, 1 + 2 + 3 + 2 * 3]
    assert found.n_words_seen == len(document) > 3


def test_interaction_by_gradient_costs_one_run_a_query_word(tiny_bert: Reranker) -> None:
    found = interaction(tiny_bert, ASKED, LIST[1], form="layerwise_relevance", n_words=2)
    assert found.n_backward == 1 + len(found.query_words)
    assert len(found.document_words) == 2
    whole = interaction(tiny_bert, ASKED, LIST[1], form="layerwise_relevance")
    content = [j for j, word in enumerate(whole.document_words) if word.text not in ("has", "about", ".")]
    sizes = [max(abs(row[j]) for row in whole.values) for j in content]
    kept = [max(abs(row[j]) for row in found.values) for j in range(2)]
    assert sorted(kept) == pytest.approx(sorted(sizes)[-2:], abs=1e-6)


def test_interaction_refuses_what_it_cannot_do(tiny_bert: Reranker) -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"form": "attention"},
        {"form": "occlusion"},
        {"operator": "burn"},
        {"n_words": 0},
        {"n_words": 65},  # 64 are what a matrix shows
    )
    for wrong in wrongs:
        with pytest.raises(OptionError, match=r"Valid|between"):
            interaction(tiny_bert, ASKED, LIST[1], **wrong)
    many = interaction(tiny_bert, ASKED, LIST[1], n_words=64)
    assert len(many.document_words) == many.n_words_seen == 6, "as many as there are"
    assert len(interaction(tiny_bert, ASKED, LIST[1], n_words=1).document_words) == 1
    with pytest.raises(OptionError, match="operator 'delete' needs form"):
        interaction(tiny_bert, ASKED, LIST[1], form="integrated_gradients", operator="delete")
