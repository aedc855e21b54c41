"""The adaptive rule: near the true integral, no more evaluations than it says, and honest when it was cut short."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from attribution import explain
from attribution.evidence.agreement import captum_agreement
from attribution.methods.adaptive import AT_ONCE, FIRST, FLOOR, Nodes, integrate, monotone_derivatives
from attribution.rerankers.reranker import Reranker
from tests.conftest import Plain
from tests.linear import linear_reranker

BERT = "BertForSequenceClassification"
QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants . paris is the capital of france"
UNIFORM = torch.linspace(0, 1, FIRST)


class Steps:
    """Three tokens, each with a step of its own: F(a) = sum of weight * sigmoid(sharpness (a - place)).

    It keeps what it is asked.
    """

    weights = torch.tensor([0.5, 0.3, -0.2])

    def __init__(self, sharpness: float, *places: float) -> None:
        self.sharpness, self.places = sharpness, torch.tensor(places)
        self.asked: list[float] = []
        self.batches: list[int] = []

    def __call__(self, alphas: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        (of_path,) = alphas
        self.asked += of_path.tolist()
        self.batches.append(len(of_path))
        rise = self.rise(of_path)  # (n, 3)
        return [((self.weights * rise).sum(1), self.weights * self.sharpness * rise * (1 - rise))]

    def rise(self, alphas: Tensor) -> Tensor:
        return torch.sigmoid(self.sharpness * (alphas[:, None] - self.places))

    @property
    def exact(self) -> Tensor:
        start, end = self.rise(torch.tensor([0.0, 1.0]))
        return self.weights * (end - start)


@pytest.mark.parametrize("tolerance", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("sharpness", [1.0, 20.0, 200.0])
@pytest.mark.parametrize("place", [0.03, 0.3, 0.77])
def test_finds_the_steps(tolerance: float, sharpness: float, place: float) -> None:
    """Wherever they are and however sharp, with no node asked for twice and none unreported."""
    steps = Steps(sharpness, place, place + 0.1, 0.5)
    (found,) = integrate(steps, [UNIFORM], tolerance, 257)
    assert not found.capped
    assert (found.values - steps.exact).abs().sum() <= 3 * tolerance * steps.exact.abs().sum()
    assert found.n_steps == len(steps.asked) == len(set(steps.asked))
    assert found.n_steps >= FLOOR
    assert steps.batches[0] == FIRST
    assert max(steps.batches[1:]) <= AT_ONCE
    ends = [sum(steps.batches[: i + 1]) for i in range(len(steps.batches))]
    known = [nodes(steps, steps.asked[:end]) for end in ends]
    settled = [
        len(new.alphas) >= FLOOR
        and max(change(new, old), new.errors.abs().sum().item()) <= 5 * (tolerance * total(new) + 1e-5)
        for old, new in pairwise(known)
    ]
    assert settled == [False] * (len(settled) - 1) + [True], "it stops as soon as it may"


def nodes(steps: Steps, alphas: Sequence[float]) -> Nodes:
    """What is known of the path after these places."""
    at = torch.tensor(sorted(alphas))
    return Nodes(at, *Steps(steps.sharpness, *steps.places.tolist())([at])[0])


def total(of: Nodes) -> float:
    return of.integral.abs().sum().item()


def change(new: Nodes, old: Nodes) -> float:
    return (new.integral - old.integral).abs().sum().item()


def test_a_sharp_step_costs_less_than_uniform_nodes() -> None:
    """On a uniform grid the steps would fall between two nodes."""
    sharp = Steps(1000.0, 0.3, 0.3, 0.3)
    (found,) = integrate(sharp, [UNIFORM], 0.01, 1025)
    uniform = torch.linspace(0, 1, found.n_steps)
    estimate = torch.trapezoid(sharp([uniform])[0][1], uniform, dim=0)
    assert (estimate - sharp.exact).abs().sum() > 0.01 * sharp.exact.abs().sum()


@pytest.mark.parametrize("cap", [17, 18, 30])
def test_the_cap_is_kept_and_said(cap: int) -> None:
    steps = Steps(2000.0, 0.3, 0.6, 0.31)
    (found,) = integrate(steps, [UNIFORM], 1e-4, cap)
    assert found.capped
    assert found.n_steps == len(steps.asked) == cap
    assert torch.isfinite(found.values).all()


def test_what_was_given_back_is_said() -> None:
    """The values sum to the ends' difference; the error of the nodes, recomputed by another PCHIP, stays visible."""
    steps = Steps(60.0, 0.3, 0.45, 0.5)
    (found,) = integrate(steps, [UNIFORM], 1.0, 17)
    assert found.values.sum().item() == pytest.approx(found.logits[1] - found.logits[0], abs=1e-6)
    alphas = torch.tensor(sorted(steps.asked), dtype=torch.float64)
    logits, slopes = steps([alphas])[0]
    cubic = PchipInterpolator(alphas, slopes)
    whole = np.array([cubic.integrate(a, b) for a, b in pairwise(alphas.tolist())])  # (n - 1, 3)
    inner = slice(2, -2)  # at the ends scipy takes a parabola where we take the secant
    ours = Nodes(alphas, logits, slopes)
    assert ours.pieces[inner].numpy() == pytest.approx(whole[inner], abs=1e-9)
    assert found.residual == pytest.approx(ours.errors.abs().sum().item(), abs=1e-5)
    assert found.residual > 1e-3


