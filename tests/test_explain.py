"""`explain`: what it refuses, what it falls back to in sight, and its numbers recomputed from outside."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from attribution import METHODS, explain
from attribution.errors import InputError, OptionError
from attribution.methods.gradients import LEAVES
from attribution.rerankers.reranker import Reranker
from tests.conftest import Plain, Tiny
from tests.tiny import CHEAP, PAIRED

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."
IG, CAPTUM = "integrated_gradients", "integrated_gradients_captum"
NOT_A_LEAF = "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed."  # PyTorch's sentence
NO_GRAD = "does not require grad"
FILLS_GRAD: dict[str, str | None] = {  # None: `.grad` is there after backward; else what the note says
    "output": NOT_A_LEAF,
    "clone": NOT_A_LEAF,
    "clone_requires_grad": NOT_A_LEAF,
    "retain_grad": None,
    "clone_retain_grad": None,
    "detach": None,
    "detach_clone": None,
    "leaf_lost": NOT_A_LEAF,
    "numpy": None,
    "no_grad": NO_GRAD,
}


@pytest.mark.parametrize(
    ("method", "options", "named"),
    [
        ("gradients", {}, ["'gradients'", *METHODS]),
        ("", {}, ["''", *METHODS]),
        ("saliency", {"n_steps": 5}, ["saliency", "n_steps", "leaf"]),
        ("saliency", {"leaf": "copy"}, ["'copy'", *LEAVES]),
        ("saliency", {"pair": None}, ["pair", "leaf"]),
        ("embedding_magnitude", {"leaf": "detach"}, ["leaf", "no options"]),
        (IG, {"n_steps": 5}, ["n_steps", "tolerance", "max_evaluations", "baselines", "joint"]),
        (IG, {"baselines": "blank"}, ["'blank'", "mask, unk, pad, zero"]),
        (IG, {"tolerance": 0}, ["tolerance", "0", "1.0"]),
        (IG, {"tolerance": math.nan}, ["tolerance", "nan", "1.0"]),
        (IG, {"max_evaluations": 2}, ["max_evaluations", "2", "17"]),
        (CAPTUM, {"steps": 5}, ["steps", "n_steps", "baselines", "joint", "internal_batch_size"]),
        (CAPTUM, {"baselines": "blank"}, ["'blank'", "mask, unk, pad, zero"]),
        (CAPTUM, {"n_steps": 1}, ["n_steps", "1", "2", "1000"]),
        (CAPTUM, {"n_steps": 1001}, ["n_steps", "1001", "2", "1000"]),
        (CAPTUM, {"n_steps": 2.5}, ["n_steps", "2.5", "whole number"]),
        (CAPTUM, {"n_steps": "50"}, ["n_steps", "'50'", "whole number"]),
        (CAPTUM, {"internal_batch_size": 0}, ["internal_batch_size", "0", "1"]),
        (CAPTUM, {"internal_batch_size": -1}, ["internal_batch_size", "-1", "1"]),
    ],
)
def test_wrong_option_is_named_with_the_valid_ones(
    method: str, options: dict[str, Any], named: list[str], tiny_bert: Reranker
) -> None:
    with pytest.raises(OptionError) as caught:
        explain(tiny_bert, QUERY, DOCUMENT, method, **options)
    assert [name for name in named if name not in str(caught.value)] == []


@pytest.mark.parametrize("field", ["query", "document"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("\n\t \u00a0", "is empty"),
        ("\u200b", "holds no character"),
        ("\u200b\u200d\ufeff", "holds no character"),
        ("\0", "holds no character"),
        ("half \ud83d", "holds half of a character"),
    ],
)
def test_text_the_model_cannot_read(field: str, text: str, problem: str, tiny_bert: Reranker) -> None:
    query, document = (text, DOCUMENT) if field == "query" else (QUERY, text)
    with pytest.raises(InputError, match=f"The {field} {problem}"):
        explain(tiny_bert, query, document)


@pytest.mark.parametrize("architecture", PAIRED)
def test_truncated_says_whether_the_document_was_cut(architecture: str, tiny: Tiny) -> None:
    reranker = tiny(architecture)
    lengths = {}
    for n in range(60, 140):
        pair = reranker.encode("?", "a " * n)
        whole = len(reranker.tokenizer("?", "a " * n, verbose=False)["input_ids"])
        assert pair.truncated == (whole > reranker.max_length)
        assert len(pair.tokens) == min(whole, reranker.max_length)
        lengths[whole] = pair.truncated
    assert set(lengths.values()) == {True, False}


@pytest.mark.parametrize("architecture", PAIRED)
def test_saliency_is_plain_pytorch(architecture: str, tiny: Tiny, plain: Plain) -> None:
    """The mission's own lines, on a model loaded without any code of ours."""
    tokenizer, model = plain(architecture)
    inputs = tokenizer(QUERY, DOCUMENT, return_tensors="pt")
    embeddings: list[torch.Tensor] = []

    def take_leaf(_module: torch.nn.Module, _args: Any, output: torch.Tensor) -> torch.Tensor:
        embeddings.append(output.detach().clone().requires_grad_(True))
        return embeddings[-1]

    handle = model.get_input_embeddings().register_forward_hook(take_leaf)
    score = model(**inputs).logits[0, 0]
    handle.remove()
    score.backward()
    model.zero_grad()
    (leaf,) = embeddings
    assert leaf.grad is not None
    for method, expected in (
        ("saliency", leaf.grad.abs().sum(-1)[0]),
        ("saliency_l2", leaf.grad.pow(2).sum(-1).sqrt()[0]),
        ("embedding_magnitude", leaf.detach().abs().sum(-1)[0]),
    ):
        explanation = explain(tiny(architecture), QUERY, DOCUMENT, method)
        assert explanation.logit == pytest.approx(score.item(), rel=1e-5, abs=1e-5)
        assert explanation.attributions == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-5)
        assert explanation.note is None
        assert explanation.method == explanation.requested_method == method


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("method", ["saliency", "saliency_l2"])
def test_missing_gradient_falls_back_in_sight(method: str, leaf: str, tiny_bert: Reranker) -> None:
    explanation = explain(tiny_bert, QUERY, DOCUMENT, method, leaf=leaf)
    said = FILLS_GRAD[leaf]
    same_as = explain(tiny_bert, QUERY, DOCUMENT, "embedding_magnitude" if said else method)
    assert explanation.requested_method == method
    assert explanation.method == same_as.method
    assert explanation.attributions == pytest.approx(same_as.attributions, rel=1e-6, abs=1e-6)
    assert (said is None) == (explanation.note is None)
    if said is not None:
        assert explanation.note
        assert said in explanation.note
        assert METHODS[method].label in explanation.note


