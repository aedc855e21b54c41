"""Rank, contrast, interaction and counterfactual: closed form on toys, brute force and the plain model on tiny ones."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from math import comb
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution import METHODS, contrast, counterfactual, explain, interaction, rank
from attribution.errors import AttributionError, InputError, OptionError, Stopped
from attribution.evidence.compare.contrast import complete_methods, reordered, words_of
from attribution.evidence.compare.counterfactual import logit_without
from attribution.evidence.compare.interaction import forms, interaction_passes
from attribution.removal import seen_words
from attribution.rerankers.hooks import EmbeddingAdapter
from attribution.rerankers.meter import Meter
from attribution.rerankers.reranker import Reranker
from attribution.types import Attributed, TokenizedPair
from tests.conftest import Plain
from tests.evidence.test_faithfulness import saying
from tests.linear import DOCUMENT, HIDDEN, QUERY, linear_reranker, mask_weight, token_weights

BERT = "BertForSequenceClassification"
ASKED = "how many people live in berlin ?"
LIST = [
    "paris is the capital of france",
    "berlin has about 3.7 million inhabitants",
    "the lazy dog",
    "paris is the capital of france",
    "new york is famous for its museums and its park",
]
OTHER = "hazel fjord's apple apple"  # another length than DOCUMENT, in the linear toy's words


@pytest.fixture(scope="module")
def linear() -> Reranker:
    return linear_reranker()


@torch.no_grad()
def plain_logit(plain: tuple[Any, Any], query: str, document: str) -> float:
    tokenizer, model = plain
    logit: float = model(**tokenizer(query, document, return_tensors="pt")).logits.item()
    return logit


# --- rank ------------------------------------------------------------------------------------------------------------


def test_the_ranking_is_the_plain_models(tiny_bert: Reranker, plain: Plain) -> None:
    ranking = rank(tiny_bert, ASKED, LIST)
    logits = [plain_logit(plain(BERT), ASKED, document) for document in LIST]
    assert [row.place for row in ranking.rows] == sorted(range(1, 6), key=lambda p: (-logits[p - 1], p))
    assert [row.logit for row in ranking.rows] == pytest.approx(
        [logits[row.place - 1] for row in ranking.rows], abs=1e-5
    )
    assert [row.document for row in ranking.rows] == [LIST[row.place - 1] for row in ranking.rows]
    assert [row.rank for row in ranking.rows] == [1, 2, 3, 4, 5]
    assert ranking.n_forward == 4  # the double is scored once


def test_ties_keep_the_order_given(tiny_bert: Reranker) -> None:
    rows = rank(tiny_bert, ASKED, [LIST[2], LIST[0], LIST[2], LIST[1], LIST[0], LIST[2]]).rows
    for text in (LIST[0], LIST[2]):
        same = [row for row in rows if row.document == text]
        assert len({row.logit for row in same}) == 1
        assert [row.place for row in same] == sorted(row.place for row in same)


def test_rank_says_what_was_cut_and_which_document_is_wrong(tiny_bert: Reranker) -> None:
    rows = rank(tiny_bert, ASKED, [LIST[0], "berlin " * 300]).rows
    assert {row.place: row.truncated for row in rows} == {1: False, 2: True}
    with pytest.raises(InputError, match="Document 2 of 3"):
        rank(tiny_bert, ASKED, [LIST[0], " ", LIST[1]])
    nothings: tuple[Any, ...] = ([], "berlin")
    for nothing in nothings:
        with pytest.raises(InputError, match="Give a list of texts"):
            rank(tiny_bert, ASKED, nothing)


def test_a_list_with_other_logits_is_sorted_anew(tiny_bert: Reranker) -> None:
    ranking = rank(tiny_bert, ASKED, LIST)
    first, *others = ranking.rows
    low = others[-1].logit - 1
    rows = reordered(ranking, {first.place: low}).rows
    assert [(row.place, row.logit) for row in rows] == [*((row.place, row.logit) for row in others), (first.place, low)]
    assert [row.rank for row in rows] == [1, 2, 3, 4, 5]
    equal = reordered(ranking, dict.fromkeys(range(1, 6), 0.5)).rows
    assert [(row.place, row.rank) for row in equal] == [(i, i) for i in range(1, 6)], "in the order given"


# --- contrast --------------------------------------------------------------------------------------------------------


def test_contrast_on_the_linear_reranker_is_known_on_paper(linear: Reranker) -> None:
    c = contrast(linear, QUERY, DOCUMENT, OTHER)
    document, query = c.sides
    stays = mask_weight(linear)
    first, second = (linear.encode(QUERY, text) for text in (DOCUMENT, OTHER))
    expected = []
    for pair, sign in ((first, 1), (second, -1)):
        weights = token_weights(linear, pair)
        words = seen_words(pair)
        expected += [sign * sum(weights[i].item() - stays for i in positions) for positions in words]
    assert [bar.value for bar in document.bars] == pytest.approx(expected, abs=1e-4)
    assert [bar.of for bar in document.bars] == ["first"] * 6 + ["second"] * 4
    assert "".join(DOCUMENT[b.start : b.end] for b in document.bars[:6]) == DOCUMENT.replace(" ", "")
    lengths = [len(pair.positions("document")) for pair in (first, second)]
    assert lengths[0] != lengths[1]
    assert document.baseline == pytest.approx(stays * (lengths[0] - lengths[1]), abs=1e-4)
    assert [bar.value for bar in query.bars] == pytest.approx([0, 0, 0], abs=1e-5)  # it never meets the document
    assert query.baseline == pytest.approx(c.difference, abs=1e-4)


@pytest.mark.parametrize("method", complete_methods())
def test_the_bars_sum_to_the_difference_of_the_logits(tiny_bert: Reranker, plain: Plain, method: str) -> None:
    options: dict[str, Any] = {"n_samples": 2} if method == "shapley" else {}
    c = contrast(tiny_bert, ASKED, LIST[1], LIST[4], method, **options)
    truth = plain_logit(plain(BERT), ASKED, LIST[1]) - plain_logit(plain(BERT), ASKED, LIST[4])
    assert c.difference == pytest.approx(truth, abs=1e-5)
    assert [side.segments for side in c.sides] == [("document",), ("query",)]
    for i, side in enumerate(c.sides):
        deltas = [explanation.paths[i].convergence_delta for explanation in (c.first, c.second)]
        told = sum(bar.value for bar in side.bars) + side.baseline
        assert abs(told - truth) <= sum(map(abs, deltas)) + 1e-5
        assert side.remainder == pytest.approx(deltas[1] - deltas[0], abs=1e-5)
        assert told + side.remainder == pytest.approx(truth, abs=1e-5)
    assert any(abs(bar.value) > 0.01 for side in c.sides for bar in side.bars)
    assert c.n_forward == c.first.n_forward + c.second.n_forward


def test_the_baselines_are_the_plain_model_without_the_document(tiny_bert: Reranker, plain: Plain) -> None:
    _tokenizer, model = plain(BERT)
    logits = []
    for text in (LIST[1], LIST[4]):
        pair = tiny_bert.encode(ASKED, text)
        inputs = {name: value.clone() for name, value in pair.inputs.items()}
        inputs["input_ids"][:, pair.positions("document")] = tiny_bert.tokenizer.mask_token_id
        with torch.no_grad():
            logits.append(model(**inputs).logits.item())
    side = contrast(tiny_bert, ASKED, LIST[1], LIST[4]).sides[0]
    assert abs(logits[0] - logits[1]) > 1e-3
    assert side.baseline == pytest.approx(logits[0] - logits[1], abs=1e-5)


def test_identical_documents_give_no_contrast(tiny_bert: Reranker) -> None:
    c = contrast(tiny_bert, ASKED, LIST[1], "".join(LIST[1]))  # another string of the same text
    assert c.difference == 0
    for side in c.sides:
        assert side.baseline == 0
        assert side.remainder == pytest.approx(0, abs=1e-6)
    document, query = c.sides
    half = len(document.bars) // 2
    assert [bar.value for bar in document.bars[:half]] == [-bar.value for bar in document.bars[half:]]
    assert {bar.value for bar in query.bars} == {0.0}
    assert c.n_forward == c.first.n_forward


@pytest.mark.parametrize("longer", ["first", "second"])
def test_a_query_word_that_was_read_beside_one_document_only_counts_for_nothing_beside_the_other(
    tiny_bert: Reranker, longer: str
) -> None:
    asked, texts = f"{ASKED} " * 15, [LIST[2], " ".join(LIST[:3])]  # a long document takes places of the query's end
    c = contrast(tiny_bert, asked, *(texts[::-1] if longer == "first" else texts))
    beside = [{w.start: w.attribution for w in words_of(e, e.attributions, "query")} for e in (c.first, c.second)]
    assert len(beside[0]) != len(beside[1])
    bars = c.sides[1].bars
    assert [bar.start for bar in bars] == sorted(beside[0].keys() | beside[1].keys())
    for bar in bars:
        values = [side.get(bar.start) or 0.0 for side in beside]
        assert bar.value == pytest.approx(values[0] - values[1], abs=1e-6)
        assert bar.text == asked[bar.start : bar.end]
    deltas = [explanation.paths[1].convergence_delta for explanation in (c.first, c.second)]
    assert c.sides[1].remainder == pytest.approx(deltas[1] - deltas[0], abs=1e-4)


def test_a_joint_baseline_is_one_side(tiny_bert: Reranker) -> None:
    (side,) = contrast(tiny_bert, ASKED, LIST[1], LIST[4], joint=True).sides
    assert {bar.of for bar in side.bars} == {"first", "second", "query"}
    c = contrast(tiny_bert, ASKED, LIST[4], LIST[1], joint=True)
    assert c.sides[0].baseline == pytest.approx(-side.baseline, abs=1e-6)
    assert sum(b.value for b in side.bars) + side.baseline + side.remainder == pytest.approx(-c.difference, abs=1e-5)


@pytest.mark.parametrize("method", [key for key, method in METHODS.items() if not method.complete])
def test_what_does_not_add_up_is_not_offered(tiny_bert: Reranker, method: str) -> None:
    with pytest.raises(OptionError, match="does not add up"):
        contrast(tiny_bert, ASKED, LIST[1], LIST[4], method)


def test_what_contrast_returns_is_plain_data(tiny_bert: Reranker) -> None:
    data = dataclasses.asdict(contrast(tiny_bert, ASKED, LIST[1], LIST[4]))
    assert data["sides"][0]["bars"][0]["text"] == "berlin"


# --- interaction -----------------------------------------------------------------------------------------------------


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
    assert interaction(product, QUERY, DOCUMENT, form=form).values == interaction(product, QUERY, DOCUMENT).values
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
    assert found.n_forward == interaction_passes(tiny_bert, ASKED, LIST[1], 3)
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
    with pytest.raises(OptionError, match="operator 'delete' is for form"):
        interaction(tiny_bert, ASKED, LIST[1], form="integrated_gradients", operator="delete")


# --- what if ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_the_counterfactual_on_the_linear_reranker_is_known_on_paper(linear: Reranker, operator: str) -> None:
    """Dropping costs the same in any company, so with `mask` what was predicted comes true at every step."""
    high, low = (row.document for row in rank(linear, QUERY, [DOCUMENT, OTHER]).rows)
    found = counterfactual(linear, QUERY, high, low, operator=operator)
    pair = linear.encode(QUERY, high)
    weights, stays = token_weights(linear, pair), mask_weight(linear)
    by_mask = [sum(weights[i].item() - stays for i in word) for word in seen_words(pair)]
    cost = by_mask if operator == "mask" else [sum(weights[word].tolist()) for word in seen_words(pair)]
    order = [w for w in sorted(range(len(cost)), key=lambda w: -by_mask[w]) if by_mask[w] > 0]
    logits = [weights.sum().item()]
    for w in order:
        if logits[-1] < found.rival_logit:
            break
        logits.append(logits[-1] - cost[w])
    assert found.logits == pytest.approx(logits, abs=1e-4)
    assert found.flipped == (logits[-1] < found.rival_logit)
    if operator == "mask":
        assert found.predicted == pytest.approx(found.logits, abs=1e-3)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_the_counterfactual_flips_the_order_and_no_prefix_of_it_does(
    tiny_bert: Reranker, plain: Plain, method: str
) -> None:
    """On the text itself, cut by hand and read by the plain model."""
    rows = rank(tiny_bert, ASKED, LIST).rows
    flips = 0
    for above, below in combinations(rows, 2):
        if above.logit == below.logit:
            continue
        found = counterfactual(tiny_bert, ASKED, above.document, below.document, method)
        logits = []
        for k in range(len(found.dropped) + 1):
            text = above.document
            for word in sorted(found.dropped[:k], key=lambda word: -word.start):
                text = text[: word.start] + text[word.end :]
            if text.strip():
                logits.append(plain_logit(plain(BERT), ASKED, text))
        assert list(found.logits)[: len(logits)] == pytest.approx(logits, abs=1e-4)
        assert found.rival_logit == pytest.approx(plain_logit(plain(BERT), ASKED, below.document), abs=1e-5)
        assert all(logit >= found.rival_logit for logit in found.logits[:-1])
        assert found.flipped == (found.logits[-1] < found.rival_logit)
        assert [word.attribution for word in found.dropped] == sorted(
            (word.attribution or 0.0 for word in found.dropped), reverse=True
        )
        flips += found.flipped
    assert flips >= 3


def test_the_counterfactual_uses_the_explanation_at_hand(tiny_bert: Reranker) -> None:
    first, *_, last = rank(tiny_bert, ASKED, LIST).rows
    explanation = explain(tiny_bert, ASKED, first.document)
    given = counterfactual(tiny_bert, ASKED, first.document, last.document, explanation=explanation)
    found = counterfactual(tiny_bert, ASKED, first.document, last.document)
    assert (given.dropped, given.logits) == (found.dropped, found.logits)
    assert given.n_backward == 0 < found.n_backward
    assert found.n_forward == given.n_forward + explanation.n_forward
    with pytest.raises(OptionError, match="another pair"):
        counterfactual(tiny_bert, ASKED, last.document, first.document, explanation=explanation)
    with pytest.raises(OptionError, match="which words raise"):
        counterfactual(tiny_bert, ASKED, first.document, last.document, "saliency")
    for lower, higher in ((last, first), (first, first)):
        with pytest.raises(InputError, match="not above"):
            counterfactual(tiny_bert, ASKED, lower.document, higher.document)


@pytest.mark.parametrize(
    ("values", "dropped", "flipped"), [((1.0, 2.0), ["fjord", "karma"], True), ((0.0, 2.0), ["fjord"], False)]
)
def test_as_high_as_the_rival_is_not_below_it(
    linear: Reranker, values: tuple[float, ...], dropped: list[str], flipped: bool
) -> None:
    """Without "fjord" the texts are the same; "karma" goes too where it raises the score, by however little."""
    said = saying(explain(linear, QUERY, "karma fjord", "saliency"), values)
    found = counterfactual(linear, QUERY, "karma fjord", "karma", explanation=said)
    assert [word.text for word in found.dropped] == dropped
    assert found.logits[1] == found.rival_logit
    assert found.flipped == flipped


@pytest.mark.parametrize(("operator", "tried"), [("delete", 3), ("mask", 8)])
def test_few_sets_of_words_are_tried_in_vain(linear: Reranker, operator: str, tried: int) -> None:
    """Of eleven sets: the whole text, the rival's own (which masked is below it already), that without a word more."""
    text = "fjord ember delta karma apple grape ember delta karma apple"
    said = saying(explain(linear, QUERY, text, "saliency"), range(10, 0, -1))
    found = counterfactual(linear, QUERY, text, text[6:], operator=operator, explanation=said)
    assert (len(found.dropped), found.flipped) == (1 if operator == "mask" else 2, True)
    assert found.n_forward == 1 + tried, "and the rival"


