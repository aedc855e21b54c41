"""Where the read-out position looks. Weights of the model, not attributions: no derivative of the score is taken."""

import torch

from attribution.errors import check_range
from attribution.rerankers.reranker import Reranker
from attribution.rerankers.states import read_attentions, read_positions
from attribution.types import Attributed, TokenizedPair


def attention(
    reranker: Reranker, pair: TokenizedPair, *, layer: int | None = None, head: int | None = None
) -> Attributed:
    """`A[layer, head, read-out position, :]`: the share of attention each token gets; the shares sum to 1.

    `layer`, `head` count from 1; None: the last layer, the mean over heads. Jain & Wallace 2019, arXiv:1902.10186, say
    why this explains little. Raises `OptionError`, `InputError` or `ModelError`.
    """
    weights = read_attentions(reranker, pair)  # (layers, heads, seq, seq)
    layer = check_range("layer", len(weights) if layer is None else layer, 1, len(weights))
    chosen = weights[layer - 1]  # (heads, seq, seq)
    if head is not None:
        head = check_range("head", head, 1, len(chosen))
        chosen = chosen[head - 1 : head]
    return Attributed(chosen.mean(0)[read_positions(reranker, pair)].mean(0))


def attention_rollout(reranker: Reranker, pair: TokenizedPair) -> Attributed:
    """`prod_l (A_l + I) / 2` at the read-out row, A_l the mean over heads (Abnar & Zuidema 2020, arXiv:2005.00928).

    The values sum to 1. Raises `InputError` or `ModelError`.
    """
    weights = read_attentions(reranker, pair).mean(1)  # (layers, seq, seq)
    rollout = identity = torch.eye(weights.shape[-1], device=weights.device)
    for layer in weights:
        rollout = (layer + identity) / 2 @ rollout
    return Attributed(rollout[read_positions(reranker, pair)].mean(0))
