"""Measures of an order, by ir-measures alone, and the order that BM25 gives by bm25s, without any model.

ir-measures is given orders only; its values are averaged here.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from subprocess import SubprocessError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution.audit.judged import JudgedQuery, Placed, ScoredQuery
from attribution.audit.statistics import mean_intervals
from attribution.errors import InputError, OptionError

BESIDE = ("RR@10", "P@1", "Judged@10")  # measured beside the one that is asked for
MOST = 1_000_000  # as cutoff
MOST_GAIN = 10_000  # as the highest grade: trec_eval's time grows with its square
UNCLEAR = {  # how errors of other programs begin, and what they mean
    "Unsupported measures": "no program that computes it is installed",
    "malformed node": "a value in it is no plain number, text or dict",
}
ORDERS = {
    "model": "the reranker's order",
    "given": "the order the candidates came in",
    "lexical": "BM25 over the same candidates",
}


@dataclass(frozen=True)
class Measured:
    """One query's `values`: order -> measure -> value, the measure asked for first."""

    id: str
    query: str
    n_candidates: int
    n_judged: int
    n_relevant: int
    values: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Average:
    """A measure's mean over the queries, and its 95 % bootstrap interval over them.

    `ahead`: by how much the model's mean is above this order's, with the interval of the paired differences.
    """

    order: str
    measure: str
    value: float
    low: float
    high: float
    ahead: float
    ahead_low: float
    ahead_high: float


def parse(measure: str) -> Any:
    """ir-measures' own object. Raises `OptionError` for a name it does not know, or where it is not installed."""
    try:
        import ir_measures
        import ir_measures.util
    except ImportError:
        raise OptionError("An audit needs ir-measures and bm25s: pip install 'rerank-lens[audit]'.") from None
    ir_measures.util._ast_to_value = ast.literal_eval  # its own needs `ast.Num`, which Python 3.14 has no more
    try:
        parsed = ir_measures.parse_measure(measure)
        if wrong := _wrong(parsed):
            raise ValueError(wrong)
        list(ir_measures.iter_calc([parsed], [ir_measures.Qrel("1", "d", 1)], [ir_measures.ScoredDoc("1", "d", 1.0)]))
    except Exception as error:  # of many kinds, by the name and by the program that computes it
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        for begins, plain in UNCLEAR.items():
            said = plain if said.startswith(begins) else said
        raise OptionError(
            f"ir-measures does not compute {measure!r} here: {said}. Valid are for example nDCG@10, RR@10, AP, R@100."
        ) from None
    return parsed


def _wrong(parsed: Any) -> str | None:
    """What in the parameters is none, or would be computed wrong, for ever, or to the end of the process."""
    known, given = parsed.SUPPORTED_PARAMS, parsed.params
    if odd := [name for name in given if name not in known]:
        return f"it has no parameter {', '.join(odd)}; it has {', '.join(known) or 'none'}"
    if lacks := [f"{name} ({one.desc})" for name, one in known.items() if one.required and name not in given]:
        return f"it needs {' and '.join(lacks)}"
    for name, value in given.items():
        whole = known[name].dtype is int
        if not known[name].validate(value) or (whole and not (type(value) is int and 1 <= value <= MOST)):
            must = f"; it must be a whole number from 1 to {MOST:,}" if whole else ", which it does not take"
            return f"its {name} ({known[name].desc}) is {value!r}{must}"
    for grade, gain in given.get("gains", {}).items():
        if type(grade) is not int or type(gain) is not int or not 0 <= gain <= MOST_GAIN:
            return (
                f"its gains have {grade!r}: {gain!r}; they must be whole numbers from 0 to {MOST_GAIN:,} by whole "
                "grades, as in nDCG(gains={0:0,1:1,2:3})@10"
            )
    if parsed.NAME == "Accuracy":
        return "its program divides by zero where all candidates of a query are relevant"
    return None


@cache
def measures(measure: str) -> dict[str, Any]:
    """Name -> ir-measures' object: the one asked for, then those beside it, each once."""
    return {str(parsed): parsed for parsed in map(parse, (measure, *BESIDE))}


def measure_query(scored: ScoredQuery, measure: str) -> Measured:
    """The measures of all `ORDERS` of one query's candidates."""
    judged = scored.judged
    n = len(judged.candidates)
    ids = [candidate.id for candidate in judged.candidates]
    orders = {
        "model": dict(zip(ids, scored.logits, strict=True)),
        "given": dict(zip(ids, map(float, range(n, 0, -1)), strict=True)),
        "lexical": dict(zip(ids, bm25(judged.query, [c.text for c in judged.candidates]), strict=True)),
    }
    grades = [candidate.grade for candidate in judged.candidates if candidate.grade is not None]
    n_relevant = sum(grade > 0 for grade in [*grades, *judged.elsewhere.values()])
    values = calculate(grades_of(judged), orders, measures(measure))
    return Measured(judged.id, judged.query, n, len(grades), n_relevant, values)


