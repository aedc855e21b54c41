"""Encoder-decoders that answer with their first word: monoT5. The texts are the encoder's, the word the decoder's."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import AutoModelForSeq2SeqLM

from attribution.errors import ModelError
from attribution.rerankers.families.family import Family


def for_first_word(model: Any, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """The decoder has written nothing yet but the token it starts with."""
    start = inputs["input_ids"].new_full((len(inputs["input_ids"]), 1), model.config.decoder_start_token_id)
    return {**inputs, "decoder_input_ids": start, "use_cache": False}


def first_word(output: Any) -> Tensor:
    """`(batch, 1, vocabulary)` -> `(batch, vocabulary)`."""
    logits: Tensor = output.logits
    return logits[:, 0]


def no_head(_model: Any, _states: Tensor) -> Tensor:
    """The decoder stands between the encoder's states and the logits."""
    raise ModelError(
        "The score of an encoder-decoder cannot be read from its encoder's states. Choose an encoder or a decoder."
    )


def _first_word(label: str, examples: str) -> Family:
    return Family(
        label,
        "encoder.embed_tokens",
        "encoder.embed_tokens",
        examples,
        no_head,
        auto_class=AutoModelForSeq2SeqLM,
        columns=first_word,
        prepare=for_first_word,
        prompt=True,
        states=False,
    )


SEQ2SEQ: dict[str, Family] = {
    "T5ForConditionalGeneration": _first_word("T5, first word", "monoT5"),
    "MT5ForConditionalGeneration": _first_word("mT5, first word", "mt5-base-mmarco-v2"),
}
