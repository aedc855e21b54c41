"""A judged set -> where the reranker goes wrong, how sure that is, and what in the texts goes with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from attribution.audit.causes import CAUSES
from attribution.audit.failures import Survey, Unjudged, Wanted, survey
from attribution.audit.judged import JudgedQuery, score_query
from attribution.audit.lifting import LiftingWord, lifting_words
from attribution.audit.measures import Average, Measured, averages, parse
from attribution.audit.reading import Failure, read_inversion
from attribution.audit.statistics import Excess, excesses
from attribution.errors import InputError, OptionError, check_range, check_seed, shown
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker

N_FAILURES = 50


@dataclass(frozen=True)
class Audit:
    """Where a reranker goes wrong over a judged set. `averages`: each measure of each order, with intervals.

    `failures`: the costliest inversions, one a query at most, of `n_inversions` in all. `causes`: how often each holds
    among them and elsewhere. `unjudged`: candidates without a grade above relevant ones, of `n_unjudged` in all.
    `unjudged_as`: the grade that those without one count as; None: not judged. `set_sha256`: of the queries, candidates
    and grades as they came. `notes`: what about the model and the set should be known, in sentences.
    """

    model_id: str
    revision: str
    measure: str
    seed: int
    averages: tuple[Average, ...]
    queries: tuple[Measured, ...]
    failures: tuple[Failure, ...]
    n_inversions: int
    causes: Mapping[str, Excess]
    words: tuple[LiftingWord, ...]
    unjudged: tuple[Unjudged, ...]
    n_unjudged: int
    notes: tuple[str, ...]
    unjudged_as: int | None
    set_sha256: str


def audit(
    reranker: Reranker,
    judged: Iterable[JudgedQuery],
    *,
    measure: str = "nDCG@10",
    n_failures: int = N_FAILURES,
    seed: int = 0,
    unjudged: int | None = None,
    on_pass: OnPass | None = None,
) -> Audit:
    """Score every candidate, measure the order, and look into the `n_failures` costliest inversions.

    `judged` is read once, a query at a time, and only the failures' texts are kept. `measure`: a name that ir-measures
    knows. `unjudged` 0: candidates without a grade count as not relevant. `on_pass` hears of every batch before it goes
    through the model and may raise `Stopped`. Raises `OptionError`, and `InputError` for a text that cannot be read or
    a set without any grade.
    """
    check_reranker(reranker)
    n_failures, seed = check_options(measure, n_failures, seed)
    if not (unjudged is None or (type(unjudged) is int and unjudged == 0)):
        raise OptionError(f"unjudged is {unjudged!r}; it must be 0 (counted as not relevant) or None (not judged).")
    if not isinstance(judged, Iterable):
        raise InputError(f"judged is {shown(judged)}. Give a list of JudgedQuery.")
    with metered(Meter(on_pass)):
        found = survey((score_query(reranker, one) for one in judged), Wanted(measure, n_failures, seed, unjudged))
        failures = [Failure(one, read_inversion(reranker, one, seed)) for one in found.inversions]
        words = lifting_words(reranker, found.inversions, seed)
    return conclude(reranker, found, failures, words)


def check_options(measure: str, n_failures: int, seed: int) -> tuple[int, int]:
    """The last two as Python's own numbers. Raises `OptionError` before anything is scored."""
    parse(measure)
    return check_range("n_failures", n_failures, 1, 10_000), check_seed(seed)


def conclude(reranker: Reranker, found: Survey, failures: Sequence[Failure], words: tuple[LiftingWord, ...]) -> Audit:
    """The record of an audit, from what its steps found. Raises `InputError` for a set without any grade."""
    if not found.measured:
        raise InputError(
            "No query of the set that was scored has a grade, so nothing can be called right or wrong. Give "
            "each document a grade (grade, relevance or label), or judgements (qrels) whose query and document ids are "
            "those of the candidates."
        )
    readings = [one.reading for one in failures]
    compared = [(one.causes, one.control_causes) for one in readings if one.control_causes]
    return Audit(
        model_id=reranker.model_id,
        revision=reranker.revision,
        measure=str(parse(found.wanted.measure)),
        seed=found.wanted.seed,
        averages=averages(found.measured, found.wanted.seed),
        queries=found.measured,
        failures=tuple(failures),
        n_inversions=found.n_inversions,
        causes=excesses(CAUSES, compared, found.wanted.seed),
        words=words,
        unjudged=found.unjudged,
        n_unjudged=found.n_unjudged,
        notes=(*reranker.notes, *found.notes),
        unjudged_as=found.wanted.unjudged,
        set_sha256=found.set_sha256,
    )
