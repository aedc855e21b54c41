"""What went wrong with a query: its costliest inversion, and its correctly ordered pairs to compare it with."""

import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from attribution.audit.judged import Placed, ScoredQuery, graded
from attribution.audit.measures import Measured, exchange_gains, measure_query

N_CONTROLS = 4  # correctly ordered pairs of a failure's query
NEAREST = 8  # relevant candidates, by place, whose exchange is tried; beside them the last of each grade
PAIRS_DRAWN = 1000  # looked at, where a query has more than can be listed
NO_GAIN = 1e-9
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Case:
    """Two candidates of a query: `right` is relevant, `wrong` was judged and is not. The model says which is above."""

    query: str
    wrong: Placed
    right: Placed

    @property
    def upper(self) -> Placed:
        """The one that the model put above the other."""
        return min(self.wrong, self.right, key=lambda one: one.rank)

    @property
    def lower(self) -> Placed:
        """The other one."""
        return max(self.wrong, self.right, key=lambda one: one.rank)


@dataclass(frozen=True)
class Inversion:
    """A query's costliest mistake: `case.wrong` stands above `case.right`, whose exchange would gain `cost`.

    `controls`: pairs of the same query that stand as they should, at most `N_CONTROLS`.
    """

    id: str
    cost: float
    case: Case
    controls: tuple[Case, ...]


def inversion_of(value: Mapping[str, Any]) -> Inversion:
    """The inversion that `export.plain` made plain data of."""
    cases = value["case"], *value["controls"]
    case, *controls = (Case(one["query"], Placed(**one["wrong"]), Placed(**one["right"])) for one in cases)
    return Inversion(value["id"], value["cost"], case, tuple(controls))


@dataclass(frozen=True)
class Unjudged:
    """A candidate without a grade that stands above a relevant one: nobody knows whether that is a mistake."""

    id: str
    query: str
    unjudged: Placed
    right: Placed


@dataclass(frozen=True)
class Wanted:
    """What an audit is asked for; `unjudged`: the grade of candidates without one, None: they are not judged."""

    measure: str
    n_failures: int
    seed: int
    unjudged: int | None = None


@dataclass(frozen=True)
class Survey:
    """What a pass over all queries leaves: their measures, the costliest inversions, and how many there were in all.

    `set_sha256`: of the queries, candidates and grades, by which two audits of one set are known.
    """

    wanted: Wanted
    measured: tuple[Measured, ...]
    inversions: tuple[Inversion, ...]
    n_inversions: int
    unjudged: tuple[Unjudged, ...]
    n_unjudged: int
    notes: tuple[str, ...]
    set_sha256: str


def survey(queries: Iterable[ScoredQuery], wanted: Wanted) -> Survey:
    """Measure every query with a grade, and keep the `n_failures` costliest inversions; texts of no others are kept."""
    measured: list[Measured] = []
    worst: list[tuple[float, int, Inversion]] = []
    unjudged: list[tuple[float, int, Unjudged]] = []
    digest = hashlib.sha256()
    counts = {"inversions": 0, "unjudged": 0, "no grade": 0, "given": 0, "no candidate": 0, "no relevant": 0, "cut": 0}
    for number, read in enumerate(queries):
        digest.update(repr(read.judged).encode())
        scored = graded(read, wanted.unjudged)
        counts["given"] += _n_unjudged(read) - _n_unjudged(scored)
        counts["cut"] += read.n_cut
        one = measure_query(scored, wanted.measure)
        if not one.n_judged and not scored.judged.elsewhere:
            counts["no grade"] += 1
            continue
        measured.append(one)
        counts["no candidate"] += not scored.judged.candidates
        counts["no relevant"] += not one.n_relevant
        inversion = costliest(scored, wanted.measure, wanted.seed)
        if inversion:
            counts["inversions"] += 1
            _keep(worst, (inversion.cost, -number, inversion), wanted.n_failures)
        open_question = unjudged_above(scored)
        if open_question:
            counts["unjudged"] += 1
            _keep(unjudged, (-open_question.unjudged.rank, -number, open_question), wanted.n_failures)
    return Survey(
        wanted,
        tuple(measured),
        tuple(entry[2] for entry in sorted(worst, reverse=True)),
        counts["inversions"],
        tuple(entry[2] for entry in sorted(unjudged, reverse=True)),
        counts["unjudged"],
        tuple(NOTES[name].format(n=n) for name, n in counts.items() if n and name in NOTES),
        digest.hexdigest(),
    )


def _n_unjudged(scored: ScoredQuery) -> int:
    return sum(candidate.grade is None for candidate in scored.judged.candidates)


NOTES = {
    "given": "Candidates without a grade, counted as not relevant because that was asked for: {n}.",
    "no grade": "Queries without a single grade, which no measure counts: {n}.",
    "no candidate": "Judged queries that are missing from the run, which count as 0, as in ir-measures: {n}.",
    "cut": "Candidates that the model read in part only, since the pair is longer than its limit: {n}.",
    "no relevant": "Queries without a relevant document, for which no order is better than another: {n}.",
}


def _keep(heap: list[tuple[float, int, Kept]], entry: tuple[float, int, Kept], n: int) -> None:
    """The `n` largest so far; numbers of queries differ, so that what is kept is never compared."""
    heapq.heappush(heap, entry)
    if len(heap) > n:
        heapq.heappop(heap)


def costliest(scored: ScoredQuery, measure: str, seed: int) -> Inversion | None:
    """The inversion whose exchange gains most of the measure; None where no exchange gains anything.

    No measure gains less by a higher place, so the wrong one is the highest of them. Of equal gains the relevant one
    with the higher grade, then with the higher place.
    """
    placed = scored.placed
    wrong = next((one for one in placed if one.grade is not None and one.grade <= 0), None)
    below = [one for one in placed if wrong and one.grade is not None and one.grade > 0 and one.rank > wrong.rank]
    if wrong is None or not below:
        return None
    last = {one.grade: one for one in below}
    tried = list(dict.fromkeys([*below[:NEAREST], *last.values()]))
    gains = exchange_gains(scored, [(wrong, right) for right in tried], measure)
    both = enumerate(zip(gains, tried, strict=True))
    gain, _, _, at = max((round(gain, 9), one.grade or 0, -one.rank, i) for i, (gain, one) in both)
    if gain < NO_GAIN:
        return None
    query = scored.judged.query
    controls = tuple(islice(_correct(placed, query, random.Random(f"{seed} {scored.judged.id}")), N_CONTROLS))
    return Inversion(scored.judged.id, gain, Case(query, wrong, tried[at]), controls)


def _correct(placed: list[Placed], query: str, rand: random.Random) -> Iterator[Case]:
    """Pairs that stand as they should, in random order, each once."""
    rights = [one for one in placed if one.grade is not None and one.grade > 0]
    wrongs = [one for one in placed if one.grade is not None and one.grade <= 0]
    n = len(rights) * len(wrongs)
    for number in rand.sample(range(n), min(n, PAIRS_DRAWN)):
        right, wrong = rights[number % len(rights)], wrongs[number // len(rights)]
        if right.rank < wrong.rank:
            yield Case(query, wrong, right)


def unjudged_above(scored: ScoredQuery) -> Unjudged | None:
    """The highest candidate without a grade, and the first relevant one below it; None where there is no such pair."""
    placed = scored.placed
    first = next((one for one in placed if one.grade is None), None)
    right = next((one for one in placed if first and (one.grade or 0) > 0 and one.rank > first.rank), None)
    return Unjudged(scored.judged.id, scored.judged.query, first, right) if first and right else None
