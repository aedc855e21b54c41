"""What the endpoints can be asked for: rerankers and methods."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from attribution.explain import options_of
from attribution.methods import METHODS
from attribution.rerankers.loading.models import MODELS, Checkpoint
from interface.programs.endpoints import endpoint


@endpoint()
def models() -> dict[str, Any]:
    """List the rerankers on offer, and the methods that can explain them with the options of each.

    Returns:
        models: key, label, licence, languages and size of each; methods: key, label, what it says, whether it has a
        sign, adds up, or is a control, and its options.
    """
    methods = [
        {
            "key": key,
            "label": method.label,
            "says": method.says,
            "signed": method.signed,
            "complete": method.complete,
            "control": method.control,
            "passes": method.cost,
            "options": [*options_of(key)],
        }
        for key, method in METHODS.items()
    ]
    return {"models": [{"key": key, **_about(checkpoint)} for key, checkpoint in MODELS.items()], "methods": methods}


def _about(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a visitor may know: all but the path, which may be one of this machine."""
    return {name: value for name, value in asdict(checkpoint).items() if name != "path"}
