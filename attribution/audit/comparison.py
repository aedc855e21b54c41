"""Two audits of the same queries: which are won, which lost, and whether chance would do as much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice

import numpy as np

from attribution.audit.audit import Audit
from attribution.audit.failures import Case
from attribution.audit.reading import Why, contrast_of, why
from attribution.audit.statistics import mean_intervals, randomisation_p
from attribution.errors import InputError
from attribution.rerankers.reranker import Reranker

SAME = 1e-9
N_REVERSALS = 20


@dataclass(frozen=True)
class Change:
    """One query's measure in the first audit and in the second."""

    id: str
    query: str
    first: float
    second: float


@dataclass(frozen=True)
class Reversal:
    """A failure of one model whose two texts the other puts in order: `right_in` is "first" or "second".

    `first`, `second`: the wrong one's logit minus the right one's in either model, by sentences.
    """

    id: str
    query: str
    wrong: str
    right: str
    right_in: str
    first: Why
    second: Why


@dataclass(frozen=True)
class Comparison:
    """The second audit beside the first, over the `n` queries that both have.

    `difference`: the second's mean minus the first's, with its 95 % bootstrap interval over queries. `p`: two-sided
    paired randomisation test. `won`, `lost`, `tied`: queries, as the second has them. `changes`: the queries that are
    not tied, the worst loss first. `only`: how many queries one of the two has alone. `reversals`: where both models
    are at hand, the failures of either that the other has in order. `notes`: what differs beside the model.
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
    reversals: tuple[Reversal, ...] = ()
    notes: tuple[str, ...] = ()

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
    changes = [Change(key, queries.get(key, ""), first[key], second[key]) for key in compress(both, moved)]
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


def reversals(audits: Sequence[Audit], rerankers: Sequence[Reranker], n: int = N_REVERSALS) -> tuple[Reversal, ...]:
    """At most `n` of each model's costliest failures whose two texts the other model has in order."""
    found = []
    for k, audit in enumerate(audits):
        other = rerankers[1 - k]
        mended = (one for one in audit.failures if _in_order(other, one.inversion.case))
        for one in islice(mended, n):
            case = one.inversion.case
            contrast = contrast_of(other, case, audit.seed)
            whys = [one.reading.why, why(other, contrast)][:: 1 if k == 0 else -1]
            name = ("second", "first")[k]
            found.append(Reversal(one.inversion.id, case.query, case.wrong.text, case.right.text, name, *whys))
    return tuple(found)


def _in_order(reranker: Reranker, case: Case) -> bool:
    wrong, right = reranker.score(case.query, [case.wrong.text, case.right.text])
    return right > wrong
