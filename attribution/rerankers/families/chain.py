"""Chains that sentence-transformers saves: a model without a head, then modules that read and write named values.

Most are pooling and dense layers, one after the other (ettin's kind); a dense layer may stand before the pooling.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel

from attribution.errors import ModelError
from attribution.rerankers.families.family import Family

TOKENS, POOLED, SCORES = "token_embeddings", "sentence_embedding", "scores"  # names of sentence-transformers
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
OLDER = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "lasttoken": "lasttoken"}


class Step(nn.Module):
    """One module of a chain: it reads one value by name and writes another, or the same anew."""

    def __init__(
        self, reads: str, writes: str, layer: Callable[[Tensor], Tensor] | None = None, pooling: str = ""
    ) -> None:
        super().__init__()
        self.reads, self.writes, self.layer, self.pooling = reads, writes, layer, pooling

    def forward(self, value: Tensor, mask: Tensor) -> Tensor:
        """`value (batch, hidden)`, or `(batch, seq, hidden)` before pooling; `mask (batch, seq)`."""
        return POOLING[self.pooling](value, mask) if self.layer is None else self.layer(value)


class Chain(nn.Module):
    """`transformer`, then `steps`: the same call as a classifier of transformers, and the same output."""

    def __init__(self, transformer: Any, output: str, steps: Sequence[Step], n_labels: int) -> None:
        super().__init__()
        self.transformer, self.output, self.steps = transformer, output, nn.ModuleList(steps)
        self.poolings = [step.pooling for step in steps if step.pooling]
        self.config = transformer.config
        self.config.num_labels = n_labels

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Any) -> SimpleNamespace:
        """`.logits (batch, labels)`, and whatever states `more` asks for."""
        output = self.transformer(input_ids=input_ids, attention_mask=attention_mask, **more)
        states = {name: getattr(output, name, None) for name in ("hidden_states", "attentions")}
        return SimpleNamespace(logits=self.scores(output.last_hidden_state, attention_mask), **states)

    def scores(self, states: Tensor, mask: Tensor) -> Tensor:
        """`states (batch, seq, hidden)` through every step: `(batch, labels)`."""
        values = {self.output: states}
        step: Any
        for step in self.steps:
            values[step.writes] = step(values[step.reads], mask)
        return values[SCORES]

    def set_attn_implementation(self, implementation: str) -> None:
        """As transformers' own models have it."""
        self.transformer.set_attn_implementation(implementation)

    @classmethod
    def from_pretrained(cls, folder: Path, *, dtype: torch.dtype, **options: Any) -> tuple[Chain, Any]:
        """The chain in `folder` and what was found missing. Raises `ModelError` for a module it does not know."""
        transformer, loading = AutoModel.from_pretrained(folder, dtype=dtype, **options)
        steps, n_labels = [], 0
        for module in json_in(folder / "modules.json")[1:]:
            path, name = folder / module["path"], str(module["type"]).split(".")[-1]
            config = json_in(path / "config.json")
            if name != "Dropout":
                steps.append(_step(name, config, path, folder))
            if name == "Dense" and steps[-1].writes == SCORES:
                n_labels = config["out_features"]
        own = json_in(folder / "sentence_bert_config.json")
        named = own.get("module_output_name") if "modality_config" in own else None
        output = str(named or TOKENS)  # what the states are called
        _check_names(output, steps, folder)
        return cls(transformer, output, steps, n_labels).to(dtype), loading


def json_in(path: Path) -> Any:
    """What a file of JSON holds; {} where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _check_names(output: str, steps: Sequence[Step], folder: Path) -> None:
    """Raises `ModelError` for a chain in which a name is read before it is written, or whose end is no score."""
    pooled = {output: False}
    for step in steps:
        if step.reads not in pooled or (step.pooling and pooled[step.reads]):
            raise ModelError(
                f"{folder} has a module that reads {step.reads!r}, where the modules before it write only "
                f"{', '.join(map(repr, pooled))}. Save the checkpoint again with sentence-transformers."
            )
        pooled[step.writes] = bool(step.pooling) or pooled[step.reads]
    if not pooled.get(SCORES):
        raise ModelError(
            f"{folder} has modules that write no {SCORES!r} after pooling, so sentence-transformers gives it no score. "
            f"Save it with a last Dense whose module_output_name is {SCORES!r}."
        )


def _step(name: str, config: dict[str, Any], path: Path, folder: Path) -> Step:
    if name == "Pooling":
        return Step(TOKENS, POOLED, pooling=pooling_of(config, folder))
    if name == "LayerNorm":
        return Step(POOLED, POOLED, layer_of(name, config, path))
    reads = str(config.get("module_input_name") or POOLED)
    return Step(reads, str(config.get("module_output_name") or reads), layer_of(name, config, path))


def pooling_of(config: dict[str, Any], folder: Path) -> str:
    """The key of `POOLING` that 1_Pooling's config names. Raises `ModelError` unless it is one, with the prompt."""
    modes = config.get("pooling_mode") or [name for name, flag in OLDER.items() if config.get(f"pooling_mode_{flag}")]
    modes = [modes] if isinstance(modes, str) else modes
    if len(modes) != 1 or modes[0] not in POOLING or config.get("include_prompt") is False:
        raise ModelError(
            f"{folder} pools by {', '.join(modes) or 'no rule that is known'}"
            f"{', its prompt left out' if config.get('include_prompt') is False else ''}; this program pools by one of "
            f"{', '.join(POOLING)}, with the prompt. Choose another checkpoint."
        )
    return str(modes[0])


def layer_of(name: str, config: dict[str, Any], path: Path) -> Callable[[Tensor], Tensor]:
    """What a module after the pooling computes, its weights read from `path`. Raises `ModelError`."""
    if name == "Normalize":
        return partial(nn.functional.normalize, dim=-1)
    safe, older = path / "model.safetensors", path / "pytorch_model.bin"  # only weights are read, no code
    weights = load_file(safe) if safe.is_file() else torch.load(older, map_location="cpu", weights_only=True)
    weights = {key.removeprefix("norm.").removeprefix("linear."): value.float() for key, value in weights.items()}
    if name == "LayerNorm":
        norm = nn.LayerNorm(config["dimension"])
        norm.load_state_dict(weights)
        return norm
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    kind = getattr(nn, activation.split(".")[-1], None) if activation.startswith("torch.nn.") else None
    if config.get("use_residual") or not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ModelError(
            f"{path} is a dense layer {'with a residual' if kind else f'with {activation}'}, which this program does "
            "not follow. Choose another checkpoint."
        )
    layer = nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    layer.load_state_dict(weights)
    return nn.Sequential(layer, kind())


def classify_pooled(model: Any, states: Tensor) -> Tensor:
    """`model.scores` of one pair, which has no padding."""
    return model.scores(states, torch.ones(states.shape[:2], dtype=torch.long, device=states.device))


def pooled_positions(model: Any, inputs: dict[str, Tensor]) -> list[int]:
    """One position, or all where one of `model.poolings` takes a mean or a maximum."""
    every = list(range(inputs["input_ids"].shape[1]))
    read = [{"cls": every[:1], "lasttoken": every[-1:]}.get(pooling, every) for pooling in model.poolings]
    return sorted({position for positions in read for position in positions})


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
