"""Every method against its closed form on a linear reranker, and against the plain model on a tiny BERT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor

from attribution import METHODS, explain
from attribution.errors import OptionError
from attribution.methods import Method, Passes
from attribution.methods.path import ONE_SIDE_EACH, random_texts
from attribution.removal import seen_words
from attribution.rerankers.reranker import TOKENS_A_CHUNK, Reranker
from attribution.types import TokenizedPair
from tests import linear
from tests.conftest import Plain

BERT = "BertForSequenceClassification"
QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants"
IG, CAPTUM = "integrated_gradients", "integrated_gradients_captum"
OF_TRANSFORMERS = {"attention", "attention_rollout", "layerwise_relevance"}  # need layers; tested beside them
SEEDED = ("expected_gradients", "shapley", "smoothgrad")

ClosedForm = Callable[[Reranker, TokenizedPair], Tensor]


def everywhere(value: Callable[[Tensor], Tensor]) -> ClosedForm:
    return lambda reranker, pair: value(reranker.model.head).expand(len(pair.tokens))


def against_mask(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    values = torch.zeros(len(pair.tokens))
    places = pair.positions("query", "document")
    values[places] = linear.token_weights(reranker, pair)[places] - linear.mask_weight(reranker)
    return values


def by_word(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    """As `against_mask`, each word's sum shared by its tokens."""
    values = against_mask(reranker, pair)
    for positions in seen_words(pair):
        values[positions] = values[positions].mean()
    return values


def against_random_texts(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    values = torch.zeros(len(pair.tokens))
    for segments in ONE_SIDE_EACH:
        texts = random_texts(reranker, pair, segments, 16, generator)  # (16, seq)
        torch.rand(16, generator=generator)  # the places on the path, which a line does not feel
        weights = reranker.word_embeddings(texts) @ reranker.model.head
        values += linear.token_weights(reranker, pair) - weights.mean(0)
    return values


CLOSED_FORMS: dict[str, ClosedForm] = {
    "saliency": everywhere(lambda head: head.abs().sum()),
    "saliency_l2": everywhere(lambda head: head.norm()),
    "smoothgrad": everywhere(lambda head: head.norm()),
    "input_x_gradient": linear.token_weights,
    IG: against_mask,
    CAPTUM: against_mask,
    "expected_gradients": against_random_texts,
    "occlusion": by_word,
    "shapley": by_word,
    "embedding_magnitude": lambda reranker, pair: reranker.word_embeddings(pair.inputs["input_ids"])[0].abs().sum(-1),
}


def test_every_method_has_a_closed_form() -> None:
    assert set(CLOSED_FORMS) == set(METHODS) - OF_TRANSFORMERS


@pytest.mark.parametrize("method", CLOSED_FORMS)
@pytest.mark.parametrize("seed", [0, 1])
def test_closed_form(method: str, seed: int) -> None:
    reranker = linear.linear_reranker(seed)
    pair = reranker.encode(linear.QUERY, linear.DOCUMENT)
    explanation = explain(reranker, linear.QUERY, linear.DOCUMENT, method)
    assert explanation.attributions == pytest.approx(CLOSED_FORMS[method](reranker, pair).tolist(), abs=1e-4)
    for path in explanation.paths:
        expected = against_mask(reranker, pair)[pair.positions(*path.segments)].sum().item()
        assert path.baseline_logit == pytest.approx(explanation.logit - expected, abs=1e-4)
        assert path.convergence_delta == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_what_the_table_says_of_a_method_is_so(method: str, tiny_bert: Reranker) -> None:
    """Whether its values have a sign, take a gradient, and add up to what the score gained over the baseline."""
    row, found = METHODS[method], explain(tiny_bert, QUERY, DOCUMENT, method)
    others = [explain(tiny_bert, QUERY, text, method) for text in ("museums in paris", "cats sleep")]
    assert (min(value for one in (found, *others) for value in one.attributions) < 0) == row.signed
    assert bool(found.n_backward) == (row.uses_gradient and not row.control)
    for path in found.paths:
        assert (abs(path.relative_delta) < 0.05) == row.complete
    assert bool(found.paths) or not row.complete


@pytest.mark.parametrize("name", ["mask", "unk", "pad", "zero"])
@pytest.mark.parametrize("joint", [False, True])
def test_baselines_by_name(name: str, joint: bool) -> None:
    reranker = linear.linear_reranker()
    pair = reranker.encode(linear.QUERY, linear.DOCUMENT)
    of_baseline = 0.0 if name == "zero" else linear.mask_weight(reranker, name)
    places = pair.positions("query", "document")
    expected = torch.zeros(len(pair.tokens))
    expected[places] = linear.token_weights(reranker, pair)[places] - of_baseline
    for method in (IG, CAPTUM):
        explanation = explain(reranker, linear.QUERY, linear.DOCUMENT, method, baselines=name, joint=joint)
        assert explanation.attributions == pytest.approx(expected.tolist(), abs=1e-4)
        assert [path.baseline for path in explanation.paths] == [name] * (1 if joint else 2)


@pytest.mark.parametrize("n_steps", [3, 20])
def test_captum_equals_layer_integrated_gradients(n_steps: int, tiny_bert: Reranker, plain: Plain) -> None:
    """Captum's own layer hook on the plain model is the second route."""
    tokenizer, model = plain(BERT)
    inputs = tokenizer(QUERY, DOCUMENT, return_tensors="pt")

    def forward(input_ids: Tensor, types: Tensor, mask: Tensor) -> Any:
        return model(input_ids=input_ids, token_type_ids=types, attention_mask=mask).logits[:, 0]

    route = LayerIntegratedGradients(forward, model.bert.embeddings.word_embeddings)
    explanation = explain(tiny_bert, QUERY, DOCUMENT, CAPTUM, n_steps=n_steps)
    for side in (0, 1):
        inside = [i for i, of in enumerate(inputs.sequence_ids(0)) if of == side]
        baseline = inputs["input_ids"].clone()
        baseline[:, inside] = tokenizer.mask_token_id
        rest = (inputs["token_type_ids"], inputs["attention_mask"])
        expected = route.attribute(inputs["input_ids"], baseline, n_steps=n_steps, additional_forward_args=rest)
        ours = [explanation.attributions[i] for i in inside]
        assert ours == pytest.approx(expected.sum(-1)[0, inside].tolist(), abs=1e-5)
    assert [(path.capped, path.residual) for path in explanation.paths] == [(False, 0.0)] * 2


def test_smoothgrad_without_noise_is_saliency(tiny_bert: Reranker) -> None:
    still = explain(tiny_bert, QUERY, DOCUMENT, "smoothgrad", noise=0.0, n_samples=3)
    noisy = explain(tiny_bert, QUERY, DOCUMENT, "smoothgrad", noise=1.0, n_samples=3)
    expected = explain(tiny_bert, QUERY, DOCUMENT, "saliency_l2").attributions
    assert still.attributions == pytest.approx(expected, rel=1e-4)
    assert noisy.attributions != pytest.approx(expected, rel=1e-2)


def test_random_texts_are_words_in_the_right_places(tiny_bert: Reranker) -> None:
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    texts = random_texts(tiny_bert, pair, ("document",), 200, torch.Generator().manual_seed(0))
    places = pair.positions("document")
    drawn = set(texts[:, places].flatten().tolist())
    others = pair.positions("query", "template")
    assert not drawn & set(tiny_bert.tokenizer.all_special_ids)
    assert len(drawn) > 100
    assert (texts[:, others] == pair.inputs["input_ids"][:, others]).all()


@pytest.mark.parametrize("method", SEEDED)
def test_seeded_and_alone(method: str, tiny_bert: Reranker) -> None:
    """Same seed, same numbers; another seed, others; the global generator is left alone."""
    options: dict[str, Any] = {"n_samples": 3}
    state = torch.get_rng_state()
    first, again, other = (explain(tiny_bert, QUERY, DOCUMENT, method, seed=s, **options) for s in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), state)
    assert first.attributions == again.attributions
    assert first.attributions != other.attributions


