"""Models that answer: a decoder's last position by a classifier or as the next token, or an encoder-decoder's word."""

from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from attribution.rerankers.families.chain import classify_pooled, pooled_positions
from attribution.rerankers.families.family import Family, Head
from attribution.rerankers.families.published import BIDIRECTIONAL, BidirectionalLlama, read_bidirectional


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


def for_first_word(model: Any, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """The texts are the encoder's; the decoder has written nothing yet but the token it starts with."""
    start = inputs["input_ids"].new_full((len(inputs["input_ids"]), 1), model.config.decoder_start_token_id)
    return {**inputs, "decoder_input_ids": start, "use_cache": False}


def next_token(output: Any) -> Tensor:
    """`(batch, 1, vocabulary)` -> `(batch, vocabulary)`."""
    return output.logits[:, -1]


def predict_last(model: Any, states: Tensor) -> Tensor:
    """The language model's head on the last position, capped where the model caps it."""
    columns = model.lm_head(states[:, -1])
    cap = getattr(model.config, "final_logit_softcapping", None)
    return columns if cap is None else torch.tanh(columns / cap) * cap


def at_the_last_not_padding(model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """The last position whose id is not the model's padding id, which may be a text's own end."""
    ids = inputs["input_ids"][0]
    real = (ids != model.config.pad_token_id).nonzero()[:, 0]
    return [int(real[-1])] if len(real) else [0]


def _decoder(label: str, examples: str, head: Head, **more: Any) -> Family:
    words = "model.embed_tokens"
    return Family(label, words, words, examples, head, final_norm="model.norm", pad_left=True, **more)


def _classifier(label: str, examples: str) -> Family:
    return _decoder(
        label,
        examples,
        lambda model, states: model.score(states[:, -1]),
        prepare=for_classifier,
        read_positions=at_the_last_not_padding,
    )


def _language_model(label: str, examples: str) -> Family:
    return _decoder(
        f"{label}, next token",
        examples,
        predict_last,
        auto_class=AutoModelForCausalLM,
        columns=next_token,
        prepare=for_next_token,
        read_positions=lambda _model, inputs: [inputs["input_ids"].shape[1] - 1],
        prompt=True,
    )


def _first_word(label: str, examples: str) -> Family:
    return Family(
        f"{label}, first generated word",
        "encoder.embed_tokens",
        "encoder.embed_tokens",
        examples,
        auto_class=AutoModelForSeq2SeqLM,
        columns=next_token,
        prepare=for_first_word,
        prompt=True,
        states=False,
    )


# Keyed by `config.architectures[0]`, never by the model's name.
DECODERS: dict[str, Family] = {
    "Qwen3ForCausalLM": _language_model("Qwen3", "Qwen3-Reranker, zerank, ctxl-rerank-v2"),
    "Qwen2ForCausalLM": _language_model("Qwen2", "mxbai-rerank v2"),
    "LlamaForCausalLM": _language_model("Llama", "rerankers on Llama that answer yes or no"),
    "GemmaForCausalLM": _language_model("Gemma", "bge-reranker-v2-gemma"),
    "Gemma2ForCausalLM": _language_model("Gemma 2", "rerankers on Gemma 2 that answer yes or no"),
    "MistralForCausalLM": _language_model("Mistral", "rerankers on Mistral that answer yes or no"),
    "Qwen3_5ForCausalLM": _language_model("Qwen3.5", "rerankers on Qwen3.5 that answer yes or no"),
    "Gemma3ForCausalLM": _language_model("Gemma 3", "rerankers on Gemma 3 that answer yes or no"),
    "Qwen3ForSequenceClassification": _classifier("Qwen3", "Qwen3-Reranker as a classifier"),
    "Qwen2ForSequenceClassification": _classifier("Qwen2", "mxbai-rerank v2 as a classifier"),
    "LlamaForSequenceClassification": _classifier("Llama", "Llama with a score head"),
    "GemmaForSequenceClassification": _classifier("Gemma", "Gemma with a score head"),
    "Gemma2ForSequenceClassification": _classifier("Gemma 2", "Gemma 2 with a score head"),
    "Gemma3TextForSequenceClassification": _classifier("Gemma 3", "Gemma 3 with a score head"),
    "MistralForSequenceClassification": _classifier("Mistral", "Mistral with a score head"),
    BIDIRECTIONAL: _decoder(
        "Llama, bidirectional",
        "llama-nemotron-rerank-1b-v2",
        classify_pooled,
        auto_class=BidirectionalLlama,
        prepare=for_classifier,
        read_positions=pooled_positions,
        template="llama-nemotron-rerank",
        read_config=read_bidirectional,
    ),
    "T5ForConditionalGeneration": _first_word("T5", "monoT5"),
    "MT5ForConditionalGeneration": _first_word("mT5", "mt5-base-mmarco-v2"),
}
