"""Which methods are ticked when the page opens: three documented ones, and the cheap one measured most faithful."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from attribution.methods import METHODS

DOCUMENTED = ("saliency", "embedding_magnitude", "integrated_gradients_captum")
FEW_PASSES = 3
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results.json"
COLUMN = "more than random orders"  # of the benchmark's faithfulness table: logits, higher is better


def default_methods(results: Path = RESULTS) -> list[str]:
    """Keys of `METHODS`, the dearest last.

    Gradient saliency, its fallback (the control), Captum's integrated gradients, and `most_faithful`. Without stored
    results, as in an installed package, only the three documented defaults.
    """
    best = most_faithful(results)
    return dearest_last([*DOCUMENTED, *([best] if best else [])])


def dearest_last(methods: Iterable[str]) -> list[str]:
    """Those of `methods` that `METHODS` has, in the order to run and show them: methods of few passes first."""
    wanted = set(methods)
    return sorted((key for key in METHODS if key in wanted), key=lambda key: not isinstance(METHODS[key].passes, int))


def most_faithful(results: Path = RESULTS) -> str | None:
    """Of the methods outside `DOCUMENTED` that take at most `FEW_PASSES` passes on any text: the one whose top words
    lower the score most, beyond random words, in the benchmark's first faithfulness table. None if nothing is stored.
    """
    if not results.is_file():
        return None
    tables = json.loads(results.read_text(encoding="utf-8"))["sections"]["faithfulness"]["tables"]
    measured = {row["method"]: row[COLUMN]["mean"] for row in tables[0]["rows"] if row.get(COLUMN)}
    candidates = [
        key
        for key, method in METHODS.items()
        if key not in DOCUMENTED
        and method.label in measured
        and isinstance(method.passes, int)
        and method.passes <= FEW_PASSES
        and not (method.control or method.attention)
    ]
    return max(candidates, key=lambda key: measured[METHODS[key].label], default=None)