def test_where_the_logit_shows_an_error_comes_before_where_tokens_only_bend() -> None:
    """Of three intervals: tokens bend much and cancel, the logit is off by a little, nothing is wrong."""
    alphas = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    slopes = torch.tensor([[0.0, 0.0], [8.0, -8.0], [8.0, -8.0], [8.0, -8.0], [8.0, -8.0]])  # (n, seq)
    nodes = Nodes(alphas, torch.tensor([0.0, 0.0, 0.0, 0.05, 0.05]), slopes)
    bends = (nodes.pieces - nodes.trapezoids).abs().sum(1)
    assert bends[0] > 2 * 0.05, "as large as it is, it is no error that is known"
    assert nodes.midpoints(1).tolist() == [0.625]
    assert nodes.midpoints(2).tolist() == [0.625, 0.125]


def test_paths_share_batches_and_nothing_else() -> None:
    """Two paths at once: each as if alone, with its own nodes."""
    games = Steps(20.0, 0.3, 0.4, 0.5), Steps(300.0, 0.8, 0.1, 0.5)
    both = integrate(
        lambda alphas: [of([a])[0] for of, a in zip(games, alphas, strict=True)], [UNIFORM, UNIFORM], 0.01, 65
    )
    for steps, together in zip(games, both, strict=True):
        (alone,) = integrate(Steps(steps.sharpness, *steps.places.tolist()), [UNIFORM], 0.01, 65)
        assert (together.n_steps, together.capped) == (alone.n_steps, alone.capped)
        assert torch.equal(together.values, alone.values)
    assert both[0].n_steps < both[1].n_steps


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
        assert error <= 5 * tolerance * sum(map(abs, expected))
        assert path.relative_delta <= 1e-4  # all of it was given back
        assert not path.capped
        assert FLOOR <= path.n_steps < 257
    assert explanation.n_backward == sum(path.n_steps for path in explanation.paths) - 1  # both end at the pair


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
    level = explain(linear_reranker(), "apple", "[MASK] [MASK]", "integrated_gradients").paths[0]
    assert (level.convergence_delta, level.relative_delta, level.relative_residual) == (0.0, 0.0, 0.0)


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


def test_a_level_stretch_has_no_slope() -> None:
    x, y = torch.arange(5.0), torch.tensor([[0.0], [0.0], [-0.0], [0.0], [1.0]])
    assert monotone_derivatives(x, y)[:, 0].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
