"""The same pair under two rerankers: which words each ranks first, by one method."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.errors import OptionError
from attribution.evidence.correlation import TOP, spearman, top_k_overlap
from attribution.methods import METHODS
from attribution.types import Explanation
from attribution.words import to_words


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
    sides = [
        {(w.start, w.end): w for w in to_words(e, "document") if w.attribution is not None} for e in (first, second)
    ]
    shared = [span for span in sides[0] if span in sides[1]]  # tokenizers may join words differently
    values = [[side[span].attribution or 0.0 for span in shared] for side in sides]
    keys = values if METHODS[first.method].signed else [[abs(value) for value in side] for side in values]
    ranks = [_ranks(side) for side in keys]
    words = [
        RankedWord(sides[0][span].text.strip(), (values[0][i], values[1][i]), (ranks[0][i], ranks[1][i]))
        for i, span in enumerate(shared)
    ]
    words.sort(key=lambda word: (min(word.ranks), word.ranks))
    return TwoModels(tuple(words), spearman(keys[0], keys[1]), top_k_overlap(keys[0], keys[1], TOP))


def _ranks(values: list[float]) -> list[int]:
    """1 for the largest; of equal values the earlier word goes first."""
    order = sorted(range(len(values)), key=lambda i: -values[i])
    return [order.index(i) + 1 for i in range(len(values))]
