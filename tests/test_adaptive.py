"""The adaptive rule: near the true integral, no more evaluations than it says, and honest when it was cut short."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from attribution import explain
from attribution.evidence.agreement import captum_agreement
from attribution.methods.adaptive import AT_ONCE, FIRST, FLOOR, SLACK, integrate
from attribution.rerankers.reranker import Reranker
from tests.conftest import Plain

BERT = "BertForSequenceClassification"
QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants . paris is the capital of france"
UNIFORM = torch.linspace(0, 1, FIRST)


class Step:
    """F(a) = sigmoid(sharpness (a - place)), shared by three tokens; it keeps what it is asked."""

    weights = torch.tensor([0.5, 0.3, 0.2])

    def __init__(self, sharpness: float, place: float) -> None:
        self.sharpness, self.place = sharpness, place
        self.asked: list[float] = []
        self.batches: list[int] = []

    def __call__(self, alphas: Tensor) -> tuple[Tensor, Tensor]:
        self.asked += alphas.tolist()
        self.batches.append(len(alphas))
        logits = self.value(alphas)
        slopes = self.sharpness * logits * (1 - logits)  # (n,)
        return logits, slopes[:, None] * self.weights

    def value(self, alphas: Tensor) -> Tensor:
        return torch.sigmoid(self.sharpness * (alphas - self.place))

    @property
    def exact(self) -> Tensor:
        return self.weights * (self.value(torch.ones(())) - self.value(torch.zeros(())))


@pytest.mark.parametrize("tolerance", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("sharpness", [1.0, 20.0, 200.0])
@pytest.mark.parametrize("place", [0.03, 0.3, 0.77])
def test_finds_the_step(tolerance: float, sharpness: float, place: float) -> None:
    """Wherever it is and however sharp, with no node asked for twice and none unreported."""
    step = Step(sharpness, place)
    values, n, capped = integrate(step, UNIFORM, tolerance, 257)
    assert not capped
    assert (values - step.exact).abs().sum() <= tolerance * step.exact.abs().sum()
    assert n == len(step.asked) == len(set(step.asked))
    assert n >= FLOOR
    assert step.batches[0] == FIRST
    assert max(step.batches[1:]) <= AT_ONCE


def test_a_sharp_step_costs_less_than_uniform_nodes() -> None:
    """On a uniform grid the step would fall between two nodes."""
    sharp = Step(1000.0, 0.3)
    _, n, _ = integrate(sharp, UNIFORM, 0.01, 1025)
    uniform = torch.linspace(0, 1, n)
    estimate = torch.trapezoid(sharp(uniform)[1], uniform, dim=0)
    assert (estimate - sharp.exact).abs().sum() > 0.01 * sharp.exact.abs().sum()


@pytest.mark.parametrize("cap", [17, 18, 30])
def test_the_cap_is_kept_and_said(cap: int) -> None:
    step = Step(2000.0, 0.3)
    values, n, capped = integrate(step, UNIFORM, 1e-4, cap)
    assert capped
    assert n == len(step.asked) == cap
    assert torch.isfinite(values).all()


def reference(plain: tuple[Any, Any], side: int, n: int = 257) -> list[float]:
    """The trapezoid rule with `n` nodes on the plain model's `inputs_embeds`, one number a token of that side."""
    tokenizer, model = plain
    inputs = tokenizer(QUERY, DOCUMENT, return_tensors="pt")
    inside = [i for i, of in enumerate(inputs.sequence_ids(0)) if of == side]
    masked = inputs["input_ids"].clone()
    masked[:, inside] = tokenizer.mask_token_id
    embed = model.bert.embeddings.word_embeddings
    start, end = embed(masked).detach(), embed(inputs["input_ids"]).detach()  # (1, seq, hidden)
    alphas = torch.linspace(0, 1, n)
    nodes = (start + alphas[:, None, None] * (end - start)).requires_grad_(True)
    rest = {k: v.expand(n, -1) for k, v in inputs.items() if k != "input_ids"}
    (grad,) = torch.autograd.grad(model(inputs_embeds=nodes, **rest).logits.sum(), nodes)
    values: list[float] = torch.trapezoid((grad * (end - start)).sum(-1), alphas, dim=0)[inside].tolist()
    return values


@pytest.mark.parametrize("tolerance", [0.01, 0.003, 0.001])
def test_near_the_reference(tolerance: float, tiny_bert: Reranker, plain: Plain) -> None:
    explanation = explain(tiny_bert, QUERY, DOCUMENT, "integrated_gradients", tolerance=tolerance, max_evaluations=1025)
    pair = tiny_bert.encode(QUERY, DOCUMENT)
    for side, path in zip((1, 0), explanation.paths, strict=True):
        expected = reference(plain(BERT), side)
        ours = [explanation.attributions[i] for i in pair.positions(*path.segments)]
        error = sum(abs(a - b) for a, b in zip(ours, expected, strict=True))
        assert error <= SLACK * tolerance * sum(map(abs, expected))
        assert path.relative_delta <= tolerance
        assert not path.capped
        assert FLOOR <= path.n_steps < 257
    assert explanation.n_backward == sum(path.n_steps for path in explanation.paths)


def test_the_card_can_say_it_was_cut_short(tiny_bert: Reranker) -> None:
    options: dict[str, Any] = {"tolerance": 1e-4, "max_evaluations": 17}
    cut = explain(tiny_bert, QUERY, DOCUMENT, "integrated_gradients", **options)
    assert [(path.n_steps, path.capped) for path in cut.paths] == [(17, True)] * 2
    whole = explain(tiny_bert, QUERY, DOCUMENT, "integrated_gradients", tolerance=0.3)
    assert not any(path.capped for path in whole.paths)


def test_nothing_to_explain(tiny_bert: Reranker) -> None:
    """A document that is its own baseline: no difference, no attribution, and no hunt for rounding errors."""
    explanation = explain(tiny_bert, QUERY, "[MASK] [MASK]", "integrated_gradients")
    pair = tiny_bert.encode(QUERY, "[MASK] [MASK]")
    path = explanation.paths[0]
    assert [explanation.attributions[i] for i in pair.positions("document")] == [0, 0]
    assert (path.n_steps, path.capped) == (FLOOR, False)
    assert path.convergence_delta == pytest.approx(0, abs=1e-5)


def test_agreement_with_captum(tiny_bert: Reranker) -> None:
    ours = explain(tiny_bert, QUERY, DOCUMENT, "integrated_gradients", tolerance=0.002, max_evaluations=1025)
    theirs = explain(tiny_bert, QUERY, DOCUMENT, "integrated_gradients_captum")
    rough = explain(tiny_bert, QUERY, DOCUMENT, "integrated_gradients_captum", n_steps=2)
    assert captum_agreement(ours, ours) == (0.0, pytest.approx(1.0))
    near, far = captum_agreement(ours, theirs), captum_agreement(ours, rough)
    assert near.relative_l1 < 0.01 < far.relative_l1
    a, b = ours.attributions, rough.attributions
    distance = sum(abs(x - y) for x, y in zip(a, b, strict=True))
    assert far.relative_l1 == pytest.approx(distance / max(sum(map(abs, a)), sum(map(abs, b))))
    with pytest.raises(ValueError, match="one pair"):
        captum_agreement(ours, explain(tiny_bert, QUERY, "paris", "integrated_gradients_captum"))
