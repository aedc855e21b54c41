"""Why one document stands above another: the ranked list, and the difference of two logits as a sum over words."""

import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal

from attribution.errors import AttributionError, InputError, OptionError, plain_texts
from attribution.explain import explain
from attribution.methods import METHODS
from attribution.rerankers.hooks import Meter, OnPass, metered
from attribution.rerankers.reranker import Reranker, check_reranker
from attribution.types import Explanation, Path, Result, Segment, TokenizedPair, Word
from attribution.words import read_units, sum_to_units


@dataclass(frozen=True)
class Ranked:
    """One document of a list. `rank` and `place`, its place in the order given, count from 1; `logit` is raw."""

    rank: int
    place: int
    document: str
    logit: float
    truncated: bool


@dataclass(frozen=True)
class Ranking(Result):
    """A list by falling logit; documents of equal logit keep the order given. `notes`: what to know of the model."""

    rows: tuple[Ranked, ...]
    n_forward: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bar:
    """One word's term, in logits, of `first.logit - second.logit`; `of`: the document it stands in, or the query.

    For a word of the first document: its attribution. Of the second: minus its attribution. Of the query, which both
    share: its attribution beside the first document minus beside the second. `start`, `end`: characters of its text.
    """

    text: str
    of: Literal["first", "second", "query"]
    start: int
    end: int
    value: float


@dataclass(frozen=True)
class Side:
    """The whole difference as a sum over one side's words: bars + baseline + remainder = difference, in logits.

    `segments`: whose words the bars are. `baseline`: the first path's baseline logit minus the second's; the two
    differ because "no document" is as long as the document that it stands for. `remainder`: the second path's
    convergence delta minus the first's.
    """

    segments: tuple[Segment, ...]
    bars: tuple[Bar, ...]
    baseline: float
    remainder: float


@dataclass(frozen=True)
class Contrast:
    """Why `first` has another logit than `second`: `difference` = `first.logit - second.logit`, once a side."""

    first: Explanation
    second: Explanation
    method: str
    difference: float
    sides: tuple[Side, ...]
    n_forward: int
    n_backward: int
    seconds: float


def encode_all(reranker: Reranker, query: str, documents: Sequence[str]) -> list[TokenizedPair]:
    """Each document's pair. Raises `InputError`, which names a document by its place among several."""
    pairs = []
    for place, document in enumerate(documents, start=1):
        try:
            pairs.append(reranker.encode(query, document))
        except InputError as error:
            one = len(documents) == 1 or str(error).startswith("The query")
            raise InputError(str(error) if one else f"Document {place} of {len(documents)}: {error}") from error
    return pairs


def rank(reranker: Reranker, query: str, documents: Iterable[str], *, on_pass: OnPass | None = None) -> Ranking:
    """Sort `documents` by the raw logit of `(query, document)`, largest first; equal logits keep the order given.

    The logits are `reranker.score`'s. Documents of equal text are scored once and so are always equal. `on_pass` hears
    of every batch before it goes through the model and may raise `Stopped`. Raises `InputError`, which names the
    document by its place, for a document that cannot be read, for an empty list, and for a string, set or mapping.
    """
    check_reranker(reranker)
    texts = isinstance(documents, Iterable) and not isinstance(documents, (str, bytes, Mapping, Set))
    documents = [*documents] if texts and getattr(documents, "ndim", 1) == 1 else []  # a table gives its columns' names
    if not documents:
        raise InputError("There are no documents to rank. Give a list of texts, for example [first, second].")
    began = time.perf_counter()
    pairs = encode_all(reranker, query, documents)
    query, documents, cut = pairs[0].query, [pair.document for pair in pairs], [pair.truncated for pair in pairs]
    distinct = list(dict.fromkeys(documents))
    with metered(Meter(on_pass)) as meter:
        logits = dict(zip(distinct, reranker.score(query, distinct), strict=True))
    order = sorted(range(len(documents)), key=lambda i: -logits[documents[i]])  # stable: ties keep their order
    return Ranking(
        **reranker.about(query),
        rows=tuple(Ranked(r, i + 1, documents[i], logits[documents[i]], cut[i]) for r, i in enumerate(order, start=1)),
        n_forward=meter.n_forward,
        seconds=time.perf_counter() - began,
        notes=reranker.notes,
    )


