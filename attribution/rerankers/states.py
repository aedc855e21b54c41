"""What a model keeps inside: attentions, hidden states and where the head reads them; and how long a pair may be."""

from typing import Any

import torch
from torch import Tensor

from attribution.errors import InputError, ModelError
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair

MAX_ATTENTION_BYTES = 536_870_912  # half a GiB: all layers and heads of one pair, float32


def read_attentions(reranker: Reranker, pair: TokenizedPair) -> Tensor:
    """Attention weights `(layers, heads, seq, seq)`, rows summing to 1. Raises `InputError` or `ModelError`."""
    check_states(reranker, pair)
    with torch.no_grad():
        return attentions_of(reranker, reranker.eager().outputs(dict(pair.inputs), output_attentions=True))


def check_states(reranker: Reranker, pair: TokenizedPair) -> None:
    """Raises `ModelError` where no position of the text is read, so that no row of attention leads to the score.

    Raises `InputError` when the attentions of so long a pair would not fit in `MAX_ATTENTION_BYTES`.
    """
    if not reranker.family.states:
        raise ModelError(
            f"{reranker.model_id} reads its score from the decoder's first token, not from a position of the text, so "
            "there is no read-out to show. Choose another model, or a gradient method."
        )
    config = reranker.model.config
    per_pair = 4 * config.num_hidden_layers * config.num_attention_heads  # bytes for each pair of tokens
    length = len(pair.tokens)
    if per_pair * length**2 > MAX_ATTENTION_BYTES:
        raise InputError(
            f"This pair is {length:,} tokens long; the attentions of {reranker.model_id} are shown for at most "
            f"{int((MAX_ATTENTION_BYTES / per_pair) ** 0.5):,} tokens. Shorten the document."
        )


def read_positions(reranker: Reranker, pair: TokenizedPair) -> list[int]:
    """The positions whose last states make the logit."""
    return reranker.family.read_positions(reranker.model, dict(pair.inputs))


def layers_of(reranker: Reranker, output: Any, name: str) -> tuple[Tensor, ...]:
    """One tensor a layer. Raises `ModelError` for models that return none, which they do without an error."""
    layers = tuple(getattr(output, name, None) or ())
    expected = reranker.model.config.num_hidden_layers + (name == "hidden_states")
    if len(layers) != expected or any(layer is None for layer in layers):
        raise ModelError(
            f"{reranker.model_id} returned {len(layers)} {name} instead of {expected}, so they cannot be shown. "
            "Choose another model for this view; the Explain tab's gradient methods still work."
        )
    return layers


def attentions_of(reranker: Reranker, output: Any) -> Tensor:
    """`(layers, heads, seq, seq)` of one output. Raises `ModelError` when the model gave none."""
    return torch.cat(layers_of(reranker, output, "attentions"))  # (layers, heads, seq, seq)
