"""Two audits of the same queries: which are won, which lost, and whether chance would do as much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import Any

import numpy as np

from attribution.audit.audit import Audit
from attribution.audit.failures import Case
from attribution.audit.reading import Why, contrast_of, why
from attribution.audit.statistics import mean_intervals, randomisation_p
from attribution.errors import InputError
from attribution.rerankers.reranker import Reranker

SAME = 1e-9
N_REVERSALS = 20
OTHER = {  # what two audits may differ in beside the model
    "set_sha256": (
        "The two audits are not known to be of the same set: queries, candidates or grades differ, or the earlier one "
        "does not say. So the difference may come from the set, and only queries of both are compared."
    ),
    "seed": "The two audits used different seeds: intervals, and the pairs checked for causes, were drawn anew.",
}
Stored = Mapping[str, Any]  # an audit, as `audit.json` has it


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


def check_comparable(first: Stored, second: Stored) -> None:
    """Raises `InputError` where the numbers of the one audit are not to be held beside those of the other."""
    measures, unjudged = ([one.get(name) for one in (first, second)] for name in ("measure", "unjudged_as"))
    if measures[0] != measures[1]:
        raise InputError(f"The audits measure {measures[0]} and {measures[1]}. Give audits of the same measure.")
    if unjudged[0] != unjudged[1]:
        said = [f"with --unjudged {one}" if one is not None else "without --unjudged" for one in unjudged]
        raise InputError(f"The audits were made {said[0]} and {said[1]}. Give audits of the same kind.")


def compare(first: Stored, second: Stored, seed: int) -> Comparison:
    """The `second` audit beside the `first`. Raises `InputError`."""
    check_comparable(first, second)
    measure = second["measure"]
    values, others = ({q["id"]: q["values"]["model"][measure] for q in one["queries"]} for one in (second, first))
    both = [key for key in values if key in others]
    if not both:
        raise InputError("The two audits have no query id in common. Give audits of the same judged set.")
    differences = np.array([values[key] - others[key] for key in both])
    moved = np.sign(np.where(np.abs(differences) < SAME, 0.0, differences))
    queries = {query["id"]: query["query"] for query in second["queries"]}
    changes = [Change(key, queries[key], others[key], values[key]) for key in compress(both, moved)]
    difference, low, high = mean_intervals(differences[:, None], seed)[0].tolist()
    return Comparison(
        measure=measure,
        first=f"{first['model_id']} ({first['revision']})",
        second=f"{second['model_id']} ({second['revision']})",
        n=len(both),
        difference=difference,
        low=low,
        high=high,
        p=randomisation_p(differences, seed),
        won=int((moved > 0).sum()),
        lost=int((moved < 0).sum()),
        tied=int((moved == 0).sum()),
        changes=tuple(sorted(changes, key=lambda change: change.second - change.first)),
        only=len(others.keys() ^ values.keys()),
        notes=tuple(says for name, says in OTHER.items() if first.get(name) != second[name]),
    )


def reversals(audits: Sequence[Audit], rerankers: Sequence[Reranker]) -> tuple[Reversal, ...]:
    """At most `N_REVERSALS` of each model's costliest failures whose two texts the other model has in order."""
    found = []
    for k, audit in enumerate(audits):
        other = rerankers[1 - k]
        mended = (one for one in audit.failures if _in_order(other, one.inversion.case))
        for one in islice(mended, N_REVERSALS):
            case = one.inversion.case
            contrast = contrast_of(other, case, audit.seed)
            whys = [one.reading.why, why(other, contrast)][:: 1 if k == 0 else -1]
            name = ("second", "first")[k]
            found.append(Reversal(one.inversion.id, case.query, case.wrong.text, case.right.text, name, *whys))
    return tuple(found)


def _in_order(reranker: Reranker, case: Case) -> bool:
    wrong, right = reranker.score(case.query, [case.wrong.text, case.right.text])
    return right > wrong