@pytest.mark.parametrize("method", METHODS)
def test_long_texts_go_in_chunks(method: str, tiny_bert: Reranker) -> None:
    """No batch is far above the limit, so progress moves and Stop is heard."""
    totals: list[int] = []
    document = "the quick brown fox jumps over the lazy dog " * 20
    many: dict[str, Any] = {"n_samples": 40} if method in ("expected_gradients", "smoothgrad") else {}
    heard = totals.append
    explanation = explain(tiny_bert, QUERY, document, method, on_pass=lambda meter: heard(meter.n_forward), **many)
    batches = [b - a for a, b in zip(totals, [*totals[1:], explanation.n_forward], strict=True)]
    assert max(batches) * len(explanation.tokens) <= TOKENS_A_CHUNK


WRONG = [
    (IG, {"tolerance": 0.0}, "tolerance is 0.0"),
    (IG, {"max_evaluations": 16}, "between 17 and"),
    (IG, {"baselines": "none"}, "mask, unk, pad, zero"),
    (IG, {"n_steps": 9}, "baselines, joint, tolerance, max_evaluations"),
    (CAPTUM, {"n_steps": 1}, "between 2 and"),
    (CAPTUM, {"internal_batch_size": 0}, "between 1 and"),
    (CAPTUM, {"baselines": "none"}, "mask, unk, pad, zero"),
    ("expected_gradients", {"n_samples": 0}, "between 1 and"),
    ("smoothgrad", {"noise": -0.1}, "noise is -0.1"),
    ("smoothgrad", {"n_samples": 0}, "between 1 and"),
    ("occlusion", {"operator": "blur"}, "mask, delete"),
    ("shapley", {"n_samples": 1}, "between 2 and"),
    ("shapley", {"seed": -1}, "seed is -1"),
    ("expected_gradients", {"seed": 0.5}, "a whole number"),
    ("saliency", {"leaf": "none"}, "detach_clone"),
    ("saliency", {"noise": 1}, "leaf"),
    ("guess", {}, ", ".join(METHODS)),
]


@pytest.mark.parametrize(("method", "options", "named"), WRONG)
def test_errors_name_what_is_valid(method: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(OptionError) as raised:
        explain(linear.linear_reranker(), linear.QUERY, linear.DOCUMENT, method, **options)
    assert named in str(raised.value)


@pytest.mark.parametrize("row", METHODS.values(), ids=list(METHODS))
def test_a_cost_is_the_number_of_passes_or_what_is_said_of_it(row: Method) -> None:
    assert row.cost.startswith(row.passes.says if isinstance(row.passes, Passes) else str(row.passes))
    if isinstance(row.passes, int):  # with a gradient, it is a forward and a backward pass
        assert row.cost == f"{row.passes}{' forward' * (row.passes > 0 and not row.uses_gradient)}"
    assert replace(row, passes=3, uses_gradient=False).cost == "3 forwards"


def test_only_attention_is_no_attribution_of_the_score() -> None:
    assert {key for key, row in METHODS.items() if row.attention} == {"attention", "attention_rollout"}