def grades_of(judged: JudgedQuery) -> dict[str, int]:
    """Document id -> grade, of the candidates and of what was graded elsewhere."""
    return {**judged.elsewhere, **{c.id: c.grade for c in judged.candidates if c.grade is not None}}


def calculate(
    grades: Mapping[str, int], orders: Mapping[str, Mapping[str, float]], wanted: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """Order -> measure -> value; each order of `{document id: score}` is a query of its own to ir-measures.

    Of equal scores the higher id is ahead in all measures, as trec_eval has them. Raises `InputError`.
    """
    import ir_measures

    if max(grades.values(), default=0) < 0:  # trec_eval would end the process, or never end
        grades = dict.fromkeys(grades, 0)
    # gdeval reads queries that are numbers and ids without spaces; of equal scores each program makes another order.
    names = {str(i): order for i, order in enumerate(orders, start=1)}
    ids = {id: str(i) for i, id in enumerate({*grades, *chain.from_iterable(orders.values())})}
    qrels = [ir_measures.Qrel(i, ids[id], grade) for i in names for id, grade in grades.items()]
    run = [
        ir_measures.ScoredDoc(i, ids[id], place)
        for i, order in names.items()
        for place, id in enumerate(_rising(orders[order]), start=1)
    ]
    values = {order: dict.fromkeys(wanted, 0.0) for order in orders}
    try:
        for metric in ir_measures.iter_calc(list(wanted.values()), qrels, run):
            values[names[metric.query_id]][str(metric.measure)] = float(metric.value)
    except Exception as error:  # its programs for some measures refuse some grades
        said = "its program refuses them" if isinstance(error, SubprocessError) else error
        raise InputError(
            f"ir-measures could not compute {' or '.join(wanted)} of the grades {sorted({*grades.values()})}: {said}"
        ) from error
    return values


def check_grades(measure: str, grades: Collection[int]) -> None:
    """Raises `InputError` for grades that the program behind `measure` refuses, before anything is scored."""
    if grades:
        calculate({str(one): one for one in grades}, {"": {str(one): one for one in grades}}, {measure: parse(measure)})


def _rising(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda id: (scores[id], id))


def exchange_gains(scored: ScoredQuery, pairs: Sequence[tuple[Placed, Placed]], measure: str) -> list[float]:
    """How much of `measure` each exchange of two candidates' places would gain."""
    name, parsed = next(iter(measures(measure).items()))
    now = {candidate.id: logit for candidate, logit in zip(scored.judged.candidates, scored.logits, strict=True)}
    orders = {str(i): {**now, a.id: b.logit, b.id: a.logit} for i, (a, b) in enumerate(pairs)}
    values = calculate(grades_of(scored.judged), {"now": now, **orders}, {name: parsed})
    return [values[order][name] - values["now"][name] for order in orders]


def averages(found: Sequence[Measured], seed: int) -> tuple[Average, ...]:
    """Every measure of every order, over all of `found`, at least one query."""
    columns = [(order, name) for name in found[0].values["model"] for order in ORDERS]
    values = np.array([[one.values[order][name] for order, name in columns] for one in found])
    model = np.array([[one.values["model"][name] for _, name in columns] for one in found])
    intervals = mean_intervals(np.concatenate([values, model - values], axis=1), seed).tolist()
    both = zip(columns, intervals[: len(columns)], intervals[len(columns) :], strict=True)
    return tuple(Average(*column, *own, *ahead) for column, own, ahead in both)


def bm25(query: str, texts: Sequence[str]) -> list[float]:
    """One BM25 score a text, counted over these texts alone; 0 for all where no word of the query is in any.

    Robertson and Walker 1994, in the form of Lucene; English stop words are left out. Lù 2024, arXiv:2407.03618.
    """
    return next(_scores(texts, [query])).tolist()


def best_by_bm25(texts: Iterable[str], queries: Iterable[str], top: int) -> Iterator[list[int]]:
    """For each query the places of its `top` best texts, best first; only texts that hold a word of it.

    No text is kept; the index in memory takes some 16 bytes a word.
    """
    for scores in _scores(texts, queries):
        yield [i for i in np.argsort(-scores, kind="stable")[:top].tolist() if scores[i] > 0]


def _scores(texts: Iterable[str], queries: Iterable[str]) -> Iterator[NDArray[np.float32]]:
    """For each query one score a text."""
    import bm25s

    tokenize = partial(bm25s.tokenize, stopwords="en", show_progress=False, return_ids=False)
    tokens, index = tokenize(iter(texts)), bm25s.BM25()
    known = {word for words in tokens for word in words}
    if known:
        index.index(tokens, show_progress=False)
    for query in queries:
        words = [word for word in tokenize([query])[0] if word in known]
        yield index.get_scores(words) if words else np.zeros(len(tokens), np.float32)
