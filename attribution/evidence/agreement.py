"""How far rankings of the same words agree. Agreement is not correctness: all may be wrong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from attribution.errors import OptionError
from attribution.methods import METHODS
from attribution.types import Explanation
from attribution.words import to_words

TOP = 5  # how many top words an overlap looks at


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties given their average rank; None when either side is constant."""
    ranks = [_average_ranks(side) for side in (a, b)]
    if any(len(np.unique(side)) <= 1 for side in ranks):
        return None
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def top_k_overlap(a: Sequence[float], b: Sequence[float], k: int) -> float:
    """The share of the `k` largest of `a` that are among the `k` largest of `b`; `k` is cut to the length."""
    k = min(k, len(a))
    return len(set(_falling(a)[:k]) & set(_falling(b)[:k])) / k if k else 0.0


def _falling(values: Sequence[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda i: -values[i])  # ties: the earlier word


def _average_ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """`(n,)` ranks from 0; equal values share the mean of the ranks they span."""
    x = np.asarray(values, dtype=np.float64)
    smaller = (x[None, :] < x[:, None]).sum(1)
    equal = (x[None, :] == x[:, None]).sum(1)
    return np.asarray(smaller + (equal - 1) / 2, dtype=np.float64)


def _shared(
    a: Explanation, b: Explanation
) -> tuple[list[tuple[str, tuple[float, float]]], tuple[list[float], list[float]]]:
    """The document's words that both read, with both values, and what ranks them in each: values, or sizes."""
    first, second = (
        {(w.start, w.end): (w.text, w.attribution) for w in to_words(e, "document") if w.attribution is not None}
        for e in (a, b)
    )
    both = [span for span in first if span in second]  # tokenizers may join words differently
    words = [(first[span][0], (first[span][1], second[span][1])) for span in both]
    first_values, second_values = ([read[span][1] for span in both] for read in (first, second))
    if METHODS[a.method].signed and METHODS[b.method].signed:
        return words, (first_values, second_values)
    return words, ([*map(abs, first_values)], [*map(abs, second_values)])


@dataclass(frozen=True)
class Agreement:
    """Square tables in the order of `methods`. `spearman` is None where a method gives all words the same value.

    `overlap`: the share of one method's five top words among the other's.
    """

    methods: tuple[str, ...]
    spearman: tuple[tuple[float | None, ...], ...]
    overlap: tuple[tuple[float, ...], ...]


def agreement(explanations: Mapping[str, Explanation]) -> Agreement:
    """Spearman and top-5 overlap of every two explanations of one pair, on the document's seen words.

    Two signed methods are compared by value; as soon as one has no sign, both are compared by size.
    """
    pairs = [[_shared(a, b)[1] for b in explanations.values()] for a in explanations.values()]
    return Agreement(
        methods=tuple(explanations),
        spearman=tuple(tuple(spearman(*pair) for pair in row) for row in pairs),
        overlap=tuple(tuple(top_k_overlap(*pair, TOP) for pair in row) for row in pairs),
    )


class CaptumAgreement(NamedTuple):
    """`relative_l1`: sum of |a - b| over tokens, as a share of the larger sum of absolute values; 0 is the same.

    `spearman`: of the tokens' values; None where a side is constant.
    """

    relative_l1: float
    spearman: float | None


def captum_agreement(ours: Explanation, captum: Explanation) -> CaptumAgreement:
    """How far the two integrated gradients of one pair are apart, on the tokens of query and document.

    Raises `OptionError` when they are of different pairs or models.
    """
    if len({(e.model_id, e.revision, e.query, e.document) for e in (ours, captum)}) > 1:
        raise OptionError("The two explanations are of different pairs or models. Give two of one pair and one model.")
    places = [i for i, token in enumerate(ours.tokens) if token.segment != "template"]
    a, b = ([explanation.attributions[i] for i in places] for explanation in (ours, captum))
    distance = sum(abs(x - y) for x, y in zip(a, b, strict=True))
    scale = max(sum(map(abs, a)), sum(map(abs, b)))
    return CaptumAgreement(distance / scale if scale else 0.0, spearman(a, b))


@dataclass(frozen=True)
class RankedWord:
    """One document word that both models read: its value under each, in that model's logits, and its rank from 1."""

    text: str
    values: tuple[float, float]
    ranks: tuple[int, int]


@dataclass(frozen=True)
class TwoModels:
    """`words` by the better of their two ranks. `spearman`: None where one side gives all words the same value.

    `overlap`: the share of the first model's `TOP` words among the second's.
    """

    words: tuple[RankedWord, ...]
    spearman: float | None
    overlap: float


def compare_models(first: Explanation, second: Explanation) -> TwoModels:
    """Ranks of the document's words under two models; words are ranked by value, or by size for unsigned methods.

    Raises `OptionError` unless both explain one pair by one method.
    """
    if (first.query, first.document, first.method) != (second.query, second.document, second.method):
        raise OptionError(
            "The two explanations are of different pairs or methods. Explain one pair by one method under both models."
        )
    shared, values = _shared(first, second)
    orders = map(_falling, values)  # rank 1 for the largest; of equal values the earlier word goes first
    ranks = zip(*([order.index(i) + 1 for i in range(len(order))] for order in orders), strict=True)
    words = [RankedWord(text.strip(), pair, both) for (text, pair), both in zip(shared, ranks, strict=True)]
    words.sort(key=lambda word: (min(word.ranks), word.ranks))
    return TwoModels(tuple(words), spearman(*values), top_k_overlap(*values, TOP))
