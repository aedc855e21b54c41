"""Layouts published with code of their own, which is never run: read into the library's classes, or by their formula.

The weights of gte-multilingual are renamed by transformers itself. Its config is not: it names the class `new` and
stretches the rotary positions by fixed NTK scaling, `theta * f` and every frequency over `f ** (2 / dim)`
(Alibaba-NLP/new-impl, modeling.py, NTKScalingRotaryEmbedding without mixed_b; vLLM computes the same).

jina-reranker-v2 has the names of flash-attn's BERT, with queries, keys and values in one matrix, as transformers reads
jina-embeddings-v3. The computation is XLM-RoBERTa's: absolute positions after the padding index, norms behind each sum
(jinaai/jina-reranker-v2-base-multilingual, modeling_xlm_roberta.py).

llama-nemotron-rerank is a Llama that attends both ways, its states pooled, a score over a temperature
(NVIDIA-NeMo/Automodel, llama_bidirectional).
"""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import transformers
from torch import Tensor, nn
from transformers.modeling_utils import load_state_dict

from attribution.errors import ModelError
from attribution.rerankers.families.chain import POOLING

GTE = "NewForSequenceClassification"
BIDIRECTIONAL = "LlamaBidirectionalForSequenceClassification"
# No name in `config.architectures`, which says XLM-RoBERTa's: the class of its config tells the layout.
FLASH = "XLMRobertaFlashForSequenceClassification"
# What their code can do and the library's class does not, with the value that asks for it not.
ONLY_GTE = {
    "position_embedding_type": "rope",
    "layer_norm_type": "layer_norm",
    "logn_attention_scale": False,
    "pack_qkv": True,
}
ONLY_FLASH = {"position_embedding_type": "absolute", "last_layer_subset": False}
ROPE = ("rope_theta", "rope_scaling", "rope_parameters")
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
POOLS = {"avg": "mean", "cls": "cls", "last": "lasttoken"}  # their names, ours


def _fields(config: dict[str, Any], *others: str) -> dict[str, Any]:
    """Without what only their code reads."""
    return {key: value for key, value in config.items() if key not in ("auto_map", "model_type", *others)}


def _refuse(model_id: str, config: dict[str, Any], only: dict[str, Any], *more: str) -> None:
    other = [f"{key} = {config[key]!r}" for key, value in only.items() if config.get(key, value) != value] + [*more]
    if other:
        raise ModelError(
            f"{model_id} needs code of its own, which this program never runs: {', '.join(other)}. Use a reranker that "
            "needs none."
        )


def read_published(config: dict[str, Any], model_id: str) -> transformers.GteConfig:
    """The library's config for a published one. Raises `ModelError` for what the library's GTE does not compute.

    Saved again by transformers 5, `rope_parameters` hold both the theta and the scaling.
    """
    rope, is_ntk = _rope(config)
    kind = rope.get("type") or rope.get("rope_type") or "default"
    named = "rope_parameters" if config.get("rope_parameters") else "rope_scaling"
    unknown = kind not in ("default", "ntk") or rope.get("mixed_b")
    _refuse(model_id, config, ONLY_GTE, *([f"{named} = {rope!r}"] if unknown else []))
    theta = float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0)
    stretched = {"rope_type": "default", "rope_theta": theta}
    if is_ntk:
        factor, dim = float(rope.get("factor", 1.0)), config["hidden_size"] // config["num_attention_heads"]
        linear = factor ** (2 / dim)  # every frequency is divided by it
        stretched = {"rope_type": "linear", "factor": linear, "rope_theta": theta * factor}
    fields = _fields(config, *ONLY_GTE, *ROPE, "unpad_inputs", "use_memory_efficient_attention")
    return transformers.GteConfig.from_dict({**fields, "rope_parameters": stretched})


def read_saved(config: dict[str, Any], model_id: str) -> transformers.GteConfig:
    """A config of the library's own, in which NTK scaling may have stayed as their code has it."""
    return read_published(config, model_id) if _rope(config)[1] else transformers.GteConfig.from_dict(config)