def test_what_if_a_word_is_dropped(tiny_bert: Reranker, plain: Plain) -> None:
    assert logit_without(tiny_bert, ASKED, LIST[1], []) == pytest.approx(
        plain_logit(plain(BERT), ASKED, LIST[1]), abs=1e-5
    )
    without = logit_without(tiny_bert, ASKED, LIST[1], [0, 4])
    assert without == pytest.approx(plain_logit(plain(BERT), ASKED, "has about 3.7 inhabitants"), abs=1e-5)
    with pytest.raises(OptionError, match="no word 6 in this document; its words are 0 to 5"):
        logit_without(tiny_bert, ASKED, LIST[1], [6])


def test_every_run_can_be_stopped(tiny_bert: Reranker) -> None:
    def stop(_meter: Meter) -> None:
        raise Stopped("enough")

    for run in (
        lambda: rank(tiny_bert, ASKED, LIST, on_pass=stop),
        lambda: contrast(tiny_bert, ASKED, LIST[1], LIST[4], on_pass=stop),
        lambda: interaction(tiny_bert, ASKED, LIST[1], on_pass=stop),
        lambda: counterfactual(tiny_bert, ASKED, LIST[1], LIST[4], on_pass=stop),
        lambda: logit_without(tiny_bert, ASKED, LIST[1], [0], on_pass=stop),
    ):
        with pytest.raises(Stopped):
            run()


@pytest.mark.parametrize("of", [LIST[1:2], LIST[4:5], [LIST[1], LIST[4]]])
def test_a_fallback_is_no_contrast(of: list[str], tiny_bert: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of either document, or both."""
    from attribution.errors import MissingGradient
    from attribution.methods.path import integrated_gradients

    def lost(reranker: Reranker, pair: TokenizedPair) -> Attributed:
        if pair.document in of:
            raise MissingGradient("the .grad attribute is None")
        return integrated_gradients(reranker, pair)

    monkeypatch.setattr("attribution.methods.path.integrated_gradients", lost)
    with pytest.raises(AttributionError, match=r"cannot be compared.*PyTorch said"):
        contrast(tiny_bert, ASKED, LIST[1], LIST[4])
