"""Tiny checkpoints rewritten as their makers publish them: names, config and positions of code of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Publish = Callable[[Path], Path]


def rewrite(folder: Path, config: Callable[[dict[str, Any]], dict[str, Any]], weights: dict[str, Tensor]) -> Path:
    """`folder` with another config.json and other weights."""
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config(settings)))
    return folder


def publish_gte(folder: Path) -> Path:
    """The same weights as the gte-multilingual files are published: names, config and positions of their own code."""
    weights = load_file(folder / "model.safetensors")
    save_file({key.replace("gte.", "new.", 1): value for key, value in weights.items()}, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    del config["rope_parameters"]
    config |= {"architectures": ["NewForSequenceClassification"], "model_type": "new", "pack_qkv": True}
    config |= {"auto_map": {"AutoModelForSequenceClassification": "modeling.NewForSequenceClassification"}}
    config |= {"rope_theta": 20000, "rope_scaling": {"type": "ntk", "factor": 8.0}, "position_embedding_type": "rope"}
    config |= {"layer_norm_type": "layer_norm", "logn_attention_scale": False, "unpad_inputs": False}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def publish_jina(folder: Path) -> Path:
    """As jina-reranker-v2: flash-attn's names, queries, keys and values in one matrix, no model_type."""
    names = {
        "embeddings.LayerNorm": "emb_ln",
        "encoder.layer.": "encoder.layers.",
        "attention.output.dense": "mixer.out_proj",
        "attention.output.LayerNorm": "norm1",
        "intermediate.dense": "mlp.fc1",
        ".output.dense": ".mlp.fc2",
        ".output.LayerNorm": ".norm2",
    }
    given, found = load_file(folder / "model.safetensors"), {}
    for name, weight in given.items():
        if ".self.query." in name:
            parts = [given[name.replace("query", part)] for part in ("query", "key", "value")]
            name, weight = name.replace("attention.self.query", "mixer.Wqkv"), torch.cat(parts)
        if ".self." not in name:
            for theirs, other in names.items():
                name = name.replace(theirs, other)
            found[name] = weight
    code = "configuration_xlm_roberta.XLMRobertaFlashConfig"
    more = {"auto_map": {"AutoConfig": code}, "use_flash_attn": True, "position_embedding_type": "absolute"}
    return rewrite(folder, lambda config: {k: v for k, v in config.items() if k != "model_type"} | more, found)


def publish_bidirectional(folder: Path) -> Path:
    """As llama-nemotron-rerank: Llama with a score head, a pooling and a temperature."""
    name = "LlamaBidirectionalForSequenceClassification"
    more = {"architectures": [name], "model_type": "llama_bidirec", "pooling": "avg", "temperature": 0.2}
    more["auto_map"] = {"AutoConfig": "llama_bidirectional_model.LlamaBidirectionalConfig"}
    return rewrite(folder, lambda config: config | more, load_file(folder / "model.safetensors"))


# The architecture, or our name of the layout, the one that its weights are of, and how it is published.
PUBLISHED: dict[str, tuple[str, Publish]] = {
    "NewForSequenceClassification": ("GteForSequenceClassification", publish_gte),
    "XLMRobertaFlashForSequenceClassification": ("XLMRobertaForSequenceClassification", publish_jina),
    "LlamaBidirectionalForSequenceClassification": ("LlamaForSequenceClassification", publish_bidirectional),
}
