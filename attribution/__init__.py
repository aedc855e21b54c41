"""Which words made a reranker's score: `explain(load_reranker(), query, document)`."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads cost 10x on a shared machine

from attribution.errors import AttributionError
from attribution.evidence.compare import contrast, rank
from attribution.evidence.counterfactual import counterfactual
from attribution.evidence.interaction import interaction
from attribution.explain import explain
from attribution.methods import METHODS
from attribution.rerankers.loading import load_reranker
from attribution.rerankers.models import MODELS

__all__ = [
    "METHODS",
    "MODELS",
    "AttributionError",
    "contrast",
    "counterfactual",
    "explain",
    "interaction",
    "load_reranker",
    "rank",
]
