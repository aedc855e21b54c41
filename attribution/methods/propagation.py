"""Input x gradient with attention weights and LayerNorm's denominators held still."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from attribution.errors import OptionError
from attribution.methods.gradients import input_x_gradient
from attribution.rerankers.reranker import Reranker
from attribution.types import Attributed, TokenizedPair

QUERY_AND_KEY = ("query", "key", "query_proj", "key_proj", "q_lin", "k_lin", "q", "k")  # as the families name them


def layerwise_relevance(reranker: Reranker, pair: TokenizedPair) -> Attributed:
    """`sum_d x_d * d logit / d x_d` after the embeddings block, through the model with two rules, in logits.

    AH rule: attention weights are constants, which holding the query and key projections still achieves. LN rule:
    `(x - mean) / constant`. The hooks live on a twin that only this call sees. Ali et al. 2022, arXiv:2202.07304.
    Raises `OptionError` for families whose query and key are not layers of their own.
    """
    names = (name for name, module in reranker.model.named_modules() if isinstance(module, nn.Linear))
    projections = [name for name in names if name.split(".")[-1] in QUERY_AND_KEY]
    if not projections:
        raise OptionError(
            f"layerwise_relevance needs query and key layers named {', '.join(QUERY_AND_KEY)}; {reranker.family.label} "
            "has none. Choose integrated_gradients."
        )
    twin = reranker.eager()
    for name in projections:
        twin.model.get_submodule(name).register_forward_hook(lambda _module, _args, output: output.detach())
    for module in twin.model.modules():
        if isinstance(module, nn.LayerNorm):
            module.register_forward_hook(_hold_denominator)
    return input_x_gradient(twin, pair)


def _hold_denominator(norm: nn.LayerNorm, args: tuple[Tensor, ...], _output: Any) -> Tensor:
    centred = args[0] - args[0].mean(-1, keepdim=True)  # (batch, seq, hidden)
    variance = centred.square().mean(-1, keepdim=True)
    return centred * torch.rsqrt(variance + norm.eps).detach() * norm.weight + norm.bias
