"""llama-nemotron-rerank: Llama that attends both ways, its states pooled, a score over a temperature.

Published with code of its own, which is never run; this is its formula (NVIDIA-NeMo/Automodel, llama_bidirectional).
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel

from attribution.errors import ModelError
from attribution.rerankers.families.chain import POOLING
from attribution.rerankers.families.decoders import for_classifier
from attribution.rerankers.families.family import Family

BIDIRECTIONAL = "LlamaBidirectionalForSequenceClassification"
POOLS = {"avg": "mean", "cls": "cls", "last": "lasttoken"}  # their names, ours


def read_bidirectional(config: dict[str, Any], model_id: str) -> LlamaConfig:
    """The library's config, without causal masks. Raises `ModelError` for a pooling that their code does not name."""
    pooling = config.get("pooling", "avg")
    if pooling not in POOLS:
        raise ModelError(f"{model_id} pools by {pooling!r}; its makers' code pools by one of {', '.join(POOLS)}.")
    fields = {key: value for key, value in config.items() if key not in ("auto_map", "model_type")}
    found: LlamaConfig = LlamaConfig.from_dict(
        # the library drops `temperature`, which it knows as a setting of generation
        {**fields, "is_causal": False, "pooling": pooling, "score_temperature": config.get("temperature", 1.0)}
    )
    return found


class BidirectionalLlama(LlamaPreTrainedModel):
    """`model`, then `score` of the pooled states over a temperature."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.model = LlamaModel(config)
        for layer in self.model.layers:
            layer.self_attn.is_causal = False  # the kernels look here where there is no mask
        self.score = nn.Linear(config.hidden_size, config.num_labels, bias=False)
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Any) -> SimpleNamespace:
        """`.logits (batch, labels)`, and whatever states `more` asks for."""
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, **more)
        logits = self.pool(output.last_hidden_state, attention_mask)
        return SimpleNamespace(logits=logits, hidden_states=output.hidden_states, attentions=output.attentions)

    def pool(self, states: Tensor, mask: Tensor) -> Tensor:
        """`states (batch, seq, hidden)` -> `(batch, labels)`."""
        pooled = POOLING[POOLS[self.config.pooling]](states, mask)  # (batch, hidden)
        columns: Tensor = self.score(pooled) / self.config.score_temperature
        return columns


def classify_all(model: Any, states: Tensor) -> Tensor:
    """One pair, which has no padding."""
    columns: Tensor = model.pool(states, torch.ones(states.shape[:2], dtype=torch.long, device=states.device))
    return columns


def positions_pooled(model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """Every position for a mean, else the first or the last."""
    every = list(range(inputs["input_ids"].shape[1]))
    return {"cls": every[:1], "last": every[-1:]}.get(model.config.pooling, every)


BOTH_WAYS: dict[str, Family] = {
    BIDIRECTIONAL: Family(
        "Llama, both ways",
        "model.embed_tokens",
        "model.embed_tokens",
        "llama-nemotron-rerank-1b-v2",
        classify_all,
        final_norm="model.norm",
        auto_class=BidirectionalLlama,
        prepare=for_classifier,
        read_positions=positions_pooled,
        pad_left=True,
        template="llama-nemotron-rerank",
        read_config=read_bidirectional,
    )
}
