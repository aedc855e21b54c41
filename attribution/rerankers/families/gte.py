"""The published gte-multilingual files: made for code of their own, read by the library's GTE instead.

Their weights are renamed by transformers itself. Their config is not: it names the class `new` and stretches the
rotary positions by fixed NTK scaling, `theta * f` and every frequency over `f ** (2 / dim)`, as their code does
(Alibaba-NLP/new-impl, modeling.py, NTKScalingRotaryEmbedding without mixed_b; vLLM computes the same).
"""

from __future__ import annotations

from typing import Any

from transformers import GteConfig

from attribution.errors import ModelError

PUBLISHED = "NewForSequenceClassification"
# What their code can do and the library's GTE does not, with the value that asks for it not.
ONLY = {
    "position_embedding_type": "rope",
    "layer_norm_type": "layer_norm",
    "logn_attention_scale": False,
    "pack_qkv": True,
}
NOT_FIELDS = {"auto_map", "model_type", "rope_theta", "rope_scaling", "unpad_inputs", "use_memory_efficient_attention"}


def read_published(config: dict[str, Any], model_id: str) -> GteConfig:
    """The library's config for a published one. Raises `ModelError` for what the library's GTE does not compute."""
    other = [f"{key} = {config[key]!r}" for key, value in ONLY.items() if config.get(key, value) != value]
    scaling = config.get("rope_scaling") or {}
    if scaling and (scaling.get("type", scaling.get("rope_type")) != "ntk" or scaling.get("mixed_b")):
        other.append(f"rope_scaling = {scaling!r}")
    if other:
        raise ModelError(
            f"{model_id} needs code of its own, which this program never runs: {', '.join(other)}. Use a reranker that "
            "needs none."
        )
    factor, dim = float(scaling.get("factor", 1.0)), config["hidden_size"] // config["num_attention_heads"]
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": config.get("rope_theta", 10_000.0) * factor}
    if scaling:
        rope |= {"rope_type": "linear", "factor": factor ** (2 / dim)}  # linear: every frequency divided by it
    fields = {key: value for key, value in config.items() if key not in NOT_FIELDS | ONLY.keys()}
    found: GteConfig = GteConfig.from_dict({**fields, "rope_parameters": rope})
    return found
