"""A judged set: queries with candidates that people have graded; and one query of it after the model has scored it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral

from attribution.errors import InputError, check_id, shown
from attribution.evidence.compare.contrast import rank
from attribution.rerankers.reranker import Reranker

AT_ONCE = 512  # texts that are scored at a time: of ten thousand the tokens are never in memory together


@dataclass(frozen=True)
class Candidate:
    """One document of a query's list. `grade`: above 0 is relevant, None is not judged."""

    id: str
    text: str
    grade: int | None


@dataclass(frozen=True)
class JudgedQuery:
    """A query, its candidates in the order given, and `elsewhere`: what else was graded but is no candidate.

    A measure's ideal order counts those too.
    """

    id: str
    query: str
    candidates: tuple[Candidate, ...]
    elsewhere: Mapping[str, int]


@dataclass(frozen=True)
class Placed(Candidate):
    """A candidate where the model put it: `rank` counts from 1, `logit` is raw."""

    logit: float
    rank: int


@dataclass(frozen=True)
class ScoredQuery:
    """A judged query with a raw logit for each candidate, in the order given; `n_cut`: how many were read in part."""

    judged: JudgedQuery
    logits: tuple[float, ...]
    n_cut: int = 0

    @property
    def placed(self) -> list[Placed]:
        """The candidates by falling logit; those of equal logit by falling id, as trec_eval has them."""
        scored = zip(self.judged.candidates, self.logits, strict=True)
        both = sorted(scored, key=lambda one: (one[1], one[0].id), reverse=True)
        return [Placed(c.id, c.text, c.grade, logit, rank) for rank, (c, logit) in enumerate(both, start=1)]


def check_judged(judged: object) -> None:
    """Raises `InputError` for what is no judged query, and where an id stands for two candidates or for no file."""
    if not isinstance(judged, JudgedQuery):
        raise InputError(f"the judged set holds {shown(judged)}; give a list of JudgedQuery")
    candidates, elsewhere = judged.candidates, judged.elsewhere
    if not isinstance(candidates, tuple | list) or not all(isinstance(one, Candidate) for one in candidates):
        raise InputError(f"the candidates of query {judged.id} are {shown(candidates)}; give a tuple of Candidate")
    if not isinstance(elsewhere, Mapping):
        raise InputError(f"elsewhere of query {judged.id} is {shown(elsewhere)}; give a dict of grades by document id")
    for one in candidates:
        if not isinstance(one.text, str):
            raise InputError(f"the text of document {one.id} is {shown(one.text)}; give a string")
    for grade in (*(one.grade for one in candidates), *elsewhere.values()):
        if isinstance(grade, bool) or not isinstance(grade, Integral | None):
            raise InputError(f"a grade of query {judged.id} is {shown(grade)}; give whole numbers")
    for id in (judged.id, *(candidate.id for candidate in judged.candidates), *judged.elsewhere):
        check_id(id)
    counts = Counter(candidate.id for candidate in judged.candidates)
    if twice := [one for one, n in counts.items() if n > 1]:
        raise InputError(
            f"query {judged.id} has document {twice[0]} twice among its candidates; give each document once"
        )


def _plain(judged: JudgedQuery) -> JudgedQuery:
    """With Python's own strings and numbers, where they come from a table."""
    text = str.__str__
    candidates = tuple(
        Candidate(text(c.id), text(c.text), None if c.grade is None else int(c.grade)) for c in judged.candidates
    )
    elsewhere = {text(id): int(grade) for id, grade in judged.elsewhere.items()}
    query = text(judged.query) if isinstance(judged.query, str) else judged.query  # the reranker says what it is
    return JudgedQuery(text(judged.id), query, candidates, elsewhere)


def graded(scored: ScoredQuery, unjudged: int | None) -> ScoredQuery:
    """Candidates without a grade get the grade `unjudged`, unless it is None or the query has no grade at all."""
    judged = scored.judged
    if unjudged is None or not (judged.elsewhere or any(c.grade is not None for c in judged.candidates)):
        return scored
    candidates = tuple(replace(c, grade=unjudged) if c.grade is None else c for c in judged.candidates)
    return replace(scored, judged=replace(judged, candidates=candidates))


def score_query(reranker: Reranker, judged: JudgedQuery) -> ScoredQuery:
    """The logits of all candidates; equal texts are scored once. Raises `InputError`."""
    check_judged(judged)
    judged = _plain(judged)
    texts = list(dict.fromkeys(candidate.text for candidate in judged.candidates))
    parts = (texts[at : at + AT_ONCE] for at in range(0, len(texts), AT_ONCE))
    found = {row.document: row for part in parts for row in rank(reranker, judged.query, part).rows}
    rows = [found[candidate.text] for candidate in judged.candidates]
    return ScoredQuery(judged, tuple(row.logit for row in rows), sum(row.truncated for row in rows))
