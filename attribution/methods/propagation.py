"""Input x gradient with attention weights and the norms' denominators held still."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from attribution.errors import OptionError
from attribution.methods.gradients import input_x_gradient
from attribution.rerankers.reranker import Reranker
from attribution.types import Attributed, TokenizedPair

Hook = Callable[[Any, tuple[Tensor, ...], Tensor], Tensor]

# Query and key layers as the families name them.
QUERY_AND_KEY = ("query", "key", "query_proj", "key_proj", "q_lin", "k_lin", "q_proj", "k_proj", "q", "k")
LAYER_NORMS = ("LayerNorm", "DebertaLayerNorm")
# What is added to `weight`: RMS norms scale by `weight` or by `1 + weight`. A model with any other norm is refused.
RMS_NORMS = {
    **dict.fromkeys(("LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm", "EuroBertRMSNorm"), 0.0),
    **dict.fromkeys(("GemmaRMSNorm", "Gemma2RMSNorm", "Gemma3RMSNorm"), 1.0),
    **dict.fromkeys(("T5LayerNorm", "MT5LayerNorm"), 0.0),
}


def layerwise_relevance(reranker: Reranker, pair: TokenizedPair) -> Attributed:
    """`sum_d x_d * d logit / d x_d` after the embeddings block, through the model with two rules, in logits.

    AH rule: attention weights are constants, because queries and keys are detached. LN rule: `(x - mean) / constant`,
    and for RMS norms `x / constant`; gates and activations keep their gradient. The hooks are on a copy of the model
    (`Reranker.eager`) that only this call uses. Ali et al. 2022, arXiv:2202.07304. Raises `OptionError` for families
    whose queries, keys or norms are not known.
    """
    twin = reranker.eager()
    held = _held_queries_and_keys(twin.model, twin.model.config)
    norms = [module for module in twin.model.modules() if "Norm" in type(module).__name__]
    unknown = {type(module).__name__ for module in norms} - RMS_NORMS.keys() - set(LAYER_NORMS)
    if not held or unknown:
        reason = f"norms of the kind {', '.join(sorted(unknown))}" if unknown else "no query and key layers it knows"
        raise OptionError(
            f"layerwise_relevance has no rule for {reranker.family.label}, which has {reason}. Choose "
            "integrated_gradients."
        )
    for module, hook in held:
        module.register_forward_hook(hook)
    for module in norms:
        module.register_forward_hook(_hold_denominator if type(module).__name__ in LAYER_NORMS else _hold_rms)
    return input_x_gradient(twin, pair)


def _held_queries_and_keys(model: Any, config: Any) -> list[tuple[Any, Hook]]:
    """The layers that make queries and keys, each with the hook that detaches them, in a fused layer only its part."""

    def whole(_module: Any, _args: Any, output: Tensor) -> Tensor:
        return output.detach()

    def of_three(*shape: int) -> Hook:
        def hold(_module: Any, _args: Any, output: Tensor) -> Tensor:
            parts = output.unflatten(-1, shape)  # (..., 3, dim): queries, keys, values
            return torch.cat([parts[..., :2, :].detach(), parts[..., 2:, :]], dim=-2).flatten(-len(shape))

        return hold

    # ModernBERT: of all heads; DeBERTa v1: of one head, then of the next.
    fused = {"Wqkv": of_three(3, -1), "in_proj": of_three(config.num_attention_heads, 3, -1)}
    hooks: dict[str, Hook] = dict.fromkeys(QUERY_AND_KEY, whole) | fused
    linear = [(name.split(".")[-1], m) for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    return [(module, hooks[name]) for name, module in linear if name in hooks]


def _epsilon(norm: Any) -> float:
    return float(norm.variance_epsilon if hasattr(norm, "variance_epsilon") else norm.eps)


def _hold_denominator(norm: Any, args: tuple[Tensor, ...], _output: Any) -> Tensor:
    centred = args[0] - args[0].mean(-1, keepdim=True)  # (batch, seq, hidden)
    variance = centred.square().mean(-1, keepdim=True)
    scaled: Tensor = centred * torch.rsqrt(variance + _epsilon(norm)).detach() * norm.weight
    return scaled if norm.bias is None else scaled + norm.bias


def _hold_rms(norm: Any, args: tuple[Tensor, ...], _output: Any) -> Tensor:
    root = torch.rsqrt(args[0].square().mean(-1, keepdim=True) + _epsilon(norm))  # (batch, seq, 1)
    return args[0] * root.detach() * (RMS_NORMS[type(norm).__name__] + norm.weight)
