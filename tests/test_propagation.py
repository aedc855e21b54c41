"""Layerwise relevance by its definition: the slope of a model whose attention and denominators are frozen numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution import explain
from attribution.errors import OptionError
from attribution.methods.propagation import QUERY_AND_KEY
from attribution.rerankers.reranker import Reranker
from tests.conftest import Plain, Tiny
from tests.tiny import PAIRED

QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants"
FUSED = "ModernBertForSequenceClassification"  # query, key and value are one layer
Hook = Callable[[Any, tuple[Tensor, ...], Tensor], Tensor | None]


@contextmanager
def hooked(model: Any, block: str, norm: Hook, projection: Hook) -> Iterator[None]:
    """Every LayerNorm, query and key layer behind the embeddings block."""
    behind = [(name, module) for name, module in model.named_modules() if not name.startswith(block)]
    norms = [module for _, module in behind if isinstance(module, nn.LayerNorm)]
    projections = [m for name, m in behind if isinstance(m, nn.Linear) and name.split(".")[-1] in QUERY_AND_KEY]
    handles = [module.register_forward_hook(norm) for module in norms]
    handles += [module.register_forward_hook(projection) for module in projections]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def frozen_slopes(reranker: Reranker, model: Any, step: float = 1e-6) -> list[float]:
    """`dF / ds` at 1 when one token's embedding is scaled by `s`, in the frozen double-precision model: no autograd.

    The step is so small that no ReLU (DistilBERT has one before its logit) has its kink inside it.
    """
    pair = reranker.encode(QUERY, DOCUMENT)
    n, block = len(pair.tokens), reranker.family.embeddings
    frozen: list[Tensor] = []  # in the order the model computes them

    def record(norm: nn.LayerNorm, args: tuple[Tensor, ...], _output: Tensor) -> None:
        frozen.append(1 / (args[0].var(-1, correction=0, keepdim=True) + norm.eps).sqrt())

    def replay(norm: nn.LayerNorm, args: tuple[Tensor, ...], _output: Tensor) -> Tensor:
        return (args[0] - args[0].mean(-1, keepdim=True)) * frozen.pop(0) * norm.weight + norm.bias

    with hooked(model, block, record, lambda _m, _a, output: frozen.append(output)):
        model(**pair.inputs)
    scales = torch.ones(2 * n, n, dtype=torch.float64)  # row i scales token i up, row n + i down
    scales[range(n), range(n)] += step
    scales[range(n, 2 * n), range(n)] -= step
    batch = {name: value.expand(2 * n, -1) for name, value in pair.inputs.items()}
    with hooked(model, block, replay, lambda _m, _a, output: frozen.pop(0).expand_as(output)):
        handle = model.get_submodule(block).register_forward_hook(lambda _m, _a, output: output * scales[:, :, None])
        logits = model(**batch).logits[:, 0]
        handle.remove()
    assert not frozen
    slopes: list[float] = ((logits[:n] - logits[n:]) / (2 * step)).tolist()
    return slopes


@pytest.mark.parametrize("architecture", [a for a in PAIRED if a != FUSED])
def test_slope_of_the_frozen_model(architecture: str, tiny: Tiny, plain: Plain) -> None:
    reranker = tiny(architecture)
    expected = frozen_slopes(reranker, copy.deepcopy(plain(architecture)[1]).double())
    explanation = explain(reranker, QUERY, DOCUMENT, "layerwise_relevance")
    assert explanation.attributions == pytest.approx(expected, rel=1e-3, abs=1e-4)
    unruled = explain(reranker, QUERY, DOCUMENT, "input_x_gradient")
    assert explanation.attributions != pytest.approx(unruled.attributions, rel=0.1, abs=0.01)


def test_the_shared_model_keeps_its_gradient(tiny_bert: Reranker) -> None:
    before = explain(tiny_bert, QUERY, DOCUMENT, "input_x_gradient")
    explain(tiny_bert, QUERY, DOCUMENT, "layerwise_relevance")
    assert explain(tiny_bert, QUERY, DOCUMENT, "input_x_gradient").attributions == before.attributions


def test_says_which_family_has_no_such_layers(tiny: Tiny) -> None:
    with pytest.raises(OptionError, match="ModernBERT"):
        explain(tiny(FUSED), QUERY, DOCUMENT, "layerwise_relevance")
