"""What the sections share: the reranker, the pairs, and explanations that are made once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from attribution import METHODS, explain
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from benchmarks.data import Pair

# Two methods cost too much for every pair; the rest of their table's row is over the first ones.
LIMITS = {"shapley": 20, "integrated_gradients_captum": 20}


@dataclass
class Bench:
    """`pairs`: how many pairs a section may use at most; `made` holds every explanation so far."""

    reranker: Reranker
    folder: Path
    pairs: int
    methods: tuple[str, ...] = tuple(METHODS)
    made: dict[tuple[Pair, str], Explanation] = field(default_factory=dict)

    def explain(self, pair: Pair, method: str) -> Explanation:
        """The explanation with the method's defaults, made at most once."""
        key = (pair, method)
        if key not in self.made:
            self.made[key] = explain(self.reranker, pair.query, pair.document, method)
        return self.made[key]

    def explain_all(self, pair: Pair, i: int) -> dict[str, Explanation]:
        """All methods for the `i`-th pair, but for those whose limit is reached."""
        return {method: self.explain(pair, method) for method in self.methods if i < LIMITS.get(method, i + 1)}

    def quick(self) -> list[str]:
        """The methods without a limit."""
        return [method for method in self.methods if method not in LIMITS]

    def progress(self, section: str, pairs: list[Pair]) -> Iterator[tuple[int, Pair]]:
        """The pairs, counted, with a progress bar."""
        yield from enumerate(tqdm(pairs, desc=section, unit="pair"))
