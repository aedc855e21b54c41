"""One family of each kind after some training, whose logit has learnt to bend: integrated gradients still add up."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch

from attribution import explain
from attribution.rerankers.reranker import Reranker
from tests.conftest import Tiny
from tests.tiny import KINDS

PAIRS = {  # pair -> whether the document answers the query
    ("how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."): 1.0,
    ("which city is the capital of france", "paris is the capital of france ."): 1.0,
    ("how many people live in berlin ?", "paris is the capital of france ."): 0.0,
    ("which city is the capital of france", "berlin has about 3.7 million inhabitants ."): 0.0,
}
STEPS, LEARNT = 60, 0.05  # at most; the loss at which to stop


def train(reranker: Reranker) -> tuple[Reranker, list[float]]:
    """A copy with other weights, trained until it tells `PAIRS` apart, and its losses."""
    torch.manual_seed(0)
    twin = dataclasses.replace(reranker, model=copy.deepcopy(reranker.model).requires_grad_(True))
    inputs = twin.batch([twin.encode(*pair) for pair in PAIRS])
    wanted = torch.tensor(list(PAIRS.values()))
    optimiser = torch.optim.Adam(twin.model.parameters(), lr=3e-3)
    losses: list[float] = []
    while len(losses) < STEPS and (not losses or losses[-1] > LEARNT):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(twin.forward(inputs), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    twin.model.requires_grad_(False)
    return twin, losses


# Not Qwen3.5: once it has learnt, the path through its recurrent layers is too steep for 257 evaluations, as it says.
@pytest.mark.parametrize("architecture", KINDS)
def test_integrated_gradients_of_a_trained_model_add_up(architecture: str, tiny: Tiny) -> None:
    """To 1 %, also before the error that is left is given back to the tokens."""
    reranker, losses = train(tiny(architecture))
    assert losses[-1] <= LEARNT
    pair = next(iter(PAIRS))
    explanation = explain(reranker, *pair, tolerance=0.002, max_evaluations=257)
    assert explanation.logit == pytest.approx(reranker.score(pair[0], [pair[1]])[0], abs=1e-4)
    for path in explanation.paths:
        assert abs(explanation.logit - path.baseline_logit) > 0.01, "there is something to explain"
        assert not path.capped
        assert path.relative_delta <= 0.01
        assert path.relative_residual <= 0.01 + 1e-5
