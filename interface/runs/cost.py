"""What a run costs on a text: at most how many passes, and the seconds at the pace of the fastest recent run.

Passes are counted as forwards; a gradient costs as much as some of them, see `attribution.explain`.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from attribution.evidence.compare.contrast import encode_all
from attribution.evidence.faithfulness.measure import max_passes
from attribution.evidence.sentences import max_passes as passes_of_sentences
from attribution.explain import forwards, sides_of
from attribution.methods import Sides
from attribution.removal import OPERATORS
from attribution.rerankers.loading.load import in_memory
from attribution.rerankers.reranker import Reranker
from attribution.types import TokenizedPair
from attribution.views.cards import FEWEST
from attribution.words import MAX_SENTENCES
from interface.runs.limits import ON_A_SPACE, limit

FAITHFULNESS, SENTENCES = "faithfulness", "sentences"  # measured along with the methods, so costed like them
DEAR = 24  # forwards from which a method waits until the others are measured
TOKENS_A_SECOND = 10_000.0  # forwards of a model of `PARAMETERS` on two cores, before anything ran
PARAMETERS = 22_700_000
GPU_TOKENS_A_SECOND, LOADING = 100_000.0, 3.0  # a lent GPU with small batches; seconds until the weights are there
SLOWEST = 2.0  # times as slow as by its size: a busy moment is no measure of the machine
LAST = 5  # runs of a method that are remembered
Passes = Callable[[Any, Sides], int]  # (what is asked, words of the query and of a document) -> forwards at most
_speeds: dict[tuple[str, str], deque[float]] = {}  # (model, method) -> seconds a forward and token


@dataclass(frozen=True)
class Size:
    """What the cost of a pair depends on: its tokens, the words of its query and document, the document's sentences."""

    n_tokens: int
    sides: Sides
    n_sentences: int = 0


def size_of(pair: TokenizedPair) -> Size:
    """The size of a pair as the model reads it."""
    return Size(len(pair.tokens), sides_of(pair))


def counts_of(size: Size, methods: Iterable[str], wanted: Mapping[str, Any]) -> dict[str, int]:
    """At most so many forwards for each of `methods`, with those of the `wanted` options that it takes."""
    return {method: forwards(method, size.sides, **wanted) for method in methods}


def seconds(reranker: Reranker, n_tokens: int, counts: Mapping[str, int]) -> float:
    """About how long `counts` take: at a method's fastest recent pace, or by the model's size if it has not run yet."""
    size = sum(parameter.numel() for parameter in reranker.model.parameters())
    usual = max(1.0, size / PARAMETERS) / TOKENS_A_SECOND
    mine = {method: min(speeds) for (model, method), speeds in _speeds.items() if model == reranker.model_id}
    return sum(n * n_tokens * min(mine.get(method, usual), SLOWEST * usual) for method, n in counts.items())


def of_faithfulness(n_methods: int) -> int:
    """At most so many forwards to measure how faithful the methods are, under every way of removing words."""
    return len(OPERATORS) * max_passes(n_methods)


def of_sentences(n: int) -> int:
    """At most so many forwards for a document's sentences; 0 where it has too few to show."""
    return passes_of_sentences(min(n, MAX_SENTENCES)) if n >= FEWEST else 0


def estimate(reranker: Reranker, size: Size, methods: Iterable[str], wanted: Mapping[str, Any]) -> tuple[int, float]:
    """`(forwards at most, about how many seconds)` for `methods`, measuring their faithfulness, and the sentences."""
    counts = counts_of(size, methods, wanted)
    counts |= {FAITHFULNESS: of_faithfulness(len(counts)), SENTENCES: of_sentences(size.n_sentences)}
    return sum(counts.values()), seconds(reranker, size.n_tokens, counts)


def lent(asked: Any, passes: Passes | None) -> int:
    """For how many seconds a run asks for a lent GPU: its `passes` for each text, all as long as the longest.

    Never beyond the limit of a run, which is what it asks for without `passes`: a visitor has few minutes a day, and is
    refused when less is left than a run asks for. `asked` has `model_ids`, `query` and `texts`; a model that is yet to
    be loaded asks for the least.
    """
    longest = limit() or ON_A_SPACE
    if passes is None:
        return math.ceil(longest)
    needed = [LOADING]
    for reranker in filter(None, map(in_memory, asked.model_ids)):
        pairs = encode_all(reranker, asked.query, asked.texts)
        n_tokens = max((len(pair.tokens) for pair in pairs), default=0)
        needed.append(LOADING + sum(passes(asked, sides_of(pair)) for pair in pairs) * n_tokens / GPU_TOKENS_A_SECOND)
    return math.ceil(min(max(needed), longest))


def learn(model_id: str, method: str, n_forwards: int, n_tokens: int, taken: float) -> None:
    """Remember how long a run of at most `n_forwards` took."""
    _speeds.setdefault((model_id, method), deque(maxlen=LAST)).append(taken / (n_forwards * n_tokens))
