"""Which words made a reranker's score: `explain(load_reranker(), query, document)`."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads cost 10x on a shared machine

from attribution.errors import AttributionError
from attribution.explain import explain
from attribution.methods import METHODS
from attribution.rerankers.loading import load_reranker
from attribution.rerankers.models import MODELS

__all__ = ["METHODS", "MODELS", "AttributionError", "explain", "load_reranker"]
