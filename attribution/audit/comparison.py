"""Two audits of the same queries: which are won, which lost, and whether chance would do as much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attribution.audit.statistics import mean_intervals, randomisation_p
from attribution.errors import InputError

SAME = 1e-9


@dataclass(frozen=True)
class Change:
    """One query's measure in the first audit and in the second."""

    id: str
    query: str
    first: float
    second: float


@dataclass(frozen=True)
class Comparison:
    """The second audit beside the first, over the `n` queries that both have.

    `difference`: the second's mean minus the first's, with its 95 % bootstrap interval over queries. `p`: two-sided
    paired randomisation test. `won`, `lost`, `tied`: queries, as the second has them. `changes`: the queries that are
    not tied, the worst loss first. `only`: how many queries one of the two has alone.
    """

    measure: str
    first: str
    second: str
    n: int
    difference: float
    low: float
    high: float
    p: float
    won: int
    lost: int
    tied: int
    changes: tuple[Change, ...]
    only: int

    @property
    def fell(self) -> bool:
        """Is the second lower, by more than the interval of the difference?"""
        return self.high < 0


def compare(
    names: tuple[str, str],
    measure: str,
    first: Mapping[str, float],
    second: Mapping[str, float],
    queries: Mapping[str, str],
    seed: int,
) -> Comparison:
    """`first`, `second`: query id -> value of `measure`; `queries`: their texts. Raises `InputError`."""
    both = [key for key in second if key in first]
    if not both:
        raise InputError("The two audits have no query id in common. Give audits of the same judged set.")
    differences = np.array([second[key] - first[key] for key in both])
    moved = np.sign(np.where(np.abs(differences) < SAME, 0.0, differences))
    changes = [
        Change(key, queries.get(key, ""), first[key], second[key])
        for key, sign in zip(both, moved, strict=True)
        if sign
    ]
    difference, low, high = mean_intervals(differences[:, None], seed)[0].tolist()
    return Comparison(
        measure=measure,
        first=names[0],
        second=names[1],
        n=len(both),
        difference=difference,
        low=low,
        high=high,
        p=randomisation_p(differences, seed),
        won=int((moved > 0).sum()),
        lost=int((moved < 0).sum()),
        tied=int((moved == 0).sum()),
        changes=tuple(sorted(changes, key=lambda change: change.second - change.first)),
        only=len(first.keys() ^ second.keys()),
    )
