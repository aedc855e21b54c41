"""Tests of a checkpoint at load: its weights are all there and mean what they meant, its score can be explained."""

from __future__ import annotations

import copy
import dataclasses
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from attribution.errors import ModelError
from attribution.numbers import number
from attribution.rerankers.reranker import Reranker

# Weights that a classifier does without: buffers that are computed, poolers and heads of other tasks.
UNUSED = re.compile(
    r"(.*\.)?(position_ids|token_type_ids|inv_freq|masked_bias|attn\.bias|pooler\..*)|(cls|lm_head)\..*"
)
# What stands before every name where a model was saved inside another, and what put it there.
WRAPPED = {"module.": "torch.nn.DataParallel", "_orig_mod.": "torch.compile", "model.": "a model inside another"}
TEST_PAIR = ("which city is the capital of France", "Paris is the capital of France.")


def check_keys(model_id: str, loading: Mapping[str, Any]) -> None:
    """Raises `ModelError` for weights that are missing, or of a computation the model does not make."""
    missing, unexpected = sorted(loading["missing_keys"]), sorted(loading["unexpected_keys"])
    for prefix, writer in WRAPPED.items():
        inside = {key.removeprefix(prefix) for key in unexpected}
        if inside & set(missing) and all(key.startswith(prefix) for key in unexpected):
            raise ModelError(
                f'{model_id} has weights whose names begin with "{prefix}", as {writer} writes them. Save it again '
                f"from model.{prefix.rstrip('.')}, or take that part off the names."
            )
    if missing:
        others = [key for key in unexpected if not UNUSED.fullmatch(key)]
        known = (
            f"it has others that the model here does not know ({', '.join(others[:3])}), so its layout may be its own. "
            "Save it again with transformers."
            if others
            else "it was not trained as a reranker. Choose a checkpoint that was saved with its classifier."
        )
        raise ModelError(f"{model_id} lacks weights that a reranker needs ({', '.join(missing[:3])}): {known}")
    extra = [key for key in unexpected if not UNUSED.fullmatch(key)]
    if extra:
        raise ModelError(
            f"{model_id} has weights that the model here would not use ({', '.join(extra[:3])}), so its score would "
            "differ from the one it was trained for. Choose a checkpoint without them."
        )


def check_tokenizer(model_id: str, tokenizer: PreTrainedTokenizerBase, embedding: Any) -> None:
    """Raises `ModelError` for tokenizers that give no character spans, or ids beyond the embedding."""
    if not tokenizer.is_fast or len(tokenizer) <= len(tokenizer.all_special_ids):  # without files it is made up, empty
        raise ModelError(f"{model_id} has no fast tokenizer (tokenizer.json), which character spans need.")
    largest = max(tokenizer.get_vocab().values())
    if largest >= embedding.num_embeddings:
        raise ModelError(
            f"{model_id} has a tokenizer with ids up to {largest}, but an embedding of only {embedding.num_embeddings} "
            "rows: the two are not of one model. Save them together, after model.resize_token_embeddings."
        )


def check_weights(model_id: str, named: Collection[tuple[str, Tensor]]) -> None:
    """Raises `ModelError` where a weight is no finite number."""
    for name, weight in named:
        ends = torch.stack(torch.aminmax(weight)) if weight.numel() else weight  # NaN if one weight is
        if not torch.isfinite(ends).all():
            raise ModelError(
                f"{model_id} has weights that are not finite numbers (NaN or infinity in {name}): its training "
                "diverged or the file is damaged. Choose another checkpoint."
            )


def precision_note(reranker: Reranker, name: str) -> str:
    """What the type of the numbers does to the score: the one asked for, or the one that the config names.

    Other programs run a checkpoint in the type `name` by default; a test pair says how far the score is from that.
    """
    if reranker.half:
        return (
            "Computed in bfloat16, as asked for, which keeps about three digits of every number: differences of less "
            "than a hundredth of the logit mean nothing."
        )
    if name not in ("float16", "bfloat16"):
        return ""
    inputs = dict(reranker.encode(*TEST_PAIR).inputs)
    half = dataclasses.replace(reranker, model=copy.deepcopy(reranker.model).to(getattr(torch, name)))
    with torch.no_grad():
        there, here = half.forward(inputs).item(), reranker.forward(inputs).item()
    none = f"is {'NaN' if math.isnan(there) else 'infinite'} in {name}, which is too small"
    apart = f"differs by {number(abs(there - here))}" if math.isfinite(there) else none
    return (
        f"Computed in float32. Other programs run this checkpoint in {name} by default: there the logit of a test pair "
        f"{apart}."
    )


def self_test(reranker: Reranker) -> bool:
    """Check at load that explaining is sound for this checkpoint; returns whether it is scale-invariant.

    The score through the adapter equals the plain one of all positions, the embedding layer is called once, the
    gradient is finite and not zero. Scale-invariant: the word embedding is normalised first, so `sum(grad * x)` is 0.
    Raises `ModelError`.
    """
    pair = reranker.encode(*TEST_PAIR)
    calls: list[int] = []

    def leaf_of(output: Tensor) -> Tensor:
        calls.append(1)
        return inputs_embeds.to(output.dtype)

    with torch.no_grad():
        plain = reranker.read_logit(reranker.outputs(dict(pair.inputs)))
    inputs_embeds = reranker.embed(pair).clone().requires_grad_(True)  # (1, seq, hidden)
    with reranker.adapter.intercept("word", leaf_of):
        logit = reranker.forward(dict(pair.inputs))
    grad = torch.autograd.grad(logit.sum(), inputs_embeds)[0] if calls else torch.zeros_like(inputs_embeds)
    same = torch.allclose(logit, plain, rtol=0.03 if reranker.half else 1e-5, atol=0.03 if reranker.half else 1e-4)
    problems = {
        f"the embedding layer was called {len(calls)} times instead of once": len(calls) != 1,
        "the score through the embedding hook differs from the plain score": not same,
        "the gradient is not finite or all zero": not bool(torch.isfinite(grad).all() and grad.abs().sum() > 0),
    }
    for problem, found in problems.items():
        if found:
            raise ModelError(f"{reranker.model_id} failed the self-test at load: {problem}.")
    products = grad * inputs_embeds.detach()
    return bool(products.sum().abs() < (1e-2 if reranker.half else 1e-4) * products.abs().sum())
