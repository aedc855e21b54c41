"""jina-reranker-v2: XLM-RoBERTa in a layout of its own, read into the library's; its makers' code is never run.

The names are those of flash-attn's BERT, with queries, keys and values in one matrix, as transformers itself reads
jina-embeddings-v3. The computation is XLM-RoBERTa's: absolute positions after the padding index, norms behind each sum
(jinaai/jina-reranker-v2-base-multilingual, modeling_xlm_roberta.py).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification
from transformers.modeling_utils import load_state_dict

from attribution.errors import ModelError

# No name in `config.architectures`, which says XLM-RoBERTa's: the class of its config tells the layout.
FLASH = "XLMRobertaFlashForSequenceClassification"
CONFIG_CLASS = "XLMRobertaFlashConfig"
# What their code can do and XLM-RoBERTa does not, with the value that asks for it not.
ONLY: dict[str, Any] = {"position_embedding_type": "absolute", "last_layer_subset": False}
RENAMED = {
    r"emb_ln": "embeddings.LayerNorm",
    r"encoder\.layers": "encoder.layer",
    r"mixer\.out_proj": "attention.output.dense",
    r"norm1": "attention.output.LayerNorm",
    r"mlp\.fc1": "intermediate.dense",
    r"mlp\.fc2": "output.dense",
    r"norm2": "output.LayerNorm",
}
SPLIT = ("query", "key", "value")


def is_flash(config: dict[str, Any]) -> bool:
    """Whether config.json is of jina's layout."""
    return str((config.get("auto_map") or {}).get("AutoConfig")).endswith(CONFIG_CLASS)


def read_flash(config: dict[str, Any], model_id: str) -> XLMRobertaConfig:
    """The library's config. Raises `ModelError` for what XLM-RoBERTa does not compute."""
    other = [f"{key} = {config[key]!r}" for key, value in ONLY.items() if config.get(key, value) != value]
    if other:
        raise ModelError(
            f"{model_id} needs code of its own, which this program never runs: {', '.join(other)}. Use a reranker that "
            "needs none."
        )
    fields = {key: value for key, value in config.items() if key not in ("auto_map", "model_type")}
    found: XLMRobertaConfig = XLMRobertaConfig.from_dict(fields)
    return found


class FlashXLMRoberta:
    """Loads the files as `from_pretrained` does, their weights renamed."""

    @staticmethod
    def from_pretrained(folder: Path, *, use_safetensors: bool, **options: Any) -> tuple[Any, Any]:
        """The model and what was found missing."""
        pattern = "model*.safetensors" if use_safetensors else "pytorch_model*.bin"
        weights: dict[str, Tensor] = {}
        for file in sorted(folder.glob(pattern)):
            weights |= renamed(load_state_dict(file, weights_only=True))
        return XLMRobertaForSequenceClassification.from_pretrained(None, state_dict=weights, **options)


def renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """`weights` under XLM-RoBERTa's names, queries, keys and values apart."""
    found: dict[str, Tensor] = {}
    for name, weight in weights.items():
        for pattern, other in RENAMED.items():
            name = re.sub(rf"\b{pattern}\b", other, name)
        if ".mixer.Wqkv." in name:
            parts = weight.chunk(3)
            found |= {name.replace("mixer.Wqkv", f"attention.self.{p}"): w for p, w in zip(SPLIT, parts, strict=True)}
        else:
            found[name] = weight
    return found
