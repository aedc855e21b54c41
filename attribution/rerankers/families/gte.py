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
NOT_FIELDS = {"auto_map", "model_type", "rope_theta", "rope_scaling", "rope_parameters"}
NOT_FIELDS |= {"unpad_inputs", "use_memory_efficient_attention"}


def read_published(config: dict[str, Any], model_id: str) -> GteConfig:
    """The library's config for a published one. Raises `ModelError` for what the library's GTE does not compute.

    Saved again by transformers 5, `rope_parameters` hold both the theta and the scaling.
    """
    other = [f"{key} = {config[key]!r}" for key, value in ONLY.items() if config.get(key, value) != value]
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("type") or rope.get("rope_type") or "default"
    if kind not in ("default", "ntk") or rope.get("mixed_b"):
        other.append(f"{'rope_parameters' if config.get('rope_parameters') else 'rope_scaling'} = {rope!r}")
    if other:
        raise ModelError(
            f"{model_id} needs code of its own, which this program never runs: {', '.join(other)}. Use a reranker that "
            "needs none."
        )
    theta = float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0)
    fields = {key: value for key, value in config.items() if key not in NOT_FIELDS | ONLY.keys()}
    found: GteConfig = GteConfig.from_dict({**fields, "rope_parameters": _stretched(config, rope, theta)})
    return found


def read_saved(config: dict[str, Any], model_id: str) -> GteConfig:
    """A config of the library's own, in which NTK scaling may have stayed as their code has it."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if "ntk" in (rope.get("type"), rope.get("rope_type")):
        return read_published(config, model_id)
    found: GteConfig = GteConfig.from_dict(config)
    return found


def _stretched(config: dict[str, Any], rope: dict[str, Any], theta: float) -> dict[str, Any]:
    if "ntk" not in (rope.get("type"), rope.get("rope_type")):
        return {"rope_type": "default", "rope_theta": theta}
    factor, dim = float(rope.get("factor", 1.0)), config["hidden_size"] // config["num_attention_heads"]
    linear = factor ** (2 / dim)  # every frequency is divided by it
    return {"rope_type": "linear", "factor": linear, "rope_theta": theta * factor}
