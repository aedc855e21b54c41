"""Chains that sentence-transformers saves: an encoder without a head, pooling, then dense layers; ettin's kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel

from attribution.errors import ModelError
from attribution.rerankers.families.family import Family

Pool = Callable[[Tensor, Tensor], Tensor]  # (states (batch, seq, hidden), mask (batch, seq)) -> (batch, hidden)


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask[:, :, None].to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def _last(states: Tensor, mask: Tensor) -> Tensor:
    last = mask.shape[1] - 1 - mask.flip(1).argmax(1)  # (batch,)
    return states[torch.arange(len(states)), last]


# By the name in 1_Pooling/config.json; what older versions write as a flag of its own is told apart below.
POOLING: dict[str, Pool] = {
    "cls": lambda states, mask: states[torch.arange(len(states)), mask.argmax(1)],
    "mean": _mean,
    "max": lambda states, mask: states.masked_fill(mask[:, :, None] == 0, float("-inf")).amax(1),
    "lasttoken": _last,
}
OLDER = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


class Chain(nn.Module):
    """`transformer`, `pool`, `dense`: the same call as a classifier of transformers, and the same output."""

    def __init__(self, transformer: Any, pooling: str, dense: nn.Sequential, n_labels: int) -> None:
        super().__init__()
        self.transformer, self.pooling, self.dense = transformer, pooling, dense
        self.config = transformer.config
        self.config.num_labels = n_labels

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Any) -> SimpleNamespace:
        """`.logits (batch, labels)`, and whatever states `more` asks for."""
        output = self.transformer(input_ids=input_ids, attention_mask=attention_mask, **more)
        pooled = POOLING[self.pooling](output.last_hidden_state, attention_mask)  # (batch, hidden)
        states = {name: getattr(output, name, None) for name in ("hidden_states", "attentions")}
        return SimpleNamespace(logits=self.dense(pooled), **states)

    def set_attn_implementation(self, implementation: str) -> None:
        """As transformers' own models have it."""
        self.transformer.set_attn_implementation(implementation)

    @classmethod
    def from_pretrained(cls, folder: Path, *, output_loading_info: bool = True, **options: Any) -> tuple[Chain, Any]:
        """The chain in `folder` and what was found missing. Raises `ModelError` for a module it does not know."""
        transformer, loading = AutoModel.from_pretrained(folder, output_loading_info=output_loading_info, **options)
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        pooling, layers, n_labels = "", [], 0
        for module in modules[1:]:
            path, name = folder / module["path"], str(module["type"]).split(".")[-1]
            config = json.loads((path / "config.json").read_text(encoding="utf-8"))
            if name == "Pooling":
                pooling = _pooling(config, folder)
            elif name != "Dropout":
                layers.append(_layer(name, config, path))
                n_labels = config.get("out_features", n_labels)
        return cls(transformer, pooling, nn.Sequential(*layers), n_labels), loading


def _pooling(config: dict[str, Any], folder: Path) -> str:
    modes = config.get("pooling_mode") or [name for name, flag in OLDER.items() if config.get(flag)]
    modes = [modes] if isinstance(modes, str) else modes
    if len(modes) != 1 or modes[0] not in POOLING or config.get("include_prompt") is False:
        raise ModelError(
            f"{folder} pools by {', '.join(modes) or 'no rule that is known'}"
            f"{', its prompt left out' if config.get('include_prompt') is False else ''}; this program pools by one of "
            f"{', '.join(POOLING)}, with the prompt. Choose another checkpoint."
        )
    return str(modes[0])


def _layer(name: str, config: dict[str, Any], path: Path) -> nn.Module:
    weights = load_file(path / "model.safetensors")
    if name == "LayerNorm":
        layer: nn.Module = nn.LayerNorm(config["dimension"])
        layer.load_state_dict({key.removeprefix("norm."): value.float() for key, value in weights.items()})
        return layer
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    kind = getattr(nn, activation.split(".")[-1], None) if activation.startswith("torch.nn.") else None
    if config.get("use_residual") or not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ModelError(
            f"{path} is a dense layer {'with a residual' if kind else f'with {activation}'}, which this program does "
            "not follow. Choose another checkpoint."
        )
    layer = nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    layer.load_state_dict({key.removeprefix("linear."): value.float() for key, value in weights.items()})
    return nn.Sequential(layer, kind())


def classify_pooled(model: Any, states: Tensor) -> Tensor:
    """Pooling and dense layers over one pair, which has no padding."""
    pooled = POOLING[model.pooling](states, torch.ones(states.shape[:2], dtype=torch.long, device=states.device))
    columns: Tensor = model.dense(pooled)
    return columns


def pooled_positions(model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """One position, or all where the pooling takes a mean or a maximum."""
    every = list(range(inputs["input_ids"].shape[1]))
    return {"cls": every[:1], "lasttoken": every[-1:]}.get(model.pooling, every)


def chain_over(row: Family, architecture: str) -> Family:
    """The family of a chain whose encoder is that of `row`, a classifier's."""

    def inside(path: str) -> str:
        return f"transformer.{path.partition('.')[2]}"

    return Family(
        f"sentence-transformers chain on {row.label}",
        inside(row.word_embeddings),
        inside(row.embeddings),
        architecture,
        classify_pooled,
        final_norm=inside(row.final_norm) if row.final_norm else None,
        auto_class=Chain,
        read_positions=pooled_positions,
        pad_left=row.pad_left,
        offset_positions=row.offset_positions,
    )
