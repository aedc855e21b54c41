"""What the sections share: the reranker, the pairs, and explanations that are made once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from attribution import METHODS, explain
from attribution.rerankers.reranker import Reranker
from attribution.types import Explanation
from benchmarks.data import Pair

COSTLY = ("shapley", "integrated_gradients_captum")  # too dear for every pair: tables of their own, beside all others
COSTLY_SHARE = 4  # on one pair in so many


@dataclass
class Bench:
    """`pairs`: how many pairs a section may use at most; `minutes`: after so many it begins no new pair.

    `made` holds every explanation so far.
    """

    reranker: Reranker
    folder: Path
    pairs: int
    minutes: float = float("inf")
    methods: tuple[str, ...] = tuple(METHODS)
    made: dict[tuple[Pair, str], Explanation] = field(default_factory=dict)

    def explain(self, pair: Pair, method: str) -> Explanation:
        """The explanation with the method's defaults, made at most once."""
        key = (pair, method)
        if key not in self.made:
            self.made[key] = explain(self.reranker, pair.query, pair.document, method)
        return self.made[key]

    def quick(self) -> list[str]:
        """The methods that run on every pair."""
        return [method for method in self.methods if method not in COSTLY]

    def costly(self) -> list[str]:
        """The others."""
        return [method for method in self.methods if method in COSTLY]

    def progress(self, section: str, pairs: list[Pair]) -> Iterator[tuple[int, Pair]]:
        """The pairs, counted, with a progress bar, until the time is over. The first few are a sample of all."""
        began = time.perf_counter()
        for i, pair in enumerate(tqdm(pairs, desc=section, unit="pair")):
            if i and time.perf_counter() - began > 60 * self.minutes:
                return
            yield i, pair