def _rope(config: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """What is said of the rotary positions, and whether they are stretched by NTK scaling."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return rope, "ntk" in (rope.get("type"), rope.get("rope_type"))


def read_eurobert(config: dict[str, Any], model_id: str) -> transformers.EuroBertConfig:
    """EuroBERT's own code calls the pooling `clf_pooling`, the library `classifier_pooling`. Raises `ModelError`."""
    named = [config[key] for key in ("clf_pooling", "classifier_pooling") if key in config]
    if len(set(named)) > 1 or not set(named) <= {"bos", "mean", "late"}:
        raise ModelError(
            f"{model_id} pools by {' and by '.join(map(repr, named))} in its config.json; EuroBERT pools by one of "
            "bos, mean, late. Leave the one that it was trained with, as classifier_pooling."
        )
    fields = _fields(config, "clf_pooling") | {"classifier_pooling": (*named, "late")[0]}
    return transformers.EuroBertConfig.from_dict(fields)


def is_flash(config: dict[str, Any]) -> bool:
    """Whether config.json is of jina's layout."""
    return str((config.get("auto_map") or {}).get("AutoConfig")).endswith("XLMRobertaFlashConfig")


def read_flash(config: dict[str, Any], model_id: str) -> transformers.XLMRobertaConfig:
    """The library's config. Raises `ModelError` for what XLM-RoBERTa does not compute."""
    _refuse(model_id, config, ONLY_FLASH)
    return transformers.XLMRobertaConfig.from_dict(_fields(config))


class FlashXLMRoberta:
    """Loads jina's files as `from_pretrained` does, their weights renamed."""

    @staticmethod
    def from_pretrained(folder: Path, *, use_safetensors: bool, **options: Any) -> tuple[Any, Any]:
        """The model and what was found missing."""
        pattern = "model*.safetensors" if use_safetensors else "pytorch_model*.bin"
        weights: dict[str, Tensor] = {}
        for file in sorted(folder.glob(pattern)):
            weights |= renamed(load_state_dict(file, weights_only=True))
        return transformers.XLMRobertaForSequenceClassification.from_pretrained(None, state_dict=weights, **options)


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


def read_bidirectional(config: dict[str, Any], model_id: str) -> transformers.LlamaConfig:
    """The library's config, without causal masks. Raises `ModelError` for a pooling that their code does not name."""
    pooling = config.get("pooling", "avg")
    if pooling not in POOLS:
        raise ModelError(f"{model_id} pools by {pooling!r}; its makers' code pools by one of {', '.join(POOLS)}.")
    # the library drops `temperature`, which it knows as a setting of generation
    more = {"is_causal": False, "pooling": pooling, "score_temperature": config.get("temperature", 1.0)}
    return transformers.LlamaConfig.from_dict(_fields(config) | more)


class BidirectionalLlama(transformers.LlamaPreTrainedModel):
    """`model`, then `score` of the pooled states over a temperature."""

    def __init__(self, config: transformers.LlamaConfig) -> None:
        super().__init__(config)
        self.model, self.poolings = transformers.LlamaModel(config), [POOLS[config.pooling]]
        for layer in self.model.layers:
            layer.self_attn.is_causal = False  # the kernels look here where there is no mask
        self.score = nn.Linear(config.hidden_size, config.num_labels, bias=False)
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Any) -> SimpleNamespace:
        """`.logits (batch, labels)`, and whatever states `more` asks for."""
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, **more)
        logits = self.scores(output.last_hidden_state, attention_mask)
        return SimpleNamespace(logits=logits, hidden_states=output.hidden_states, attentions=output.attentions)

    def scores(self, states: Tensor, mask: Tensor) -> Tensor:
        """`states (batch, seq, hidden)` -> `(batch, labels)`."""
        pooled = POOLING[self.poolings[0]](states, mask)  # (batch, hidden)
        return self.score(pooled) / self.config.score_temperature