@pytest.mark.parametrize("architecture", PAIRED)
@pytest.mark.parametrize("options", [{}, {"joint": True}, {"baselines": "unk"}, {"baselines": "pad"}])
@pytest.mark.parametrize(("method", "coarse"), [(IG, {"tolerance": 1.0}), (CAPTUM, {"n_steps": 3})])
def test_convergence_delta_from_outside(
    architecture: str, options: dict[str, Any], method: str, coarse: dict[str, Any], tiny: Tiny
) -> None:
    """Sum of the path's attributions - (logit - baseline logit), from plain forwards of our own."""
    reranker = tiny(architecture)
    explanation = explain(reranker, QUERY, DOCUMENT, method, **coarse, **options)
    pair = reranker.encode(QUERY, DOCUMENT)
    sides: list[tuple[Any, ...]] = [("query", "document")] if "joint" in options else [("document",), ("query",)]
    assert [path.segments for path in explanation.paths] == sides
    for path in explanation.paths:
        assert path.baseline == options.get("baselines", "mask")
        assert path.n_steps == coarse.get("n_steps", path.n_steps)
        with torch.no_grad():
            reference = reranker.baselines(pair, path.baseline, path.segments)
            baseline_logit = reranker.forward_func(pair)(reference).item()
        difference = reranker.score(QUERY, [DOCUMENT])[0] - baseline_logit
        values = [explanation.attributions[i] for i in pair.positions(*path.segments)]
        delta = sum(values) - difference
        assert path.baseline_logit == pytest.approx(baseline_logit, abs=1e-5)
        assert path.convergence_delta == pytest.approx(delta, abs=2e-5)
        scale = max(abs(difference), sum(map(abs, values)))
        assert path.relative_delta == pytest.approx(abs(delta) / scale, abs=2e-5)
        assert path.relative_residual == pytest.approx(path.residual / scale, abs=2e-5)
    assert (max(path.relative_residual for path in explanation.paths) > 1e-4) == (method == IG)  # given back, or never
    if method == CAPTUM:  # three nodes: the delta compared is not 0
        assert any(abs(path.convergence_delta) > 1e-4 for path in explanation.paths)


@pytest.mark.parametrize("architecture", PAIRED)
def test_logits_are_those_of_forwards_of_their_own(architecture: str, tiny: Tiny) -> None:
    """Methods hand on the logits of the passes they made anyway; asked again, the model says the same.

    Of all other methods `test_families` asks it.
    """
    reranker = tiny(architecture)
    pair = reranker.encode(QUERY, DOCUMENT)
    logit = reranker.score(QUERY, [DOCUMENT])[0]
    for method in (IG, CAPTUM, "shapley"):
        explanation = explain(reranker, QUERY, DOCUMENT, method, **(CHEAP[method] if method == CAPTUM else {}))
        assert explanation.logit == pytest.approx(logit, abs=2e-5)
        for path in explanation.paths:
            ids = pair.inputs["input_ids"].clone()
            ids[:, pair.positions(*path.segments)] = reranker.baseline_id(path.baseline)
            with torch.no_grad():
                alone = reranker.forward({**pair.inputs, "input_ids": ids}).item()
            assert path.baseline_logit == pytest.approx(alone, abs=2e-5)


def test_a_model_that_gives_every_text_one_score_misses_nothing(tiny_bert: Reranker) -> None:
    same = tiny_bert.trainable()
    with torch.no_grad():
        same.model.classifier.weight = torch.nn.Parameter(torch.zeros_like(same.model.classifier.weight))
    found = explain(same, QUERY, DOCUMENT, IG)
    assert [(path.convergence_delta, path.relative_delta, path.relative_residual) for path in found.paths] == [
        (0, 0, 0)
    ] * 2
