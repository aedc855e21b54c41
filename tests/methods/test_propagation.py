"""Layerwise relevance by its definition: the slope of a model whose attention and denominators are frozen numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution import explain
from attribution.errors import OptionError
from attribution.methods import propagation
from attribution.methods.propagation import QUERY_AND_KEY
from attribution.rerankers.reranker import Reranker
from tests.conftest import Folder, Tiny
from tests.tiny import KINDS

QUERY = "how many people live in berlin ?"
DOCUMENT = "berlin has about 3.7 million inhabitants"
FUSED = {"Wqkv": (3, -1), "in_proj": (4, 3, -1)}  # queries, keys and values of one layer: of all heads, or head by head
# Of every other kind of norm, attention and gate one.
Hook = Callable[[Any, tuple[Tensor, ...], Tensor], Tensor | None]


def is_norm(module: Any) -> bool:
    return "Norm" in type(module).__name__


def centred(norm: Any, states: Tensor) -> Tensor:
    """What the denominator divides."""
    return (
        states - states.mean(-1, keepdim=True)
        if type(norm).__name__.endswith("LayerNorm") and not (type(norm).__name__.startswith("T5"))
        else states
    )


@contextmanager
def hooked(model: Any, block: str, norm: Hook, projection: Hook) -> Iterator[None]:
    """Every norm, query and key layer behind the embeddings block."""
    behind = [(name, module) for name, module in model.named_modules() if not name.startswith(block)]
    norms = [module for _, module in behind if is_norm(module)]
    names = (*QUERY_AND_KEY, *FUSED)
    projections = [m for name, m in behind if isinstance(m, nn.Linear) and name.split(".")[-1] in names]
    handles = [module.register_forward_hook(norm) for module in norms]
    for name, module in behind:
        module.name_here = name.split(".")[-1]
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

    def record(norm: Any, args: tuple[Tensor, ...], output: Tensor) -> None:
        bias = getattr(norm, "bias", None)
        frozen.append((output if bias is None else output - bias) / centred(norm, args[0]))

    def replay(norm: Any, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        bias = getattr(norm, "bias", None)
        return centred(norm, args[0]) * frozen.pop(0) + (0 if bias is None else bias)

    def hold(module: Any, _args: Any, output: Tensor) -> Tensor:
        then = frozen.pop(0).expand_as(output)
        shape = FUSED.get(module.name_here)
        if shape is None:
            return then
        parts = torch.cat([then.unflatten(-1, shape)[..., :2, :], output.unflatten(-1, shape)[..., 2:, :]], dim=-2)
        return parts.flatten(-len(shape))

    def logit(inputs: dict[str, Tensor]) -> Tensor:
        output = model(**reranker.family.prepare(model, inputs))
        return reranker.settings.read(reranker.family.columns(output))

    with hooked(model, block, record, lambda _m, _a, output: frozen.append(output)):
        logit(dict(pair.inputs))
    scales = torch.ones(2 * n, n, dtype=torch.float64)  # row i scales token i up, row n + i down
    scales[range(n), range(n)] += step
    scales[range(n, 2 * n), range(n)] -= step
    batch = {name: value.expand(2 * n, -1) for name, value in pair.inputs.items()}
    with hooked(model, block, replay, hold):
        handle = model.get_submodule(block).register_forward_hook(lambda _m, _a, output: output * scales[:, :, None])
        logits = logit(batch)
        handle.remove()
    assert not frozen
    slopes: list[float] = ((logits[:n] - logits[n:]) / (2 * step)).tolist()
    return slopes


@pytest.mark.parametrize("architecture", KINDS)
def test_slope_of_the_frozen_model(architecture: str, tiny: Tiny, tiny_folder: Folder) -> None:
    reranker = tiny(architecture)
    plain = reranker.family.auto_class.from_pretrained(tiny_folder(architecture), attn_implementation="eager")
    expected = frozen_slopes(reranker, plain.eval().double())
    explanation = explain(reranker, QUERY, DOCUMENT, "layerwise_relevance")
    assert explanation.attributions == pytest.approx(expected, rel=1e-3, abs=1e-4)
    unruled = explain(reranker, QUERY, DOCUMENT, "input_x_gradient")
    assert explanation.attributions != pytest.approx(unruled.attributions, rel=0.1, abs=0.01)


def test_the_shared_model_keeps_its_gradient(tiny_bert: Reranker) -> None:
    before = explain(tiny_bert, QUERY, DOCUMENT, "input_x_gradient")
    explain(tiny_bert, QUERY, DOCUMENT, "layerwise_relevance")
    assert explain(tiny_bert, QUERY, DOCUMENT, "input_x_gradient").attributions == before.attributions


@pytest.mark.parametrize("missing", ["norms", "queries"])
def test_says_which_family_it_has_no_rule_for(missing: str, monkeypatch: pytest.MonkeyPatch, tiny: Tiny) -> None:
    """Never silently wrong: a norm, or query and key layers, it has never heard of."""
    if missing == "norms":
        monkeypatch.delitem(propagation.RMS_NORMS, "T5LayerNorm")
    else:
        monkeypatch.setattr(propagation, "QUERY_AND_KEY", ())
    with pytest.raises(OptionError, match=r"no rule for T5.*Choose integrated_gradients") as refused:
        explain(tiny("T5ForConditionalGeneration"), QUERY, DOCUMENT, "layerwise_relevance")
    assert ("T5LayerNorm" in str(refused.value)) == (missing == "norms")
