"""Decoders: the last position is read, by a classifier or as the next token's logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from attribution.rerankers.families.family import Family


def left_padded(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every row's real tokens at its end, in their order, wherever the padding was."""
    mask = inputs["attention_mask"]  # (batch, seq)
    if mask[:, -1].all():
        return inputs
    order = mask.argsort(dim=1, stable=True)  # padding first
    return {name: value.gather(1, order) for name, value in inputs.items()}


def for_classifier(_model: Any, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """The classifier reads the last token that is not the model's padding id; no cache is kept."""
    return {**left_padded(inputs), "use_cache": False}


def for_next_token(_model: Any, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """Logits of the last position alone: of all of them, 2,048 tokens and 152,000 words take 1.2 GB a forward."""
    return {**left_padded(inputs), "use_cache": False, "logits_to_keep": 1}


def next_token(output: Any) -> Tensor:
    """`(batch, 1, vocabulary)` -> `(batch, vocabulary)`."""
    logits: Tensor = output.logits
    return logits[:, -1]


def classify_last(model: Any, states: Tensor) -> Tensor:
    """`score` on the last position that is read."""
    columns: Tensor = model.score(states[:, -1])
    return columns


def predict_last(model: Any, states: Tensor) -> Tensor:
    """The language model's head on the last position, capped where the model caps it."""
    columns: Tensor = model.lm_head(states[:, -1])
    cap = getattr(model.config, "final_logit_softcapping", None)
    return columns if cap is None else torch.tanh(columns / cap) * cap


def at_the_last(_model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """The last position."""
    return [inputs["input_ids"].shape[1] - 1]


def at_the_last_not_padding(model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """The last position whose id is not the model's padding id, which may be a text's own end."""
    ids = inputs["input_ids"][0]
    real = (ids != model.config.pad_token_id).nonzero()[:, 0]
    return [int(real[-1])] if len(real) else [0]


def _classifier(label: str, examples: str) -> Family:
    return Family(
        label,
        "model.embed_tokens",
        "model.embed_tokens",
        examples,
        classify_last,
        final_norm="model.norm",
        prepare=for_classifier,
        read_positions=at_the_last_not_padding,
        pad_left=True,
    )


def _language_model(label: str, examples: str) -> Family:
    return Family(
        label,
        "model.embed_tokens",
        "model.embed_tokens",
        examples,
        predict_last,
        final_norm="model.norm",
        auto_class=AutoModelForCausalLM,
        columns=next_token,
        prepare=for_next_token,
        read_positions=at_the_last,
        pad_left=True,
        prompt=True,
    )


DECODERS: dict[str, Family] = {
    "Qwen3ForCausalLM": _language_model("Qwen3, next token", "Qwen3-Reranker, zerank, ctxl-rerank-v2"),
    "Qwen2ForCausalLM": _language_model("Qwen2, next token", "mxbai-rerank v2"),
    "LlamaForCausalLM": _language_model("Llama, next token", "rerankers on Llama that answer yes or no"),
    "GemmaForCausalLM": _language_model("Gemma, next token", "bge-reranker-v2-gemma"),
    "Gemma2ForCausalLM": _language_model("Gemma 2, next token", "rerankers on Gemma 2 that answer yes or no"),
    "MistralForCausalLM": _language_model("Mistral, next token", "rerankers on Mistral that answer yes or no"),
    "Qwen3_5ForCausalLM": _language_model("Qwen3.5, next token", "rerankers on Qwen3.5 that answer yes or no"),
    "Gemma3ForCausalLM": _language_model("Gemma 3, next token", "rerankers on Gemma 3 that answer yes or no"),
    "Qwen3ForSequenceClassification": _classifier("Qwen3", "Qwen3-Reranker as a classifier"),
    "Qwen2ForSequenceClassification": _classifier("Qwen2", "mxbai-rerank v2 as a classifier"),
    "LlamaForSequenceClassification": _classifier("Llama", "Llama with a score head"),
    "GemmaForSequenceClassification": _classifier("Gemma", "Gemma with a score head"),
    "Gemma2ForSequenceClassification": _classifier("Gemma 2", "Gemma 2 with a score head"),
    "Gemma3TextForSequenceClassification": _classifier("Gemma 3", "Gemma 3 with a score head"),
    "MistralForSequenceClassification": _classifier("Mistral", "Mistral with a score head"),
}
