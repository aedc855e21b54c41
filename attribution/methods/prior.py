"""How often a method was the best one on passages, of what the benchmark has stored: a prior to one text's verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from attribution.methods import METHODS
from attribution.types import Explanation

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "passages.json"
COLUMN = "best on"  # of the table by words: the share of passages where its words cost most of all methods


@dataclass(frozen=True)
class Prior:
    """On `passages` of `shortest` to `longest` words the method's top words cost most on `share` of them, 0 to 1."""

    passages: int
    shortest: int
    longest: int
    share: float


def prior_of(of: Explanation, results: Path = RESULTS) -> Prior | None:
    """Of the explanation's method, on its model, for a document as long as the passages or longer.

    None for a shorter document, for what was not measured with that model and method on every passage, and where
    nothing is stored, as in an installed package.
    """
    stored = _read(results)
    shortest, longest = stored.get("words", (0, 0))
    if stored.get("models") != [f"{of.model_id} {of.revision}"] or len(of.document.split()) < shortest:
        return None
    by_label = {row["method"].split(" (")[0]: row for row in stored["tables"][-1]["rows"]}
    row = by_label.get(METHODS[of.method].label, {})
    best = row.get(COLUMN)
    return Prior(stored["pairs"], shortest, longest, best["mean"]) if best else None


@cache
def _read(results: Path) -> dict[str, Any]:
    return json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
