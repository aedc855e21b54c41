"""A family = which layers embed a pair and where its logit is read. One row of `FAMILIES` each."""

from __future__ import annotations

from typing import Any

from attribution.errors import ModelError
from attribution.rerankers.families.decoders import DECODERS
from attribution.rerankers.families.encoders import ENCODERS
from attribution.rerankers.families.family import Family

__all__ = ["FAMILIES", "Family", "choose_family"]

# Keyed by `config.architectures[0]`, never by the model's name.
FAMILIES: dict[str, Family] = {**ENCODERS, **DECODERS}


def choose_family(config: Any, model_id: str) -> Family:
    """The family of a checkpoint, from its config. Raises `ModelError` for other architectures."""
    architecture = (getattr(config, "architectures", None) or ["none named"])[0]
    if architecture not in FAMILIES:
        raise ModelError(
            f"{model_id} has the architecture {architecture}, which is not supported. Supported: {', '.join(FAMILIES)}."
        )
    return FAMILIES[architecture]
