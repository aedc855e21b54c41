"""Which words made a reranker's score: `explain(load_reranker(), query, document)`."""

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads cost 10x on a shared machine

if TYPE_CHECKING:
    from attribution.audit.audit import audit as audit
    from attribution.errors import AttributionError as AttributionError
    from attribution.evidence.compare.contrast import contrast as contrast
    from attribution.evidence.compare.contrast import rank as rank
    from attribution.evidence.compare.counterfactual import counterfactual as counterfactual
    from attribution.evidence.compare.interaction import interaction as interaction
    from attribution.evidence.compare.passages import contrast_sentences as contrast_sentences
    from attribution.evidence.compare.raising import raise_above as raise_above
    from attribution.evidence.probes.probe import probe as probe
    from attribution.evidence.probes.probe_set import probe_set as probe_set
    from attribution.evidence.sentences import sentences as sentences
    from attribution.explain import explain as explain
    from attribution.methods import METHODS as METHODS
    from attribution.rerankers.loading.load import load_reranker as load_reranker
    from attribution.rerankers.loading.models import MODELS as MODELS

_HOMES = {  # imported when first asked for, so that what only formats results needs no torch
    "AttributionError": "errors",
    "METHODS": "methods",
    "MODELS": "rerankers.loading.models",
    "audit": "audit.audit",
    "contrast": "evidence.compare.contrast",
    "contrast_sentences": "evidence.compare.passages",
    "counterfactual": "evidence.compare.counterfactual",
    "explain": "explain",
    "interaction": "evidence.compare.interaction",
    "load_reranker": "rerankers.loading.load",
    "probe": "evidence.probes.probe",
    "probe_set": "evidence.probes.probe_set",
    "raise_above": "evidence.compare.raising",
    "rank": "evidence.compare.contrast",
    "sentences": "evidence.sentences",
}
__all__ = [*_HOMES]


class _Package(ModuleType):
    """`explain` is the function, also after the import system has bound the module of the same name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
