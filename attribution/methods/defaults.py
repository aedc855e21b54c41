"""What stored benchmarks say of methods: which are ticked when the page opens, and how often each was the best."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from attribution.methods import METHODS
from attribution.types import Explanation

DOCUMENTED = ("saliency", "embedding_magnitude", "integrated_gradients_captum")
FEW_PASSES = 3
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RESULTS, PASSAGES = BENCHMARKS / "results.json", BENCHMARKS / "passages.json"
COLUMN = "more than random orders"  # of the benchmark's faithfulness table: logits, higher is better
BEST_ON = "best on"  # of the passages' table by words: the share of passages where its words cost most of all methods


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


@dataclass(frozen=True)
class Prior:
    """On `passages` of `shortest` to `longest` words the method's top words cost most on `share` of them, 0 to 1."""

    passages: int
    shortest: int
    longest: int
    share: float


def prior_of(of: Explanation, results: Path = PASSAGES) -> Prior | None:
    """Of the explanation's method, on its model, for a document as long as the passages or longer.

    None for a shorter document, for what was not measured with that model and method on every passage, and where
    nothing is stored, as in an installed package.
    """
    stored = _stored(results)
    shortest, longest = stored.get("words", (0, 0))
    if stored.get("models") != [f"{of.model_id} {of.revision}"] or len(of.document.split()) < shortest:
        return None
    by_label = {row["method"].split(" (")[0]: row for row in stored["tables"][-1]["rows"]}
    row = by_label.get(METHODS[of.method].label, {})
    best = row.get(BEST_ON)
    return Prior(stored["pairs"], shortest, longest, best["mean"]) if best else None


@cache
def _stored(results: Path) -> dict[str, Any]:
    return json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