def reordered(ranking: Ranking, logits: Mapping[int, float]) -> Ranking:
    """The same list with other logits for some of its places: what if. Costs nothing; ties as in `rank`."""
    rows = sorted(ranking.rows, key=lambda row: row.place)
    rows = [replace(row, logit=logits.get(row.place, row.logit)) for row in rows]
    rows.sort(key=lambda row: -row.logit)
    ranked = tuple(replace(row, rank=r) for r, row in enumerate(rows, start=1))
    return replace(ranking, rows=ranked)


def contrast(
    reranker: Reranker,
    query: str,
    first: str,
    second: str,
    method: str = "integrated_gradients",
    *,
    on_pass: OnPass | None = None,
    **options: Any,
) -> Contrast:
    """Why the document `first` has another logit than `second` for `query`, word by word, in logits.

    `method`: a key of `METHODS` whose attributions add up (`complete`), with its options. A path of such a method
    explains `logit - baseline_logit`, so the difference of two logits is the first document's words minus the
    second's, plus the difference of the baselines. The path of the query's words explains the same difference again.
    What the integrals missed is each side's `remainder`, never spread over words. Documents of equal text are
    explained once. `on_pass` as for `explain`. Raises `InputError`, `OptionError` for a method without `complete`, and
    `AttributionError` without a gradient.
    """
    check_reranker(reranker)
    check_complete(method)
    query, first, second = plain_texts(query=query, first_document=first, second_document=second)
    a = explain(reranker, query, first, method, on_pass=on_pass, **options)
    b = a if second == first else explain(reranker, query, second, method, on_pass=on_pass, **options)
    if a.note or b.note:
        raise AttributionError(f"The two documents cannot be compared word by word. {a.note or b.note}")
    runs = (a,) if b is a else (a, b)
    return Contrast(
        first=a,
        second=b,
        method=method,
        difference=a.logit - b.logit,
        sides=tuple(_side(a, b, *paths) for paths in zip(a.paths, b.paths, strict=True)),
        n_forward=sum(e.n_forward for e in runs),
        n_backward=sum(e.n_backward for e in runs),
        seconds=sum(e.seconds for e in runs),
    )


def complete_methods() -> list[str]:
    """The keys of the methods that `contrast` takes."""
    return [key for key, method in METHODS.items() if method.complete]


def check_complete(method: str) -> None:
    """Raises `OptionError` for a method whose attributions do not sum to a difference of logits."""
    if not isinstance(method, str) or method not in complete_methods():
        raise OptionError(
            f"{method!r} does not add up to a difference of logits, so it cannot say why one document is above "
            f"another. Valid: {', '.join(complete_methods())}."
        )


def words_of(
    read: Explanation | TokenizedPair, values: Sequence[float], segment: Segment, unit: str = "word"
) -> list[Word]:
    """The words of one segment that the model read, or by `unit` the document's sentences, without white space around.

    In the order of `removal.parts_of`; each has the sum of `values`, one a token of `read`, as its attribution.
    """
    words = []
    for word in sum_to_units(read_units(read, segment, unit), values):
        shown = word.text.strip()
        start = word.start + word.text.index(shown)
        words.append(replace(word, text=shown, start=start, end=start + len(shown)))
    return words


def _side(a: Explanation, b: Explanation, path_a: Path, path_b: Path) -> Side:
    """The two explanations of one path each, subtracted."""
    bars: list[Bar] = []
    if "document" in path_a.segments:
        bars += [Bar(w.text, "first", w.start, w.end, v) for w, v in _valued(a, "document")]
        bars += [Bar(w.text, "second", w.start, w.end, -v) for w, v in _valued(b, "document")]
    if "query" in path_a.segments:
        beside_a, beside_b = ({(w.start, w.end): (w.text, v) for w, v in _valued(e, "query")} for e in (a, b))
        for span in sorted(beside_a.keys() | beside_b.keys()):
            (text, value_a), (_, value_b) = (
                side.get(span, (a.query[slice(*span)], 0.0)) for side in (beside_a, beside_b)
            )
            bars.append(Bar(text, "query", *span, value_a - value_b))
    baseline = path_a.baseline_logit - path_b.baseline_logit
    remainder = a.logit - b.logit - baseline - sum(bar.value for bar in bars)
    return Side(path_a.segments, tuple(bars), baseline, remainder)


def _valued(explanation: Explanation, segment: Segment) -> list[tuple[Word, float]]:
    words = words_of(explanation, explanation.attributions, segment)
    return [(word, word.attribution) for word in words if word.attribution is not None]  # for the types: each has one
